package site_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/pair"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/signaling/wire/finding"
)

// examine asks about a pair; the answer comes when the function that is returned is
// called.
func (s *stand) examine(a, b string) func() pair.Report {
	got := make(chan pair.Report, 1)
	go func() {
		r, err := s.site.Pair(context.Background(), pair.End{ID: idOf(a), Name: a}, pair.End{ID: idOf(b), Name: b})
		if err != nil {
			s.t.Errorf("examine: %v", err)
		}
		got <- r
	}()
	synctest.Wait()
	return func() pair.Report { return <-got }
}

func TestAPairIsExplainedByWhatBothSaw(t *testing.T) {
	onStand(t, func(s *stand) {
		s.order(version("a", 10))
		hello := wire.Hello{Version: 1, Device: wire.DeviceAgent, Subnets: []string{"10.1.0.0/24"}}
		members := []*fake{s.join("a", hello), s.join("b", hello), s.join("c", hello)}
		settle(s, members, true)
		report := s.examine("a", "b")
		attempts := []wire.Attempt{{Attempt: 1, Own: wire.Addresses{Host: 1}, Theirs: wire.Addresses{Host: 1}, Ended: "no connection in time"},
			{Attempt: 2, STUN: true, Answered: true, RelayUDP: true, Own: wire.Addresses{Host: 1, Relay: 1}, Up: true, Via: wire.ViaFarRelay}}
		for i, m := range members[:2] {
			q := one[wire.Examine](m)
			if q.Peer != members[1-i].id {
				t.Errorf("%s is asked about %s", m.id.Short(), q.Peer.Short())
			}
			// Who was not asked, or answers twice or about another, is not heard.
			members[2].say(&wire.Examined{Question: q.Question, Peer: q.Peer})
			m.say(&wire.Examined{Question: q.Question, Peer: members[2].id})
			m.say(&wire.Examined{Question: "another", Peer: q.Peer})
			m.say(&wire.Examined{Question: q.Question, Peer: q.Peer, Up: true, Relayed: true, Attempts: attempts})
			m.say(&wire.Examined{Question: q.Question, Peer: q.Peer})
		}
		none[wire.Examine](members[2])
		r := report()
		if !r.Linked || !strings.Contains(r.Path, "beyond the WAN") || !slices.Equal(finding.Faults(r.Findings), []finding.Fault{pair.FaultIsolation}) || strings.Contains(r.Advice, "update") {
			t.Errorf("%q with faults %s, want a link by relay, client isolation and both heard: %+v", r.Path, finding.Faults(r.Findings), r)
		}
		if n := s.site.Questions(); n != 0 {
			t.Errorf("%d questions are open, want none", n)
		}
	})
}

func TestWhoDoesNotAnswerIsNotWaitedForLong(t *testing.T) {
	onStand(t, func(s *stand) {
		s.order(version("a", 10))
		s.join("a")
		report, began := s.examine("a", "b"), time.Now()
		if r := report(); r.Linked || !slices.Equal(finding.Faults(r.Findings), []finding.Fault{pair.FaultOffline}) {
			t.Errorf("%+v, want that b is off", r)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
		if n := s.site.Questions(); n != 0 {
			t.Errorf("%d questions are open, want none", n)
		}
	})
}
