//go:build linux

package netlab_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
)

var cubic = map[string]string{"net.ipv4.tcp_congestion_control": "cubic"}

// rateOf measures what crosses the WAN in a direction, once it has settled.
func rateOf(t *testing.T, site *netlab.Site, direction func(netlab.Counters) int64) float64 {
	t.Helper()
	time.Sleep(500 * time.Millisecond)
	begun, before := time.Now(), count(t, site)
	time.Sleep(1500 * time.Millisecond)
	moved, took := count(t, site).Minus(before), time.Since(begun)
	return float64(direction(moved)) * 8 / took.Seconds()
}

func down(c netlab.Counters) int64 { return c.ReceivedBytes }
func up(c netlab.Counters) int64   { return c.SentBytes }

func wantRate(t *testing.T, what string, got, want float64) {
	t.Helper()
	t.Logf("%s: %.3f of the rate", what, got/want)
	if ratio := got / want; ratio < 0.8 || ratio > 1.02 {
		t.Errorf("%s: link carried %.2f Mbit/s, want %.2f", what, got/1e6, want/1e6)
	}
}

func TestRunningWANChangesItsRate(t *testing.T) {
	for name, emulated := range map[string]bool{"kernel": false, "emulator": true} {
		t.Run(name, func(t *testing.T) {
			plan := netlab.WAN{Down: netlab.Link{Rate: 20e6}, Up: netlab.Link{Rate: 20e6}, Emulated: emulated}
			lab := netlab.New(t, netlab.Plan{Sites: []netlab.SitePlan{{Endpoints: 1, WAN: plan}}, Sysctls: cubic})
			site := lab.Sites[0]
			stop := download(t, lab.Origin, site.Endpoints[0])
			defer stop()
			wantRate(t, "as planned", rateOf(t, site, down), 20e6)
			for _, rate := range []int64{10e6, 30e6} {
				if err := site.SetWAN(netlab.Link{Rate: rate}, netlab.Link{Rate: 20e6}); err != nil {
					t.Fatal(err)
				}
				wantRate(t, fmt.Sprintf("changed to %d Mbit/s", rate/1e6), rateOf(t, site, down), float64(rate))
			}
		})
	}
}

func TestRunningWANChangesAllButItsQueues(t *testing.T) {
	const before, after = 5 * time.Millisecond, 30 * time.Millisecond
	lab := netlab.New(t, netlab.Plan{Sites: []netlab.SitePlan{
		{Endpoints: 1, WAN: netlab.Both(netlab.Link{Delay: before})},
		{Endpoints: 1, WAN: netlab.Both(netlab.Link{Rate: 20e6})},
	}})
	site := lab.Sites[0]
	if got := leastTrip(t, lab.Origin, site.Endpoints[0]); got < 2*before || got > 2*before+5*time.Millisecond {
		t.Errorf("round trip is %v, want %v", got, 2*before)
	}
	if err := site.SetWAN(netlab.Link{Delay: before}, netlab.Link{Delay: after}); err != nil {
		t.Fatal(err)
	}
	if got := leastTrip(t, lab.Origin, site.Endpoints[0]); got < before+after || got > before+after+5*time.Millisecond {
		t.Errorf("round trip is %v, want %v", got, before+after)
	}
	if err := site.SetWAN(netlab.Link{Rate: 1e6, AQM: netlab.CoDel}, netlab.Link{}); err == nil {
		t.Error("a running queue became another kind of queue")
	}
	if err := site.SetWAN(netlab.Link{Loss: 2}, netlab.Link{}); err == nil {
		t.Error("a running link took a probability of 2")
	}
	if err := lab.Sites[1].SetWAN(netlab.Link{Rate: 20e6, Delay: before}, netlab.Link{}); err == nil {
		t.Error("a link shaped by the kernel took a delay")
	}
}

func TestDirectionsOfAWANAreSeparate(t *testing.T) {
	wan := netlab.WAN{
		Down: netlab.Link{Rate: 20e6, Delay: 5 * time.Millisecond},
		Up:   netlab.Link{Rate: 2e6, Delay: 30 * time.Millisecond},
	}
	lab := netlab.New(t, netlab.Plan{Sites: []netlab.SitePlan{{Endpoints: 1, WAN: wan}}, Sysctls: cubic})
	site := lab.Sites[0]
	want := wan.Down.Delay + wan.Up.Delay
	if got := leastTrip(t, lab.Origin, site.Endpoints[0]); got < want || got > want+5*time.Millisecond {
		t.Errorf("round trip is %v, want %v", got, want)
	}
	stop := download(t, lab.Origin, site.Endpoints[0])
	wantRate(t, "down", rateOf(t, site, down), 20e6)
	stop()
	stop = download(t, site.Endpoints[0], lab.Origin)
	wantRate(t, "up", rateOf(t, site, up), 2e6)
	stop()
}

// TestFairQueueSparesOthersTheWait is the counterpart of TestQueueAddsWhatItHolds.
func TestFairQueueSparesOthersTheWait(t *testing.T) {
	const rate, held, delay = 20e6, 200 * time.Millisecond, time.Millisecond
	for _, aqm := range []netlab.AQM{netlab.FairQueue, netlab.FQCoDel} {
		t.Run(aqm.String(), func(t *testing.T) {
			link := netlab.Link{Rate: rate, Queue: netlab.Backlog(rate, held), Delay: delay, AQM: aqm}
			lab := netlab.New(t, netlab.Plan{Sites: []netlab.SitePlan{{Endpoints: 2, WAN: netlab.Both(link)}}, Sysctls: cubic})
			site := lab.Sites[0]
			stop := download(t, lab.Origin, site.Endpoints[0])
			defer stop()
			time.Sleep(time.Second)
			trips := roundTrips(t, lab.Origin, site.Endpoints[1])
			median := trips[len(trips)/2]
			t.Logf("median round trip beside a download: %v", median)
			if median > held/4 {
				t.Errorf("median round trip beside a download is %v, want little more than %v", median, 2*delay)
			}
		})
	}
}

// leastTrip is the shortest round trip of several: a busy machine lengthens the others.
func leastTrip(t *testing.T, at, from *netlab.Host) time.Duration {
	t.Helper()
	return roundTrips(t, at, from)[0]
}

// roundTrips are sorted.
func roundTrips(t *testing.T, at, from *netlab.Host) (trips []time.Duration) {
	t.Helper()
	echo(t, at, from, 31, func(trip time.Duration) { trips = append(trips, trip) })
	if len(trips) < 16 {
		t.Fatalf("%d of 31 datagrams were answered", len(trips))
	}
	slices.Sort(trips)
	return trips
}
