package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// openUnder lists what this process has open of a version in the stand's folder.
func (s *stand) openUnder() (open []string) {
	s.t.Helper()
	const fds = "/proc/self/fd"
	entries, err := os.ReadDir(fds)
	if err != nil {
		s.t.Skip("this system does not tell what is open:", err)
	}
	for _, e := range entries {
		path, err := os.Readlink(filepath.Join(fds, e.Name()))
		if rest, under := strings.CutPrefix(path, s.dir+"/"); err == nil && under && rest != "store/lock" {
			open = append(open, rest)
		}
	}
	return open
}

// end says that nothing is wanted any more.
func (s *stand) end(generation uint64) {
	s.eng.Heard(wire.KindFlows, &wire.Flows{Generation: generation})
	synctest.Wait()
}

func TestEndedFlowLeavesNothingOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 20)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(s.openUnder()) == 0 {
			t.Fatal("nothing is open while the flow is wanted")
		}
		s.end(2)
		if open := s.openUnder(); len(open) > 0 {
			t.Errorf("open after the flow ended: %v", open)
		}
	})
}

func TestFlowThatIsOrderedAgainIsThereAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 20)
		time.Sleep(2 * time.Second)
		for generation := uint64(2); generation < 6; generation++ {
			// Not waiting in between lets orders overtake what they began.
			s.eng.Heard(wire.KindFlows, &wire.Flows{Generation: generation})
			s.eng.Heard(wire.KindFlow, &s.flow)
		}
		s.want(s.flow)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if p := s.lastProgress(); !p.Complete || p.Bytes.Origin != 2_000_000 {
			t.Errorf("progress %+v, want what was held before", p)
		}
		p := s.link("a")
		s.joins(p)
		s.eng.Ctl(p, wire.Frame{Kind: wire.FrameCredit, Total: 1 << 20})
		s.eng.Ctl(p, wire.Frame{Kind: wire.FrameWant, Version: s.flow.ID, Chunks: []uint32{7}})
		synctest.Wait()
		sent := 0
		for _, f := range p.bulk {
			sent += len(f.Payload)
		}
		if sent != 100_000 {
			t.Errorf("a peer got %d bytes of chunk 7, want all", sent)
		}
	})
}

func TestFlowThatEndsWhileItIsFetchedGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 8)
		s.fetch = func(ctx context.Context, _ wire.Lease) error { <-ctx.Done(); return ctx.Err() }
		s.leaseChunks(8, 20)
		s.end(2)
		if open := s.openUnder(); len(open) > 0 {
			t.Errorf("open after the flow ended: %v", open)
		}
		s.fetch = nil
		s.want(s.flow)
		s.eng.Heard(wire.KindLease, s.rest(8))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if p := s.lastProgress(); !p.Complete || p.Bytes.Origin != 2_000_000 {
			t.Errorf("progress %+v, want all, and no byte twice", p)
		}
	})
}

// rest is a lease of all chunks from one on.
func (s *stand) rest(from uint32) *wire.Lease {
	l := &wire.Lease{Flow: s.flow.ID, Epoch: 1, Lease: 100, To: int64(20-from) * 100_000, TTLMs: 20_000}
	for i := from; i < 20; i++ {
		l.Parts = append(l.Parts, wire.Part{Chunk: i, Length: 100_000})
	}
	return l
}
