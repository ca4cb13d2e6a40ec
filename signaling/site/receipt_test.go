package site_test

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// accountOf is what a holder says of a second in which others took the line for some
// of it.
func accountOf(g wire.Govern, yield int64, added ...uint32) *wire.Governed {
	return &wire.Governed{Epoch: g.Epoch, Term: g.Term, State: "yield", Reason: "a download of 12 Mbit/s began", Rate: 9600,
		Receipt: wire.Receipt{ActiveMs: 1000, YieldMs: yield, Added: added}, Line: wire.Line{Capacity: 2_400_000, Base: map[string]int64{"x:1": 40}}}
}

func TestAFlowGetsReceiptsForTheTimeItHasALease(t *testing.T) {
	onStand(t, func(s *stand) {
		a, b := version("a", 90), version("b", 90)
		b.Priority = wire.Low
		s.order(a)
		till, other := s.join("till"), s.join("other")
		begin(s, a, till, other)
		if got := s.flow(a); got.Receipt != nil || got.Reason != "" {
			t.Errorf("receipt %+v and reason %q before there is any", got.Receipt, got.Reason)
		}
		g := last[wire.Govern](till)
		s.pass(time.Second)
		till.say(accountOf(g, 250))
		if got := s.flow(a).Receipt; got == nil || got.AddedDelayP95 != nil || got.ActiveSeconds != 1 || got.YieldSeconds != 0.25 {
			t.Errorf("receipt %+v, want a second of which a quarter was left to others, and no delay", got)
		}
		s.order(a, b)
		till.report(b, nil)
		other.report(b, nil)
		s.pass(time.Second)
		till.say(accountOf(g, 0, 19, 0, 0, 1))
		got := s.flow(a).Receipt
		if got == nil || got.ActiveSeconds != 2 || got.YieldShare != 0.125 || got.AddedDelayP50 == nil || *got.AddedDelayP50 != 0.25 || *got.AddedDelayP95 != 0.25 {
			t.Errorf("receipt %+v, want two seconds, an eighth, 0.25 ms", got)
		}
		if got := s.flow(b).Receipt; got == nil || got.ActiveSeconds != 1 {
			t.Errorf("receipt of the later flow is %+v, want one second", got)
		}
		s.order(paused(a), b)
		s.pass(4 * time.Second)
		till.say(accountOf(g, 0))
		if got := s.flow(a).Receipt; got.ActiveSeconds != 2 {
			t.Errorf("%v seconds of a flow that is paused, want the 2 before", got.ActiveSeconds)
		}
	})
}

func TestOnlyTheHolderGivesAccountAndOnlyOfTheTimeThereWas(t *testing.T) {
	onLine(t, func(s *stand, refused *wire.Refusals, g wire.Govern, holder, standBy, third *fake) {
		standBy.say(accountOf(g, 0))
		future := accountOf(g, 0)
		future.Term++
		holder.say(future)
		if got := refused.Count(wire.DoorSocket, wire.CodeProtocol); got != 2 {
			t.Errorf("%d refused, want both", got)
		}
		old := accountOf(g, 0)
		old.Epoch--
		standBy.say(old)
		if got := refused.Count(wire.DoorSocket, wire.CodeProtocol); got != 2 {
			t.Errorf("%d refused after one of before a restart, want 2", got)
		}
		long := accountOf(g, 900_000)
		long.Receipt.ActiveMs = 1_000_000
		holder.say(long)
		if got := s.view().Flows[0].Receipt; got == nil || got.ActiveSeconds > 9 || got.YieldSeconds > 9 {
			t.Errorf("receipt %+v of an hour in 6 seconds", got)
		}
	})
}

func TestOperatorsSeeWhyAFlowStandsBack(t *testing.T) {
	onLine(t, func(s *stand, _ *wire.Refusals, g wire.Govern, holder, _, _ *fake) {
		holder.say(accountOf(g, 900))
		v := s.view()
		if want := "stands back for other traffic: a download of 12 Mbit/s began"; v.Flows[0].Reason != want || v.Flows[0].State != site.StateRunning {
			t.Errorf("the flow is %s: %q, want %q", v.Flows[0].State, v.Flows[0].Reason, want)
		}
		want := []site.LineView{{Site: "shop-1", Egress: "192.0.2.1", Holder: "till", BoundBPS: -1, State: "yield", Reason: "a download of 12 Mbit/s began",
			RateBPS: 76_800, CapacityBPS: 19_200_000}}
		if !slices.Equal(v.Lines, want) {
			t.Errorf("lines are %+v, want %+v", v.Lines, want)
		}
		s.pass(4 * time.Second)
		if v := s.view(); v.Flows[0].Reason != "" || v.Lines[0].State != "" {
			t.Errorf("long after that the flow says %q and the line %q, want nothing", v.Flows[0].Reason, v.Lines[0].State)
		}
	})
}

// A chunk takes longer than a lease lives when the line is left to others.
func TestWhoStandsBackLosesNoLease(t *testing.T) {
	for name, yield := range map[string]int64{"StandsBack": 1000, "Idles": 0} {
		t.Run(name, func(t *testing.T) {
			onLine(t, func(s *stand, _ *wire.Refusals, g wire.Govern, holder, _, _ *fake) {
				for range 25 {
					account := accountOf(g, yield)
					account.Rate = 2000
					holder.say(account)
					s.pass(time.Second)
				}
				if got := take[wire.Revoke](holder); (len(got) == 0) != (yield > 0) {
					t.Errorf("revoked %+v after 31 s without progress", got)
				}
			})
		})
	}
}

// memory is a site.Memory that remembers when it was told.
type memory struct {
	// mu guards the rest.
	mu   sync.Mutex
	kept []site.Learned
	at   []time.Time
}

func (m *memory) Recall(context.Context, string) (site.Learned, error) { return site.Learned{}, nil }

func (m *memory) Keep(_ string, l site.Learned) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept, m.at = append(m.kept, l), append(m.at, time.Now())
}

func TestWhatIsLearnedIsKeptNowAndThenAndInTheEnd(t *testing.T) {
	m := &memory{}
	cfg := config("shop-1")
	cfg.Memory = m
	a := version("a", 90)
	onStandOf(t, cfg, func(s *stand) {
		s.order(a)
		till, other := s.join("till"), s.join("other")
		begin(s, a, till, other)
		g := last[wire.Govern](till)
		for range 25 {
			till.say(accountOf(g, 0, 1))
			s.pass(time.Second)
		}
		till.leave()
		other.leave()
	})
	if len(m.kept) != 4 {
		t.Fatalf("kept %d times in 25 s, want at the first, twice after that, and in the end", len(m.kept))
	}
	for i := 1; i < 3; i++ {
		if d := m.at[i].Sub(m.at[i-1]); d < 10*time.Second {
			t.Errorf("kept again after %v", d)
		}
	}
	end := m.kept[3]
	if got := end.Receipts[a.ID]; got.ActiveMs != 25_000 || !slices.Equal(got.Added, []uint32{25}) {
		t.Errorf("kept %+v in the end, want all 25 s", got)
	}
	if got := end.Lines["192.0.2.1"]; got.Capacity != 2_400_000 || got.Base["x:1"] != 40 || got.At.IsZero() {
		t.Errorf("kept line %+v", got)
	}
}

func TestWhatWasLearnedIsAHintToTheNextHolder(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 90)
		// In the bubble it is midnight, the first of January 2000, a Saturday.
		s.want.Zone = time.FixedZone("east", 2*3600)
		line := site.LineMemory{Capacity: 77, Base: map[string]int64{"x:1": 40}, At: time.Now()}
		line.Busy[5*24+2] = 0.5
		receipt := wire.Receipt{ActiveMs: 9000, YieldMs: 1, Added: []uint32{1}}
		if !s.site.Send(site.Recalled{Learned: site.Learned{Receipts: map[content.VersionID]wire.Receipt{a.ID: receipt},
			Lines: map[string]site.LineMemory{"192.0.2.1": line}}}) {
			t.Fatal("the site has stopped")
		}
		s.order(a)
		till, other := s.join("till"), s.join("other")
		if got := s.flow(a).Receipt; got == nil || got.ActiveSeconds != 9 {
			t.Errorf("receipt %+v, want that of before", got)
		}
		begin(s, a, till, other)
		g := last[wire.Govern](till)
		if want := (wire.Line{Capacity: 77, Busy: 0.5, Base: map[string]int64{"x:1": 40}}); !reflect.DeepEqual(g.Line, want) {
			t.Errorf("told of the line %+v, want %+v", g.Line, want)
		}
		for range 60 * 30 { // half an hour in which all of it is left to others
			account := accountOf(g, 1000)
			account.Rate = 1 // so slow that no lease ends
			till.say(account)
			s.pass(time.Second)
		}
		other.leave()
		if g = last[wire.Govern](till); g.Line.Busy < 0.75 || g.Line.Busy > 0.9 || g.Line.Capacity != 2_400_000 {
			t.Errorf("told of the line %+v, want it to be taken most of the time", g.Line)
		}
		if got := s.flow(a).Receipt.ActiveSeconds; got != 1809 {
			t.Errorf("%v seconds in all, want those before and 1800", got)
		}
	})
}
