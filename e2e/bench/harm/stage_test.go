//go:build linux

package main

import (
	"fmt"
	"math"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/netlab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wan builds a site with one endpoint.
func wan(t *testing.T, l netlab.Link) (origin, bystander *netlab.Host, site *netlab.Site) {
	lab := netlab.New(t, netlab.Plan{Sites: []netlab.SitePlan{{Endpoints: 1, WAN: netlab.Both(l)}}, Sysctls: settings("cubic")})
	return lab.Origin, lab.Sites[0].Endpoints[0], lab.Sites[0]
}

func TestVoiceMeasuresTheWayThereAndBack(t *testing.T) {
	origin, bystander, _ := wan(t, netlab.Link{Rate: 20e6, Delay: 20 * time.Millisecond})
	v, err := call(bystander, origin)
	if err != nil {
		t.Fatal(err)
	}
	from := time.Now()
	time.Sleep(2 * time.Second)
	to := time.Now()
	time.Sleep(200 * time.Millisecond)
	trips, lost := v.between(from, to)
	if err := v.hangUp(); err != nil {
		t.Error(err)
	}
	if len(trips) < 80 || len(trips) > 105 || lost > 0 {
		t.Errorf("%d packets came back in 2 s and a share of %.2f was lost, want 100 and none", len(trips), lost)
	}
	if got := quantile(trips, 0.5); got < 0.040 || got > 0.045 {
		t.Errorf("the median round trip took %.1f ms, want 40", 1000*got)
	}
}

func TestVoiceTellsWhatIsLost(t *testing.T) {
	origin, bystander, _ := wan(t, netlab.Link{Rate: 20e6, Delay: 5 * time.Millisecond, Loss: 0.5})
	v, err := call(bystander, origin)
	if err != nil {
		t.Fatal(err)
	}
	from := time.Now()
	time.Sleep(2 * time.Second)
	_, lost := v.between(from, time.Now().Add(-100*time.Millisecond))
	if err := v.hangUp(); err != nil {
		t.Error(err)
	}
	if lost < 0.55 || lost > 0.95 {
		t.Errorf("a share of %.2f was lost, want 0.75", lost)
	}
}

func TestPageTakesAsLongAsItsRoundTripsAndBytes(t *testing.T) {
	origin, bystander, _ := wan(t, netlab.Link{Rate: 20e6, Delay: 20 * time.Millisecond})
	l, err := serve(origin, webPort, "cubic")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	took, err := browse(t.Context(), bystander, fmt.Sprintf("%v:%d", origin.IP(), webPort), time.Now().Add(3*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	// One round trip to connect, four windows that double from ten packets, 40 ms of bytes.
	if got := quantile(took, 0); len(took) < 2 || got < 0.100 || got > 0.400 {
		t.Errorf("the fastest of %d took %.0f ms, want about 200", len(took), 1000*got)
	}
}

func TestPageThatDoesNotComeIsLate(t *testing.T) {
	origin, bystander, site := wan(t, netlab.Link{Rate: 20e6, Delay: 5 * time.Millisecond})
	if err := site.CutWAN(); err != nil {
		t.Fatal(err)
	}
	// The router itself says that it knows no way, at once.
	if took, err := get(bystander, fmt.Sprintf("%v:%d", origin.IP(), webPort)); err != nil || took != pageLate {
		t.Errorf("took %v, %v, want %v", took, err, pageLate)
	}
}

func TestSamplerTellsTheBystandersBytesFromOthers(t *testing.T) {
	origin, bystander, site := wan(t, netlab.Link{Rate: 20e6, Delay: 5 * time.Millisecond})
	s, stop := sample(t.Context(), site)
	v, err := call(bystander, origin)
	if err != nil {
		t.Fatal(err)
	}
	from := time.Now()
	time.Sleep(2 * time.Second)
	to := time.Now()
	if err := v.hangUp(); err != nil {
		t.Error(err)
	}
	stop()
	line, err := s.all()
	if err != nil {
		t.Fatal(err)
	}
	// 50 packets a second of 160 bytes and 42 of headers, and none of anybody else's.
	ours, theirs := line.between(from, to)
	if want := 50 * 202 * to.Sub(from).Seconds(); math.Abs(theirs-want) > 0.1*want || math.Abs(ours) > 1000 {
		t.Errorf("%.0f bytes for the bystander and %.0f for others, want %.0f and 0", theirs, ours, want)
	}
}
