//go:build linux

package story

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/signaling/site"
)

// pausedHere waits until an agent obeys a pause, and returns how long after since.
func (s *stage) pausedHere(a *rig.Agent, since time.Time) time.Duration {
	s.t.Helper()
	s.must(rig.Poll(s.ctx, a.Name+" to obey", func() (bool, error) {
		var status engine.Status
		err := a.Status(s.ctx, &status)
		return len(status.Flows) == 1 && status.Flows[0].State == "paused", err
	}))
	return time.Since(since)
}

// control is how soon the server's word reaches an endpoint whose network changed.
const control = 5 * time.Second

// Each endpoint in turn goes from one cable to another, with another address, in the
// middle of a download: who fetches and who is served by it.
func TestAnEndpointThatMovesGoesOnAtOnce(t *testing.T) {
	long(t)
	const size = 24 * mib
	s := begin(t, oneSite(2, 20), size)
	before := s.crossed(0)
	s.sitecast("distribute", "app@1", "--all")
	for i, agent := range s.Agents[0] {
		s.until("some to arrive", "app", 0, func(f site.FlowView) bool { return f.BytesOrigin > int64(i+1)*size/4 })
		s.must(s.lab.Sites[0].Rewire(i))
		moved := time.Now()
		s.sitecast("pause", "--site", "site-1")
		took := s.pausedHere(agent, moved)
		t.Logf("%s obeys %v after it moved", agent.Name, took)
		if took > control {
			t.Errorf("%s obeyed %v after it moved, want %v", agent.Name, took, control)
		}
		s.sitecast("resume", "--site", "site-1")
	}
	s.until("both to be complete", "app", 0, func(f site.FlowView) bool { return f.Complete == 2 })
	s.wantDelivered("app", "1", size)
	again := float64(s.crossed(before)) - 1.05*size // headers and signaling
	t.Logf("%.0f bytes more than one copy crossed the WAN", again)
	if again > mib {
		t.Errorf("%.0f bytes crossed the WAN beyond one copy, want a MiB at most for two moves", again)
	}
	if f := s.flow("app", 0); f.Groups != 1 {
		t.Errorf("%d groups, want one", f.Groups)
	}
}

// A computer that sleeps is dead to all others; when it wakes, nobody tells it.
func TestAnEndpointThatSleptGoesOnAtOnce(t *testing.T) {
	long(t)
	const size = 24 * mib
	s := begin(t, oneSite(2, 20), size)
	before := s.crossed(0)
	s.sitecast("distribute", "app@1", "--all")
	s.until("some to arrive", "app", 0, func(f site.FlowView) bool { return f.BytesOrigin > size/4 })
	agent := s.Agents[0][1]
	signal := func(sig syscall.Signal) {
		t.Helper()
		s.must(syscall.Kill(agent.PID(), sig))
	}
	signal(syscall.SIGSTOP)
	time.Sleep(30 * time.Second) // its links, its socket and its leases are over
	s.sitecast("pause", "--site", "site-1")
	signal(syscall.SIGCONT)
	took := s.pausedHere(agent, time.Now())
	t.Logf("it obeys %v after it woke", took)
	if took > control {
		t.Errorf("it obeyed %v after it woke, want %v", took, control)
	}
	s.sitecast("resume", "--site", "site-1")
	s.until("both to be complete", "app", 0, func(f site.FlowView) bool { return f.Complete == 2 })
	s.wantDelivered("app", "1", size)
	again := float64(s.crossed(before)) - 1.05*size
	t.Logf("%.0f bytes more than one copy crossed the WAN", again)
	if again > 8*mib { // what it had leased, and another fetched again
		t.Errorf("%s bytes crossed the WAN beyond one copy", fmt.Sprint(int64(again)))
	}
}
