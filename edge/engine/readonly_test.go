package engine_test

import (
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
)

// onStillDisk is a stand whose disk becomes read-only when readOnly is set; the version
// has its first chunks.
func onStillDisk(t *testing.T) (s *stand, readOnly *atomic.Bool) {
	readOnly = new(atomic.Bool)
	says := func() error {
		if readOnly.Load() {
			return syscall.EROFS
		}
		return nil
	}
	s = standOn(t, func(inner chunk.Store) chunk.Store {
		return troubled{inner, func(string, int) error { return says() }, says}
	})
	s.leaseChunks(0, 5)
	return s, readOnly
}

// The lease goes to another endpoint, and this one is not asked again before it can.
func TestFetcherWhoseDiskIsReadOnlyGivesItsLeaseBackAndSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, readOnly := onStillDisk(t)
		defer func() { s.stop() }()
		readOnly.Store(true)
		s.leaseChunks(5, 20)
		p := s.lastProgress()
		if p.Code != wire.CodeStore || !strings.Contains(p.Error, "read-only") {
			t.Fatalf("progress %+v, want that the disk is read-only", p)
		}
		if len(p.Leases) != 1 || p.Leases[0].Failed == "" || p.Leases[0].Done {
			t.Errorf("leases %+v, want it given back", p.Leases)
		}
		readOnly.Store(false)
		time.Sleep(time.Minute) // it tries again by itself
		synctest.Wait()
		s.leaseChunks(5, 20)
		time.Sleep(2 * time.Second)
		if p := s.lastProgress(); p.Code != "" || !p.Complete {
			t.Errorf("progress %+v, want complete once the disk can be written to", p)
		}
	})
}

// What can only be read is read: a flow that is complete goes on serving peers.
func TestReadOnlyDiskServesWhatIsComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, readOnly := onStillDisk(t)
		defer func() { s.stop() }()
		s.leaseChunks(5, 20)
		time.Sleep(2 * time.Second)
		readOnly.Store(true)
		other := s.other("next", wire.Normal, 90)
		s.leaseOf(other, 91, 0, 20)
		time.Sleep(2 * time.Second)
		if p := s.lastProgress(); p.Flow != other.ID || p.Code != wire.CodeStore {
			t.Fatalf("progress %+v, want that the second flow can't be stored", p)
		}
		a := s.link("a")
		s.joins(a)
		s.eng.Ctl(a, wire.Frame{Kind: wire.FrameCredit, Total: 1 << 20})
		s.eng.Ctl(a, wire.Frame{Kind: wire.FrameWant, Version: s.flow.ID, Chunks: []uint32{7}})
		synctest.Wait()
		if len(a.bulk) == 0 {
			t.Error("a complete flow served nothing")
		}
	})
}
