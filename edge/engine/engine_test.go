package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

func TestLeasesAloneFillAVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 20)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		p := s.lastProgress()
		if !p.Complete || p.Bytes.Origin != 2_000_000 || p.WAN != 2_000_000 {
			t.Fatalf("progress %+v, want complete from the origin", p)
		}
		got, err := os.ReadFile(filepath.Join(s.dir, "content", "app", "1", "app.bin"))
		if err != nil || content.Sum(got) != content.Sum(slices.Concat(s.chunks...)) {
			t.Errorf("delivered file is wrong: %v", err)
		}
	})
}

func TestWhatALeaseBeginsWithAndIsHeldIsNotFetchedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 5)
		var got []uint32
		s.parts = func(_ context.Context, l wire.Lease, each func(wire.Part, []byte) error) error {
			if l.From != 200_000 {
				t.Errorf("fetched from byte %d, want 200000", l.From)
			}
			for _, p := range l.Parts {
				got = append(got, p.Chunk)
				if err := each(p, s.chunks[p.Chunk]); err != nil {
					return err
				}
			}
			return nil
		}
		s.leaseChunks(3, 8)
		if !slices.Equal(got, []uint32{5, 6, 7}) {
			t.Errorf("fetched %v, want 5 to 7", got)
		}
		if l := s.lastProgress().Leases; len(l) != 1 || !l[0].Done || l[0].Verified != 5 {
			t.Errorf("leases %+v, want all 5 parts verified", l)
		}
	})
}

func TestPeersServeWhatIsAskedAndAreToldWhatArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		a, b := s.link("a"), s.link("b")
		s.joins(a, 3)
		s.joins(b)
		if got, _ := a.heard(wire.FrameWant); !slices.Equal(got, []uint32{3}) {
			t.Fatalf("asked a for %v, want [3]", got)
		}
		s.give(a, 3, s.chunks[3])
		if got, _ := b.heard(wire.FrameHaveList); !slices.Equal(got, []uint32{3}) {
			t.Errorf("told b of %v, want [3]", got)
		}
		s.eng.Ctl(b, wire.Frame{Kind: wire.FrameCredit, Total: 1 << 20})
		s.eng.Ctl(b, wire.Frame{Kind: wire.FrameWant, Version: s.flow.ID, Chunks: []uint32{3, 4}})
		synctest.Wait()
		var sent []byte
		for _, f := range b.bulk {
			sent = append(sent, f.Payload...)
		}
		if content.Sum(sent) != content.Sum(s.chunks[3]) {
			t.Errorf("b got %d bytes that are not chunk 3", len(sent))
		}
		if got, _ := b.heard(wire.FrameRefuse); !slices.Equal(got, []uint32{4}) {
			t.Errorf("refused %v, want [4], which is not held", got)
		}
	})
}

func TestBodyIsNotAskedAgainOfAPeerThatJoinsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		p := s.link("peer")
		for range 2 { // when it has the body, and when its store is open
			s.eng.Ctl(p, wire.Frame{Kind: wire.FrameJoin, Version: s.flow.ID, Number: uint32(len(s.chunks)),
				Flags: wire.JoinBodyHeld | wire.JoinReplyWanted})
			synctest.Wait()
		}
		if _, frames := p.heard(wire.FrameWantBody); frames != 1 {
			t.Errorf("asked %d times for the body, want once", frames)
		}
	})
}

func TestChunkThatArrivesWhileAPeerJoinsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 2)
		a := s.link("a") // is sent a join
		s.leaseChunks(2, 4)
		s.joins(a) // answers it
		time.Sleep(time.Second)
		synctest.Wait()
		told := a.told()
		for i := range uint32(4) {
			if !told[i] {
				t.Errorf("chunk %d was not told: %v", i, told)
			}
		}
	})
}

func TestPeerThatLiesIsDroppedAndReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		liar, honest := s.link("liar"), s.link("honest")
		s.joins(honest)
		s.joins(liar, 3)
		s.give(liar, 3, s.chunks[4])
		if liar.closed != wire.CodeBadChunk {
			t.Errorf("liar's link closed with %q, want %q", liar.closed, wire.CodeBadChunk)
		}
		if got, _ := honest.heard(wire.FrameHaveList); len(got) != 0 {
			t.Errorf("a bad chunk was announced: %v", got)
		}
		if r := s.reports(); len(r) != 1 || r[0].Peer != "liar" || r[0].Code != wire.CodeBadChunk {
			t.Errorf("reports %+v, want one that names the liar", r)
		}
	})
}

func TestPauseStopsBothDirectionsAndResumeBeginsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		stopped := make(chan struct{})
		s.fetch = func(ctx context.Context, _ wire.Lease) error {
			<-ctx.Done()
			close(stopped)
			return ctx.Err()
		}
		s.want(s.flow)
		s.leaseBody()
		a := s.link("a")
		s.joins(a, 3)
		s.leaseChunks(10, 20)
		paused := s.flow
		paused.Generation, paused.Paused = 2, true
		s.want(paused)
		<-stopped
		if _, n := a.heard(wire.FrameLeave); n != 1 {
			t.Errorf("%d leaves sent, want 1", n)
		}
		s.give(a, 3, s.chunks[3])
		if p := s.lastProgress(); p.Bytes.Total() != 0 {
			t.Errorf("kept %d bytes while paused", p.Bytes.Total())
		}
		before, _ := a.heard(wire.FrameWant)
		s.fetch = nil
		resumed := s.flow
		resumed.Generation = 3
		s.want(resumed)
		s.joins(a, 3)
		if after, _ := a.heard(wire.FrameWant); len(after) <= len(before) {
			t.Errorf("after resume nothing was asked of a")
		}
	})
}

func TestPausedFlowReportsWhatIsHeldFromBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 5)
		s.stop()
		s.run()
		defer s.stop()
		s.sent = nil
		paused := s.flow
		paused.Generation, paused.Paused = 2, true
		s.want(paused)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		for _, m := range s.sent {
			if p, ok := m.(wire.Progress); ok && p.Bytes.Origin != 500_000 {
				t.Errorf("reported %d bytes from the origin, want the 500000 that are held", p.Bytes.Origin)
			}
		}
		if p := s.lastProgress(); p.Flow != s.flow.ID {
			t.Error("nothing was reported")
		}
	})
}

func TestChunksOfALeaseThatNeverBeganAreAskedOfPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.fetch = func(ctx context.Context, _ wire.Lease) error {
			<-ctx.Done()
			return ctx.Err()
		}
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 10)  // runs
		s.leaseChunks(10, 20) // waits for it
		paused, resumed := s.flow, s.flow
		paused.Generation, paused.Paused = 2, true
		resumed.Generation = 3
		s.want(paused)
		s.want(resumed)
		a := s.link("a")
		s.joins(a, 5, 15)
		got, _ := a.heard(wire.FrameWant)
		slices.Sort(got)
		if !slices.Equal(got, []uint32{5, 15}) {
			t.Errorf("asked for %v, want [5 15]", got)
		}
	})
}

func TestUntrustedHeadIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.makeContent(stranger)
		s.want(s.flow)
		if p := s.lastProgress(); p.Code != wire.CodeBadHead {
			t.Errorf("progress %+v, want code %q", p, wire.CodeBadHead)
		}
		if _, err := os.Stat(filepath.Join(s.dir, "content", "app")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("content of a stranger appeared: %v", err)
		}
	})
}

func TestWrongBodyFromAPeerIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		liar := s.link("liar")
		s.eng.Ctl(liar, wire.Frame{Kind: wire.FrameJoin, Version: s.flow.ID, Number: 20, Flags: wire.JoinBodyHeld})
		synctest.Wait()
		if _, n := liar.heard(wire.FrameWantBody); n != 1 {
			t.Fatalf("asked for the body %d times, want once", n)
		}
		bad := slices.Clone(s.body)
		bad[len(bad)-1] ^= 1
		s.eng.Bulk(liar, wire.Frame{Kind: wire.FrameBody, Version: s.flow.ID, Payload: bad})
		synctest.Wait()
		if liar.closed != wire.CodeBadBody {
			t.Errorf("liar's link closed with %q, want %q", liar.closed, wire.CodeBadBody)
		}
	})
}

func TestPeerBeyondItsCreditIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		a := s.link("a")
		// Credit is renewed as pieces are taken, so only a claim made before the
		// first grant can exceed it: a link that was never granted anything.
		if _, n := a.heard(wire.FrameCredit); n != 1 {
			t.Fatalf("%d credits granted at the start, want 1", n)
		}
		s.eng.Bulk(a, wire.Frame{Kind: wire.FrameData, Version: s.flow.ID, Number: 0, Offset: 7, Payload: []byte("x")})
		synctest.Wait()
		if a.closed != "" {
			t.Errorf("a frame nobody expects closed the link (%q); it may cross a cancel", a.closed)
		}
		s.joins(a, 0)
		s.eng.Bulk(a, wire.Frame{Kind: wire.FrameData, Version: s.flow.ID, Number: 0, Offset: 7, Payload: []byte("x")})
		synctest.Wait()
		if a.closed != wire.CodeProtocol {
			t.Errorf("a piece at a wrong offset closed the link with %q, want %q", a.closed, wire.CodeProtocol)
		}
	})
}
