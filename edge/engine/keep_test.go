package engine_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// slowly is a disk that takes the chunks of one content at 1 MB/s, whoever brings them.
func slowly(inner chunk.Store, name string) chunk.Store {
	var disk sync.Mutex
	return troubled{Store: inner, write: func(of string, bytes int) error {
		if of == name {
			disk.Lock()
			defer disk.Unlock()
			time.Sleep(time.Duration(bytes) * time.Microsecond)
		}
		return nil
	}}
}

// wanted lists the chunks of a version that the peer was asked for.
func (p *peer) wanted(id content.VersionID) (chunks []uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.ctl {
		if f.Kind == wire.FrameWant && f.Version == id {
			chunks = append(chunks, f.Chunks...)
		}
	}
	return chunks
}

// allowed is the highest total that the peer was granted.
func (p *peer) allowed() (total uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.ctl {
		if f.Kind == wire.FrameCredit {
			total = max(total, f.Total)
		}
	}
	return total
}

// giveOf has the peer send a chunk of a flow at once.
func (s *stand) giveOf(p *peer, flow wire.Flow, i uint32) {
	off := uint32(0)
	for piece := range slices.Chunk(s.chunks[i], wire.MaxDataBytes) {
		s.eng.Bulk(p, wire.Frame{Kind: wire.FrameData, Version: flow.ID, Number: i, Offset: off, Payload: piece})
		off += uint32(len(piece))
	}
}

// joinsOf has the peer take part in a flow and hold all of it.
func (s *stand) joinsOf(p *peer, flow wire.Flow) {
	all := make([]uint32, len(s.chunks))
	for i := range all {
		all[i] = uint32(i)
	}
	s.eng.Ctl(p, wire.Frame{Kind: wire.FrameJoin, Version: flow.ID, Number: uint32(len(s.chunks)), Flags: wire.JoinBodyHeld})
	s.eng.Ctl(p, wire.Frame{Kind: wire.FrameHaveList, Version: flow.ID, Chunks: all})
	synctest.Wait()
}

func (s *stand) held(name string) uint32 {
	s.t.Helper()
	st, err := s.eng.Status(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range st.Flows {
		if f.Content == name {
			return f.ChunksHeld
		}
	}
	s.t.Fatalf("no flow of %s", name)
	return 0
}

func TestSlowDiskHoldsUpNeitherTheLinkNorOtherVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standOn(t, func(inner chunk.Store) chunk.Store { return slowly(inner, "app") })
		defer func() { s.stop() }()
		other := s.other("other", wire.Normal, 50)
		p, idle := s.link("a"), s.link("b")
		s.joins(idle)
		s.joinsOf(p, s.flow)
		s.joinsOf(p, other)
		start := time.Now()
		given := map[content.VersionID]int{}
		for _, flow := range []wire.Flow{s.flow, other} { // all that was asked for, back to back
			for _, i := range p.wanted(flow.ID) {
				s.giveOf(p, flow, i)
				given[flow.ID]++
			}
		}
		synctest.Wait()
		if took := time.Since(start); took > 0 {
			t.Errorf("the link was held up for %v", took)
		}
		if n := given[s.flow.ID]; n < 3 || s.held("app") > 0 {
			t.Fatalf("%d chunks given to the slow version, of which it holds %d at once", n, s.held("app"))
		}
		if got, want := s.held("other"), given[other.ID]; want == 0 || got < uint32(want) {
			t.Errorf("the other version holds %d chunks, want the %d given", got, want)
		}
		if n := len(p.wanted(s.flow.ID)); n > given[s.flow.ID] {
			t.Errorf("%d chunks of the slow version were asked for while %d wait", n, given[s.flow.ID])
		}
		// In time all of both arrives, nobody is struck for it, and each chunk was asked for once.
		for range 200 {
			for _, flow := range []wire.Flow{s.flow, other} {
				wanted := p.wanted(flow.ID)
				for ; given[flow.ID] < len(wanted); given[flow.ID]++ {
					s.giveOf(p, flow, wanted[given[flow.ID]])
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
		for _, flow := range []wire.Flow{s.flow, other} {
			if n := len(p.wanted(flow.ID)); n != len(s.chunks) {
				t.Errorf("%d chunks were asked for, want %d, each once", n, len(s.chunks))
			}
		}
		if p := s.lastProgress(); !p.Complete {
			t.Errorf("progress %+v, want complete", p)
		}
	})
}

func TestWhatWaitsForTheDiskIsNotGrantedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standOn(t, func(inner chunk.Store) chunk.Store { return slowly(inner, "app") })
		defer func() { s.stop() }()
		p := s.link("a")
		s.joinsOf(p, s.flow)
		first := p.allowed()
		given, sent := 0, uint64(0)
		for range 2000 {
			for wanted := p.wanted(s.flow.ID); given < len(wanted); given++ {
				s.giveOf(p, s.flow, wanted[given])
				sent += uint64(len(s.chunks[wanted[given]]))
			}
			// Pieces of what was cancelled long ago take credit, too, and never wait.
			stray := make([]byte, 1<<10)
			s.eng.Bulk(p, wire.Frame{Kind: wire.FrameData, Version: s.flow.ID, Number: 0, Payload: stray})
			sent += uint64(len(stray))
			synctest.Wait()
			waiting := uint64(given)*100_000 - uint64(s.held("app"))*100_000
			if most := sent - waiting + first + 100_000; p.allowed() > most { // a chunk more: it waits once it is whole
				t.Fatalf("granted %d after %d bytes, of which %d wait, want %d at most", p.allowed(), sent, waiting, most)
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if p.allowed() == first || p.closed != "" || s.held("app") != uint32(len(s.chunks)) {
			t.Errorf("closed with %q, %d chunks held", p.closed, s.held("app"))
		}
	})
}

// strict lets what is urgent have the disk, and anything else once it is not busy.
type strict struct {
	mu  sync.Mutex
	why string // busy, while not empty
}

func (m *strict) Take(ctx context.Context, _ int, urgent bool) error {
	if urgent {
		return nil
	}
	return m.Calm(ctx, func(string) {})
}

func (m *strict) Lend(context.Context, int, bool) error { return nil }

func (m *strict) Calm(ctx context.Context, told func(string)) error {
	for {
		m.mu.Lock()
		why := m.why
		m.mu.Unlock()
		if why == "" {
			return nil
		}
		told(why)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *strict) set(why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.why = why
}

func TestUrgentFlowGoesPastADiskThatIsNeededByOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.stop()
		m := &strict{why: "others use the disk"}
		s.manners = m
		s.run()
		s.want(s.flow)
		s.leaseBody()
		urgent := s.other("urgent", wire.High, 50)
		p := s.link("a")
		s.joinsOf(p, s.flow)
		for i, n := range p.wanted(s.flow.ID) {
			s.giveOf(p, s.flow, n)
			if i == 0 {
				s.leaseOf(urgent, 60, 0, 20)
			}
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := s.held("urgent"); got != 20 {
			t.Errorf("the urgent flow holds %d chunks, want all 20", got)
		}
		if got := s.held("app"); got != 0 {
			t.Errorf("the other holds %d chunks although the disk is needed", got)
		}
		m.set("")
		time.Sleep(2 * time.Second)
		if s.held("app") == 0 {
			t.Error("the other holds nothing although the disk is free again")
		}
	})
}
