package site_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

func (s *stand) swarm() site.SwarmView {
	s.t.Helper()
	v, err := s.site.Swarm(context.Background())
	if err != nil {
		s.t.Fatalf("swarm: %v", err)
	}
	return v
}

// had makes a report of what somebody has, and had from where.
func had(spec site.FlowSpec, have []uint32, from wire.Sources, wan int64) *wire.Progress {
	p := progress(spec, have)
	p.Bytes, p.WAN = from, wan
	return p
}

func TestTheSwarmShowsWhoFetchesAndWhatCameInThisSession(t *testing.T) {
	onStand(t, func(s *stand) {
		spec := version("app", 20)
		s.order(spec)
		hello := wire.Hello{Version: 1, Device: wire.DeviceAgent, Subnets: []string{"10.1.0.0/24"}, Battery: true}
		a, b := s.join("a", hello), s.join("b")
		a.say(had(spec, nil, wire.Sources{Peer: 7_000_000}, 5)) // of an earlier session
		b.say(had(spec, nil, wire.Sources{}, 0))
		a.say(had(spec, []uint32{1}, wire.Sources{Origin: 100, Peer: 7_000_300, Relay: 20, Reused: 1}, 55))
		b.say(&wire.Stock{Room: 10, Used: 300, Budget: 4000})
		s.pass(3 * time.Second)
		v := s.swarm()
		if len(v.Endpoints) != 2 || v.Site != "shop-1" {
			t.Fatalf("%+v, want both endpoints", v)
		}
		first, second := v.Endpoints[0], v.Endpoints[1]
		if first.ID != a.id || first.Bytes != (wire.Sources{Origin: 100, Peer: 300, Relay: 20, Reused: 1}) || first.WANBytes != 50 {
			t.Errorf("a received %+v and %d over the WAN, want what came since it said first what it had", first.Bytes, first.WANBytes)
		}
		if first.Network != "10.1.0.0/24" || !first.Battery || first.CacheBudget != nil || second.Network != "" {
			t.Errorf("%+v", first)
		}
		if second.CacheUsed == nil || *second.CacheUsed != 300 || *second.CacheBudget != 4000 {
			t.Errorf("b's store takes %v of %v, want what it said", second.CacheUsed, second.CacheBudget)
		}
		if ofA, ofB := len(take[wire.Lease](a)) > 0, len(take[wire.Lease](b)) > 0; first.Fetches != ofA || second.Fetches != ofB || !ofA && !ofB {
			t.Errorf("a fetches: %v, with a lease: %v; b: %v, %v", first.Fetches, ofA, second.Fetches, ofB)
		}
		s.order(paused(spec))
		if v := s.swarm(); v.Endpoints[0].Fetches || v.Endpoints[1].Fetches {
			t.Errorf("%+v, want that nobody fetches what is paused", v.Endpoints)
		}
	})
}

func TestWhatLinksCarryIsAskedWhileSomebodyLooksAndSomethingMoves(t *testing.T) {
	onStand(t, func(s *stand) {
		spec := version("app", 20)
		s.order(spec)
		members := []*fake{s.join("a"), s.join("b")}
		a, b := members[0], members[1]
		settle(s, members, true)
		asked := func() (n int) {
			for _, m := range members {
				n += len(take[wire.Examine](m))
			}
			return n
		}
		if n := asked(); n != 0 {
			t.Fatalf("%d were asked though nobody looks", n)
		}
		if v := s.swarm(); len(v.Links) != 1 || !v.Links[0].Up || v.Links[0].AToB != nil {
			t.Fatalf("%+v, want a link of which nothing is known", v.Links)
		}
		for i, m := range members {
			if q := one[wire.Examine](m); !q.Links || q.Peer != members[1-i].id {
				t.Errorf("asked %+v", q)
			}
		}
		a.say(&wire.Examined{Question: "links", Peer: b.id, Links: []wire.Carried{{Peer: b.id, Received: 5, Sent: 900}, {Peer: idOf("nobody"), Sent: 1}}})
		b.say(&wire.Examined{Question: "links", Peer: a.id, Links: []wire.Carried{{Peer: a.id, Received: 700, Sent: 8}}})
		if l := s.swarm().Links[0]; l.AToB == nil || *l.AToB != 900 || *l.BToA != 8 {
			t.Errorf("%+v, want what the end says that counted more", l)
		}
		if n := asked(); n != 0 {
			t.Errorf("%d were asked again at once", n)
		}
		s.pass(2 * time.Second)
		if s.swarm(); asked() != 0 {
			t.Error("they were asked again though nothing moved")
		}
		b.say(had(spec, []uint32{1}, wire.Sources{Peer: 10}, 0))
		b.say(had(spec, []uint32{1, 2}, wire.Sources{Peer: 20}, 0))
		s.pass(time.Second)
		if s.swarm(); asked() != 2 {
			t.Error("they were not asked again after something moved")
		}
		// A link that is made anew counts anew.
		a.say(&wire.Linked{Peer: b.id, Reason: "lost"})
		a.say(&wire.Linked{Peer: b.id, Up: true, Relayed: true})
		if l := s.swarm().Links[0]; !l.Up || !l.Relayed || l.AToB != nil {
			t.Errorf("%+v, want a relayed link of which nothing is known", l)
		}
	})
}

func TestTheLineShowsTheDelayThatWasAdded(t *testing.T) {
	onStand(t, func(s *stand) {
		s.order(version("app", 200))
		a := s.join("a")
		s.pass(3 * time.Second)
		a.report(version("app", 200), nil)
		s.pass(time.Second)
		g := last[wire.Govern](a)
		receipt := wire.Receipt{ActiveMs: 900}
		for range 20 {
			receipt.Note(3 * time.Millisecond)
		}
		a.say(&wire.Governed{Epoch: g.Epoch, Term: g.Term, State: "run", Rate: 1000, Receipt: receipt})
		l := s.swarm().Lines
		if len(l) != 1 || l[0].RateBPS != 8000 || l[0].AddedDelayP50 == nil || *l[0].AddedDelayP50 < 3 || *l[0].AddedDelayP50 > 5 {
			t.Fatalf("%+v, want some 3 ms added", l)
		}
		a.say(&wire.Governed{Epoch: g.Epoch, Term: g.Term, State: "yield", Rate: 1000, Receipt: wire.Receipt{ActiveMs: 900, YieldMs: 900}})
		if l := s.swarm().Lines; l[0].AddedDelayP95 != nil {
			t.Errorf("%+v, want no delay where nothing was measured", l)
		}
	})
}

func TestChunksAreShownInBuckets(t *testing.T) {
	onStand(t, func(s *stand) {
		small, large := version("small", 10), version("large", 1000)
		s.order(small, large)
		a := s.join("a")
		s.join("b")
		a.say(progress(small, chunks(0, 4)))
		a.say(progress(large, append(chunks(0, 500), 501, 995, 996, 997, 998, 999)))
		ask := func(ref content.Ref) site.ChunkMap {
			m, err := s.site.Chunks(context.Background(), ref)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		m := ask(content.Ref{Name: "small"})
		if m.Buckets != 10 || len(m.Endpoints) != 2 || !slices.Equal(m.Endpoints[0].Runs, []site.ChunkRun{{4, 4}, {6, 0}}) || m.Endpoints[0].Held != 4 {
			t.Errorf("%+v, want the first four of ten", m)
		}
		if got := m.Endpoints[1]; got.Name != "b" || !slices.Equal(got.Runs, []site.ChunkRun{{10, 0}}) {
			t.Errorf("%+v, want nothing", got)
		}
		m = ask(content.Ref{Name: "large", Version: "1"})
		if want := []site.ChunkRun{{100, 4}, {1, 1}, {98, 0}, {1, 4}}; m.Buckets != 200 || !slices.Equal(m.Endpoints[0].Runs, want) {
			t.Errorf("%+v, want %v", m.Endpoints[0].Runs, want)
		}
		if _, err := s.site.Chunks(context.Background(), content.Ref{Name: "other"}); err != site.ErrNoFlow {
			t.Errorf("of a content that is not there: %v", err)
		}
	})
}
