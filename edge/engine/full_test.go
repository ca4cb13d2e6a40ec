package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// The site must not wait for it: the server leases to others who has no code.
func TestFetcherWhoseDiskIsFullGivesItsLeaseBackAndSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 5)
		s.full.Store(true)
		s.leaseChunks(5, 20)
		p := s.lastProgress()
		if p.Code != wire.CodeDiskFull || p.Error == "" || p.Have != nil && p.Complete {
			t.Fatalf("progress %+v, want that the disk is full", p)
		}
		if len(p.Leases) != 1 || p.Leases[0].Failed == "" || p.Leases[0].Done {
			t.Errorf("leases %+v, want it given back", p.Leases)
		}
		s.full.Store(false)
		time.Sleep(time.Minute) // it tries again by itself
		synctest.Wait()
		s.leaseChunks(5, 20)
		time.Sleep(2 * time.Second)
		if p := s.lastProgress(); p.Code != "" || !p.Complete {
			t.Errorf("progress %+v, want complete once there is room", p)
		}
	})
}

// once is a store that can't open a version the first time.
type once struct {
	chunk.Store
	failed *atomic.Bool
}

func (o once) Open(ctx context.Context, head content.Head, envelope json.RawMessage, body *content.Body) (chunk.Version, error) {
	if o.failed.CompareAndSwap(false, true) {
		return nil, errors.New("the disk is busy")
	}
	return o.Store.Open(ctx, head, envelope, body)
}

func TestPausedFlowThatIsTriedAgainStaysPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 20)
		time.Sleep(2 * time.Second)
		s.stop()
		s.wrap = func(inner chunk.Store) chunk.Store { return once{inner, new(atomic.Bool)} }
		s.run()
		paused := s.flow
		paused.Paused = true
		s.want(paused)
		time.Sleep(time.Minute)
		p := s.link("a")
		s.joins(p)
		s.eng.Ctl(p, wire.Frame{Kind: wire.FrameCredit, Total: 1 << 20})
		s.eng.Ctl(p, wire.Frame{Kind: wire.FrameWant, Version: s.flow.ID, Chunks: []uint32{7}})
		synctest.Wait()
		if joins, n := p.heard(wire.FrameJoin); n > 0 || len(p.bulk) > 0 {
			t.Errorf("a paused flow joined with %v, and sent %d frames", joins, len(p.bulk))
		}
		if got := s.lastProgress(); got.Code != "" || !got.Complete {
			t.Errorf("progress %+v, want that it is complete", got)
		}
	})
}
