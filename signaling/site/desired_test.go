package site_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

func TestWhoJoinsIsToldTrustThenFlowsThenTheirList(t *testing.T) {
	onStand(t, func(s *stand) {
		a, b := version("a", 3), paused(version("b", 3))
		s.want.Trust, s.want.TrustSerial = json.RawMessage(`{"t":1}`), 4
		s.order(a, b)
		till := s.join("till")
		if got, want := till.kinds(), []wire.Kind{wire.KindTrust, wire.KindFlow, wire.KindFlow, wire.KindFlows}; !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		if got := string(one[wire.Trust](till).Document); got != `{"t":1}` {
			t.Errorf("trust document %s", got)
		}
		want := []wire.Flow{
			{Generation: 1, ID: a.ID, Head: a.Envelope, Priority: wire.Normal},
			{Generation: 1, ID: b.ID, Head: b.Envelope, Priority: wire.Normal, Paused: true, PausedBy: "closing time"},
		}
		if got := take[wire.Flow](till); !reflect.DeepEqual(got, want) {
			t.Errorf("got flows %+v, want %+v", got, want)
		}
		if got, want := one[wire.Flows](till), (wire.Flows{Generation: 1, IDs: []content.VersionID{a.ID, b.ID}}); !reflect.DeepEqual(got, want) {
			t.Errorf("got list %+v, want %+v", got, want)
		}
	})
}

func TestMembersAreToldWhatToKeepAndWhatToDelete(t *testing.T) {
	onStand(t, func(s *stand) {
		s.again()
		till := s.join("till")
		take[wire.Flows](till)
		s.want.Pins = []wire.Pin{{Content: "a", Version: "1"}}
		s.want.Purges = []wire.Purge{{Content: "b", Serial: 3, Why: "ann purged b everywhere"}}
		s.again()
		if got := one[wire.Flows](till); !reflect.DeepEqual(got.Pins, s.want.Pins) || !reflect.DeepEqual(got.Purges, s.want.Purges) {
			t.Errorf("got %+v, want the pin and the purge", got)
		}
	})
}

func TestWhoHoldsTheTrustDocumentIsNotToldIt(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.Trust, s.want.TrustSerial = json.RawMessage(`{}`), 4
		s.again()
		till := s.join("till", wire.Hello{Version: 1, Trust: 4})
		none[wire.Trust](till)
		s.want.TrustSerial = 5
		s.again()
		one[wire.Trust](till)
		s.again()
		none[wire.Trust](till)
	})
}

// A server that just started does not know yet what is wanted. An empty list would
// make every endpoint drop its flows.
func TestNobodyIsToldThatNothingIsWantedBeforeThatIsKnown(t *testing.T) {
	onStand(t, func(s *stand) {
		till := s.join("till")
		if got := till.kinds(); len(got) != 0 {
			t.Errorf("before anything is known: got %v, want no message", got)
		}
		a := version("a", 3)
		s.order(a)
		if got, want := till.kinds(), []wire.Kind{wire.KindFlow, wire.KindFlows}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestOnlyFlowsThatChangedAreSentAgain(t *testing.T) {
	onStand(t, func(s *stand) {
		a, b, c := version("a", 3), version("b", 3), version("c", 3)
		s.order(a, b)
		till := s.join("till")
		take[wire.Flow](till)
		take[wire.Flows](till)
		for _, test := range []struct {
			name  string
			order []site.FlowSpec
			told  []content.VersionID
		}{
			{"nothing", []site.FlowSpec{a, b}, nil},
			{"a pause", []site.FlowSpec{a, paused(b)}, []content.VersionID{b.ID}},
			{"a priority", []site.FlowSpec{with(a, func(f *site.FlowSpec) { f.Priority = wire.High }), paused(b)}, []content.VersionID{a.ID}},
			{"a new flow", []site.FlowSpec{with(a, func(f *site.FlowSpec) { f.Priority = wire.High }), paused(b), c}, []content.VersionID{c.ID}},
			{"an end", []site.FlowSpec{c}, nil},
			{"an end undone", []site.FlowSpec{c, b}, []content.VersionID{b.ID}},
		} {
			s.order(test.order...)
			var told, listed []content.VersionID
			for _, f := range take[wire.Flow](till) {
				told = append(told, f.ID)
			}
			if !slices.Equal(told, test.told) {
				t.Errorf("after %s: told of %v, want %v", test.name, told, test.told)
			}
			for _, f := range test.order {
				listed = append(listed, f.ID)
			}
			if got := one[wire.Flows](till); !slices.Equal(got.IDs, listed) || got.Generation != s.want.Generation {
				t.Errorf("after %s: list %+v, want %v of generation %d", test.name, got, listed, s.want.Generation)
			}
		}
	})
}

func TestAnOlderGenerationIsNotObeyed(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 3)
		s.order(a)
		s.order()
		till := s.join("till")
		take[wire.Flows](till)
		s.send(site.Wanted{Desired: site.Desired{Generation: 1, Flows: []site.FlowSpec{a}}})
		none[wire.Flow](till)
		none[wire.Flows](till)
	})
}

func TestObeyedGenerationIsShownAndNeverMoreThanWasOrdered(t *testing.T) {
	onStand(t, func(s *stand) {
		s.again()
		s.again()
		till := s.join("till")
		for _, step := range []struct{ said, want uint64 }{{1, 1}, {2, 2}, {1, 2}, {99, 2}} {
			till.say(&wire.Obeyed{Generation: step.said})
			if got := s.view().Endpoints[0].Obeyed; got != step.want {
				t.Errorf("after %d was said: generation %d, want %d", step.said, got, step.want)
			}
		}
	})
}

func TestAFullSiteTakesNobodyElse(t *testing.T) {
	onStand(t, func(s *stand) {
		s.order()
		var first *fake
		for i := range site.MaxMembers {
			f := &fake{s: s, id: idOf("m" + string(rune('a'+i/26)) + string(rune('a'+i%26)))}
			if first == nil {
				first = f
			}
			s.send(site.Joined{Conn: f, Member: site.Member{ID: f.id}})
		}
		late := s.join("late")
		if got := late.closed(); got != wire.CodeOverloaded {
			t.Errorf("closed with %q, want %q", got, wire.CodeOverloaded)
		}
		late.leave() // its session ends, too
		if got := len(s.view().Endpoints); got != site.MaxMembers {
			t.Errorf("%d endpoints online, want %d", got, site.MaxMembers)
		}
		again := &fake{s: s, id: first.id} // a new session needs no place of its own
		s.send(site.Joined{Conn: again, Member: site.Member{ID: again.id}})
		first.leave() // the end of the old session comes late
		if got := len(s.view().Endpoints); got != site.MaxMembers || again.closed() != "" {
			t.Errorf("%d endpoints online, the one that came back closed with %q, want %d and not", got, again.closed(), site.MaxMembers)
		}
	})
}
