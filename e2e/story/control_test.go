//go:build linux

package story

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/signaling/site"
)

// moved is what came over the WAN and from peers at a site.
func moved(f site.FlowView) int64 {
	return f.BytesOrigin + f.BytesPeer + f.BytesRelay
}

// held is how many bytes of its only flow an agent has got so far, by its own
// account.
func (s *stage) held(a *rig.Agent) int64 {
	s.t.Helper()
	var status engine.Status
	s.must(a.Status(s.ctx, &status))
	if len(status.Flows) != 1 {
		s.t.Fatalf("%s has %d flows, want one", a.Name, len(status.Flows))
	}
	return status.Flows[0].Bytes.Total()
}

func TestPauseStopsEverythingAndResumeGoesOn(t *testing.T) {
	const size = 16 * mib
	s := begin(t, oneSite(3, 20), size)
	s.sitecast("distribute", "app@1", "--all")
	s.until("a quarter to arrive", "app", 0, func(f site.FlowView) bool { return f.BytesOrigin > size/4 })
	away := s.Agents[0][2]
	s.must(away.Stop())
	s.sitecast("pause", "--content", "app")
	time.Sleep(2 * time.Second) // the promise
	wan, err := s.lab.Sites[0].WAN()
	s.must(err)
	before := s.flow("app", 0)
	time.Sleep(2 * time.Second)
	after := s.flow("app", 0)
	if after.State != site.StatePaused || after.PausedBy == "" {
		t.Errorf("state %s, paused by %q, want paused by somebody", after.State, after.PausedBy)
	}
	if moved(after) != moved(before) {
		t.Errorf("%d bytes moved while paused", moved(after)-moved(before))
	}
	s.must(away.Restart()) // it was not there when the pause was ordered
	s.must(s.Online(s.ctx))
	held := s.held(away)
	time.Sleep(2 * time.Second)
	if now := s.held(away); now != held {
		t.Errorf("%s got %d bytes of a flow that was paused while it was away", away.Name, now-held)
	}
	idle, err := s.lab.Sites[0].WAN()
	s.must(err)
	if n := idle.Minus(wan).ReceivedBytes; n > 128<<10 {
		t.Errorf("%d bytes crossed the WAN while paused, want signaling only", n)
	}
	s.sitecast("resume", "--content", "app")
	s.until("everybody to be complete", "app", 0, func(f site.FlowView) bool { return f.Complete == 3 })
	s.wantDelivered("app", "1", size)
	s.wantOneCopy(size, 1.1) // stopping and going on drops what was on the wire, twice
}

func TestCapHoldsAndIsLifted(t *testing.T) {
	const size = 8 * mib
	s := begin(t, oneSite(3, 50), size)
	s.sitecast("cap", "--site", "site-1", "--wan", "4mbit")
	s.sitecast("distribute", "app@1", "--all")
	s.until("the flow to begin", "app", 0, func(f site.FlowView) bool { return f.BytesOrigin > 0 })
	time.Sleep(time.Second)
	before, err := s.lab.Sites[0].WAN()
	s.must(err)
	const span = 5 * time.Second
	time.Sleep(span)
	after, err := s.lab.Sites[0].WAN()
	s.must(err)
	rate := float64(after.Minus(before).ReceivedBytes) * 8 / span.Seconds() / 1e6
	// The cap is on content; frames carry 4.6 % of headers, and signaling.
	if rate > 4*1.10 || rate < 4*0.85 {
		t.Errorf("%.2f Mbit/s crossed the WAN under a cap of 4 Mbit/s", rate)
	}
	s.sitecast("cap", "--site", "site-1", "--wan", "none")
	s.until("everybody to be complete", "app", 0, func(f site.FlowView) bool { return f.Complete == 3 })
	s.wantDelivered("app", "1", size)
	s.wantOneCopy(size, 1.01)
}

func TestUrgentFlowOvertakesALargeOne(t *testing.T) {
	const size, urgent = 32 * mib, 2 * mib
	s := begin(t, oneSite(3, 20), size)
	s.publish("fix", "1", urgent)
	s.sitecast("distribute", "app@1", "--all", "--priority", "low")
	s.until("the large one to run", "app", 0, func(f site.FlowView) bool { return f.BytesOrigin > mib })
	s.sitecast("distribute", "fix@1", "--all", "--priority", "high", "--wait")
	if f := s.flow("app", 0); f.Complete > 0 || f.BytesOrigin > size*3/4 {
		t.Errorf("the large flow had %d of %d bytes when the urgent one was complete", f.BytesOrigin, int64(size))
	}
	s.wantDelivered("fix", "1", urgent)
	s.sitecast("pause", "--site", "site-1") // nobody waits for the rest
}
