package rollout_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/rollout"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/target"
)

// A ring whose sites take more over the WAN than its gate lets pass opens no other, whatever
// it is that they take, and soaks anew when they take less.
func TestARingWaitsWhileItsSitesTakeTooMuchOverTheWAN(t *testing.T) {
	gates := rings()
	gates[0].WAN = 10_000_000
	d := catalog.Distribution{Name: "app", Version: "2", All: true, Aim: catalog.Aim{Rings: gates}}
	var memory rollout.Memory
	seen := func(bps ...int64) []rollout.Figures {
		flows := []site.FlowView{{Content: "app", Version: "2", WANBPS: bps[0]}, {Content: "film", Version: "1", WANBPS: bps[1]}}
		return memory.Observe(d, []rollout.Place{{Site: target.Site{Name: "a", Tags: []string{"canary"}}, Flows: flows[:1]},
			{Site: target.Site{Name: "b", Tags: []string{"canary"}}, Flows: flows[1:]}}, begin)
	}
	r := catalog.Rollout{State: catalog.RolloutRunning, Open: 1}
	for _, c := range []struct {
		after  time.Duration
		bps    []int64
		open   int
		reason string
	}{
		{0, []int64{0, 11_000_000}, 1, "ring canary: its sites take 11.0 Mbit/s over the WAN, it lets pass 10.0 Mbit/s"},
		{time.Minute, []int64{5_000_000, 5_000_000}, 1, "soaks until"},
		{59 * time.Minute, []int64{5_000_000, 6_000_000}, 1, "its sites take 11.0 Mbit/s"},
		{time.Hour, []int64{1_000_000, 0}, 1, "soaks until"},
		{2 * time.Hour, []int64{1_000_000, 0}, 2, "ring rest is open"},
	} {
		figures := seen(c.bps...)
		if figures[0].WAN != c.bps[0]+c.bps[1] {
			t.Errorf("its sites take %d, want %d", figures[0].WAN, c.bps[0]+c.bps[1])
		}
		figures[0].Endpoints, figures[0].Delivered = 10, 10
		r = rollout.Decide(gates, r, time.Time{}, figures, begin.Add(c.after))
		if r.Open != c.open || !strings.Contains(r.Reason, c.reason) {
			t.Errorf("after %v: %d open, %q, want %d as %q", c.after, r.Open, r.Reason, c.open, c.reason)
		}
	}
}
