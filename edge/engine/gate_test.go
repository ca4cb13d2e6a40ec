package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// paced has the origin deliver one chunk of a lease every 100 ms, and counts them
// by lease.
func (s *stand) paced(got map[uint64]int) func(context.Context, wire.Lease, func(wire.Part, []byte) error) error {
	return func(ctx context.Context, l wire.Lease, each func(wire.Part, []byte) error) error {
		for _, p := range l.Parts {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(100 * time.Millisecond):
			}
			s.mu.Lock()
			got[l.Lease]++
			s.mu.Unlock()
			if err := each(p, s.chunks[p.Chunk]); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestAHigherClassOvertakesBetweenChunks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		got := map[uint64]int{}
		s.parts = s.paced(got)
		s.want(s.flow)
		s.leaseBody()
		count := func(lease uint64) int {
			synctest.Wait()
			s.mu.Lock()
			defer s.mu.Unlock()
			return got[lease]
		}
		s.leaseChunks(0, 10) // lease 2
		time.Sleep(150 * time.Millisecond)
		if n := count(2); n != 1 {
			t.Fatalf("%d chunks in 150 ms, want 1", n)
		}
		urgent := s.other("fix", wire.High, 99)
		s.leaseOf(urgent, 100, 0, 20)
		time.Sleep(2 * time.Second)
		high, low := count(100), count(2)
		if high < 19 || low < 2 || low > 4 {
			t.Errorf("%d urgent chunks and %d of the other in 2 s, want nearly all, and one in twenty beside what was on its way", high, low)
		}
		time.Sleep(time.Second)
		if n := count(2); n != 10 {
			t.Errorf("%d chunks a second after the urgent ones, want all 10", n)
		}
	})
}

func TestFetcherWaitsForPeersThatTakeWhatItFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		got := map[uint64]int{}
		s.parts = s.paced(got)
		count := func() int {
			synctest.Wait()
			s.mu.Lock()
			defer s.mu.Unlock()
			return got[2]
		}
		s.want(s.flow)
		s.leaseBody()
		p := s.link("peer")
		s.joins(p)
		s.leaseChunks(0, 20)
		time.Sleep(250 * time.Millisecond)
		takes := func(chunks ...uint32) { // it does not tell us what we hold ourselves
			s.eng.Ctl(p, wire.Frame{Kind: wire.FrameWant, Version: s.flow.ID, Chunks: chunks})
		}
		s.eng.Ctl(p, wire.Frame{Kind: wire.FrameCredit, Total: 1 << 30})
		takes(0)
		time.Sleep(2500 * time.Millisecond)
		if n := count(); n < 11 || n > 13 {
			t.Fatalf("%d chunks of 100 kB came while the peer holds one, want it to wait at 1 MiB ahead", n)
		}
		takes(1, 2, 3, 4)
		time.Sleep(time.Second)
		if n := count(); n < 15 || n > 17 {
			t.Fatalf("%d chunks came while the peer holds five, want it to wait at 1 MiB ahead", n)
		}
		time.Sleep(3 * time.Second) // the peer is stuck
		if n := count(); n != 20 {
			t.Errorf("%d chunks came when the peer takes nothing any more, want all", n)
		}
	})
}

// A higher class whose leases are short goes from one to the next all the time. What is
// between them is no gap for others.
func TestALowerClassDoesNotSlipInBetweenLeasesOfAHigherOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		got := map[uint64]int{}
		s.parts = s.paced(got)
		s.want(s.flow)
		s.leaseBody()
		urgent := s.other("fix", wire.High, 99)
		for i := range uint32(10) {
			s.leaseOf(urgent, 100+uint64(i), 2*i, 2*i+2)
		}
		s.leaseChunks(0, 20) // lease 2
		time.Sleep(2050 * time.Millisecond)
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		high := 0
		for lease, n := range got {
			if lease != 2 {
				high += n
			}
		}
		if high < 19 || got[2] > 2 {
			t.Errorf("%d urgent chunks, in leases of two, and %d of the other in 2 s, want nearly all and one in twenty", high, got[2])
		}
	})
}
