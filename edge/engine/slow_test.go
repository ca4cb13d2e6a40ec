package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
)

// onSlowDisk is a stand whose disk takes a while over each chunk, as a worn flash card
// does.
func onSlowDisk(t *testing.T, takes time.Duration) *stand {
	return standOn(t, func(inner chunk.Store) chunk.Store {
		return troubled{Store: inner, write: func(string, int) error { time.Sleep(takes); return nil }}
	})
}

// A chunk that the disk takes longer over than a lease lives is no sleep of the
// machine: what was fetched is kept, and counts as it comes.
func TestSlowDiskFinishesItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onSlowDisk(t, 30*time.Second)
		defer func() { s.stop() }()
		s.leaseChunks(0, 20)
		time.Sleep(95 * time.Second)
		synctest.Wait()
		if p := s.lastProgress(); p.Bytes.Origin != 300_000 || p.Code != "" {
			t.Errorf("progress %+v after 95 s, want three chunks", p)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		done := false
		s.mu.Lock()
		for _, m := range s.sent {
			p, is := m.(wire.Progress)
			done = done || is && len(p.Leases) == 1 && p.Leases[0].Lease == 2 && p.Leases[0].Done
		}
		s.mu.Unlock()
		if p := s.lastProgress(); !p.Complete || !done {
			t.Errorf("progress %+v, lease done %v, want it complete by that lease", p, done)
		}
	})
}

// The loop waits for no disk.
func TestSlowDiskHoldsUpNoPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onSlowDisk(t, time.Minute)
		defer func() { s.stop() }()
		s.parts = func(ctx context.Context, lease wire.Lease, each func(wire.Part, []byte) error) error {
			for _, p := range lease.Parts {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := each(p, s.chunks[p.Chunk]); err != nil {
					return err
				}
			}
			return nil
		}
		s.leaseChunks(0, 20)
		a := s.link("a")
		time.Sleep(2 * time.Second)
		paused := s.flow
		paused.Paused, paused.Generation = true, 9
		s.want(paused)
		time.Sleep(time.Second)
		synctest.Wait()
		s.mu.Lock()
		obeyed := false
		for _, m := range s.sent {
			o, is := m.(wire.Obeyed)
			obeyed = obeyed || is && o.Generation == 9
		}
		s.mu.Unlock()
		if _, left := a.heard(wire.FrameLeave); !obeyed || left != 1 {
			t.Errorf("obeyed %v, left the peer %d times, want both at once", obeyed, left)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if p := s.lastProgress(); p.Bytes.Origin > 100_000 {
			t.Errorf("%d bytes from the origin after the pause, want the one chunk that was on its way", p.Bytes.Origin)
		}
	})
}
