package lab_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/signaling/operator"
)

// readyIn orders a version to all sites, to be ready in some time.
func readyIn(t *testing.T, l *lab.Lab, ref, in string) {
	t.Helper()
	c := operator.Distribute{Remote: l.Remote(io.Discard), Ref: ref, All: true, Priority: "normal"}
	if err := c.ReadyBy.UnmarshalText([]byte(in)); err != nil {
		t.Fatal(err)
	}
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestADeliveryWithTimeIsSlowAndInTime: what a fast line brings in 3 s takes as
// long as it may.
func TestADeliveryWithTimeIsSlowAndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 6 * mib
		l := lab.New(t, lab.Plan{Sites: []int{3}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		l.Publish("app", "1", size)
		begin := time.Now()
		readyIn(t, l, "app@1", "90s")
		time.Sleep(20 * time.Second)
		served := l.Served()
		f := l.Flow("app", s)
		if early := f.ReadyBy.Sub(f.Forecast); early < 10*time.Second || early > 30*time.Second || f.ForecastCause != "" {
			t.Errorf("the forecast is %v before its time (%q), want that about a fifth of 90 s is in reserve", early, f.ForecastCause)
		}
		time.Sleep(20 * time.Second)
		// 6 MiB in four fifths of 90 s are 87 kB/s.
		if rate := (l.Served() - served) / 20; rate < 60_000 || rate > 120_000 {
			t.Errorf("the origin serves %d bytes per second, want about 87000", rate)
		}
		f = l.AwaitComplete("app", s, 2*time.Minute)
		if took := time.Since(begin); took < time.Minute || took > 90*time.Second || f.BytesOrigin != size {
			t.Errorf("complete after %v with %d bytes from the origin, want between 60 and 90 s with one copy", took, f.BytesOrigin)
		}
		for _, e := range s.Endpoints {
			e.WantDelivered("app", "1", size)
		}
	})
}

func TestADeliveryThatCannotBeInTimeSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lab.New(t, lab.Plan{Sites: []int{2}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		l.Publish("app", "1", 6*mib)
		if err := (operator.Cap{Remote: l.Remote(io.Discard), Site: s.Name, WAN: 800_000}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		readyIn(t, l, "app@1", "30s")
		time.Sleep(20 * time.Second)
		var out bytes.Buffer
		if err := (operator.Flows{Remote: l.Remote(&out)}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := "the cap of 800 kbit/s is less than the "; !strings.Contains(out.String(), "app at site-1: will miss ") || !strings.Contains(out.String(), want) {
			t.Errorf("flows printed %q, want that it will be late because %s", out.String(), want)
		}
		l.AwaitComplete("app", s, 5*time.Minute)
	})
}
