package site_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

func TestPausedFlowGetsNoLeaseAndLosesThoseItHas(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 20)
		s.order(paused(a))
		till := s.join("till")
		till.report(a, nil)
		none[wire.Lease](till)
		s.order(a)
		leases := take[wire.Lease](till)
		if len(leases) != 2 {
			t.Fatalf("got %d leases when it goes on, want 2", len(leases))
		}
		s.order(paused(a))
		if got := take[wire.Revoke](till); len(got) != 2 {
			t.Errorf("revoked %+v, want both", got)
		}
		till.report(a, nil, failed(leases[0]), failed(leases[1])) // as it must; no failure of its own
		s.order(a)
		if got := take[wire.Lease](till); len(got) != 2 {
			t.Errorf("got %d leases when it goes on at once, want 2", len(got))
		}
		s.order()
		if got := take[wire.Revoke](till); len(got) != 2 {
			t.Errorf("revoked %+v when the flow ended, want both", got)
		}
	})
}

func TestAFlowWhoseMemberCantGoOnIsLeasedToAnother(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		full, till := s.join("full"), s.join("till")
		p := progress(a, nil)
		p.Code, p.Error = wire.CodeDiskFull, "no room"
		full.say(p)
		none[wire.Lease](full)
		till.report(a, nil)
		if got := take[wire.Lease](till); len(got) != 2 {
			t.Errorf("got %d leases, want 2", len(got))
		}
	})
}

// A fetcher lets a higher class overtake between chunks, so each class has its own
// current and next lease, and what a lower one has does not age while it waits.
func TestAHigherClassIsLeasedBesideALowerOne(t *testing.T) {
	onStand(t, func(s *stand) {
		low := with(version("low", 60), func(f *site.FlowSpec) { f.Priority = wire.Low })
		high := with(version("high", 60), func(f *site.FlowSpec) { f.Priority = wire.High })
		s.order(low, high)
		till := s.join("till")
		till.report(low, []uint32{0})
		waits := take[wire.Lease](till)
		till.report(high, []uint32{0})
		works := take[wire.Lease](till)
		if len(waits) != 2 || len(works) != 2 || works[0].Flow != high.ID || works[1].Flow != high.ID {
			t.Fatalf("got %+v and %+v, want two leases of each class", waits, works)
		}
		st := state(works[0])
		for i := range uint32(4) {
			s.pass(15 * time.Second)
			st.Verified = i + 1
			till.report(high, chunks(0, 2+i), st)
		}
		none[wire.Revoke](till) // neither class stood still
		s.pass(21 * time.Second)
		if got := take[wire.Revoke](till); len(got) != 4 {
			t.Errorf("revoked %+v, want what was begun and all that waited for it", got)
		}
	})
}

func TestFlowsOfOneClassTakeTurns(t *testing.T) {
	onStand(t, func(s *stand) {
		a, b := version("a", 10), version("b", 10)
		s.order(paused(a), paused(b))
		till := s.join("till")
		till.report(a, nil)
		till.report(b, nil)
		s.order(a, b)
		leases := take[wire.Lease](till)
		if len(leases) != 2 || leases[0].Flow == leases[1].Flow || !leases[0].Body || !leases[1].Body {
			t.Errorf("got %+v, want the body of each", leases)
		}
	})
}

func TestALeaseThatCouldNotBeSentPassesOnWhenItsHolderIsGone(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 100)
		s.order(a)
		dead, other := s.join("dead"), s.join("other")
		dead.mu.Lock()
		dead.full = true
		dead.mu.Unlock()
		dead.report(a, nil)
		other.report(a, nil)
		none[wire.Lease](other) // what it was to fetch is still its own
		dead.leave()
		s.pass(2 * time.Second)
		leases := take[wire.Lease](other)
		if len(leases) != 2 || !leases[0].Body {
			t.Fatalf("got %+v, want the body and chunks", leases)
		}
		if got := leases[1].Parts[0].Chunk; got != 0 {
			t.Errorf("chunks from %d on, want from 0", got)
		}
	})
}

func TestFlowsOfOneClassHaveEqualPartsWhateverTheirLeases(t *testing.T) {
	onStand(t, func(s *stand) {
		long, short := version("long", 4000), version("short", 400)
		for i := range short.Places { // its packs are small, and a lease is of one pack
			short.Places[i].Pack, short.Places[i].Offset = content.Sum([]byte{byte(i / 2)}), int64(i%2)*chunkBytes
		}
		s.order(long)
		till := s.join("till")
		till.report(long, nil)
		held, got, waiting := map[content.VersionID][]uint32{}, map[content.VersionID]int64{}, []wire.Lease{}
		fetch := func(n int) {
			for range n {
				if waiting = append(waiting, take[wire.Lease](till)...); len(waiting) == 0 {
					t.Fatal("no lease")
				}
				l, spec := waiting[0], long
				if waiting = waiting[1:]; l.Flow == short.ID {
					spec = short
				}
				for _, part := range l.Parts {
					held[l.Flow] = append(held[l.Flow], part.Chunk)
				}
				got[l.Flow] += l.To - l.From
				p := progress(spec, held[l.Flow], done(l))
				p.Body = true
				till.say(p)
			}
		}
		fetch(3) // it is under way, and its leases are long
		s.order(long, short)
		till.report(short, nil)
		clear(got)
		fetch(100)
		if a, b := got[long.ID], got[short.ID]; b == 0 || float64(min(a, b))/float64(max(a, b)) < 0.75 {
			t.Errorf("one got %d bytes and the latecomer %d, want about as much", a, b)
		}
	})
}

func TestFlowsOfALowerClassHaveEqualPartsOfItsFloor(t *testing.T) {
	onStand(t, func(s *stand) {
		specs := []site.FlowSpec{version("urgent", 8000), version("a", 2000), version("b", 2000)}
		held, got, waiting := map[content.VersionID][]uint32{}, map[content.VersionID]int64{}, [2][]wire.Lease{}
		of := map[content.VersionID]site.FlowSpec{}
		for i := range specs {
			specs[i].Priority = wire.Low
			if i == 0 {
				specs[i].Priority = wire.High
			}
			of[specs[i].ID] = specs[i]
		}
		s.order(specs...)
		till := s.join("till")
		for _, f := range specs {
			till.report(f, nil)
		}
		// fetch ends the oldest lease of a class.
		fetch := func(class int) {
			for _, l := range take[wire.Lease](till) {
				c := of[l.Flow].Priority.Class() / 2
				waiting[c] = append(waiting[c], l)
			}
			if len(waiting[class]) == 0 {
				t.Fatal("no lease")
			}
			l := waiting[class][0]
			waiting[class] = waiting[class][1:]
			for _, part := range l.Parts {
				held[l.Flow] = append(held[l.Flow], part.Chunk)
			}
			got[l.Flow] += l.To - l.From
			p := progress(of[l.Flow], held[l.Flow], done(l))
			p.Body = true
			till.say(p)
		}
		for range 20 {
			for range 5 {
				fetch(0)
			}
			fetch(1)
		}
		if a, b := got[specs[1].ID], got[specs[2].ID]; float64(min(a, b))/float64(max(a, b)) < 0.75 {
			t.Errorf("beside an urgent flow one got %d bytes and another %d, want about as much", a, b)
		}
	})
}
