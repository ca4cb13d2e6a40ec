package engine_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/cache"
	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/edge/scrub"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// watched is a store that notes which chunks are checked.
type watched struct {
	chunk.Store
	log *checks
}

type checks struct {
	mu     sync.Mutex
	chunks []uint32
}

func (c *checks) take() (chunks []uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	chunks, c.chunks = c.chunks, nil
	return chunks
}

func (w watched) Open(ctx context.Context, head content.Head, envelope json.RawMessage, body *content.Body) (chunk.Version, error) {
	v, err := w.Store.Open(ctx, head, envelope, body)
	return watchedVersion{v, w.log}, err
}

type watchedVersion struct {
	chunk.Version
	log *checks
}

func (v watchedVersion) Check(i uint32) error {
	v.log.mu.Lock()
	v.log.chunks = append(v.log.chunks, i)
	v.log.mu.Unlock()
	return v.Version.Check(i)
}

// scrubs starts the stand anew with a scrub.
func (s *stand) scrubs(p scrub.Policy) *checks {
	s.stop()
	seen := &checks{}
	s.scrub = &engine.Scrub{Policy: p, Save: func(m scrub.Memory) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.scrub.Memory = m
		return nil
	}}
	s.wrap = func(inner chunk.Store) chunk.Store { return watched{inner, seen} }
	s.run()
	return seen
}

func (s *stand) scrubStatus() *engine.ScrubStatus {
	s.t.Helper()
	st, err := s.eng.Status(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return st.Scrub
}

// rot flips a byte of a delivered version, as a disk does that forgets.
func (s *stand) rot(version string, at int64) {
	s.t.Helper()
	name := filepath.Join(s.dir, "content", "app", version, "app.bin")
	data, err := os.ReadFile(name)
	if err != nil {
		s.t.Fatal(err)
	}
	data[at] ^= 1
	if err := os.Chmod(name, 0o644); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o444); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stand) fill() {
	s.want(s.flow)
	s.leaseBody()
	s.leaseChunks(0, 20)
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

func TestScrubFindsRotAndHasItHealedByPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		seen := s.scrubs(scrub.Policy{Every: time.Hour})
		s.fill()
		s.rot("1", 345_678)
		time.Sleep(50 * time.Minute)
		if got := seen.take(); len(got) > 0 {
			t.Errorf("checked %v before it was due", got)
		}
		if st := s.scrubStatus(); st.State != "rests" || st.Reason == "" || st.Complete.IsZero() {
			t.Errorf("status %+v, want that it rests", st)
		}
		p := s.link("a")
		s.joins(p, 3)
		time.Sleep(12 * time.Minute)
		synctest.Wait()
		if got := seen.take(); len(got) != 20 || !slices.IsSorted(got) {
			t.Errorf("checked %v, want all 20 chunks in order", got)
		}
		if p := s.lastProgress(); p.Complete {
			t.Error("still said to be complete")
		}
		if got, _ := p.heard(wire.FrameWant); !slices.Equal(slices.Compact(got), []uint32{3}) { // again and again: it is silent
			t.Fatalf("asked for %v, want chunk 3", got)
		}
		s.give(p, 3, s.chunks[3])
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if p := s.lastProgress(); !p.Complete {
			t.Errorf("progress %+v, want it complete again", p)
		}
		if st := s.scrubStatus(); st.Damaged != 1 || st.Healed != 1 || st.Bytes != 2_000_000 || time.Since(st.Complete) > 12*time.Minute {
			t.Errorf("status %+v, want one chunk found and healed", st)
		}
		s.mu.Lock()
		kept := s.scrub.Memory
		s.mu.Unlock()
		if kept.Damaged != 1 || kept.Healed != 1 || len(kept.Marks) != 1 {
			t.Errorf("kept %+v", kept)
		}
		got, err := os.ReadFile(filepath.Join(s.dir, "content", "app", "1", "app.bin"))
		if err != nil || content.Sum(got) != content.Sum(slices.Concat(s.chunks...)) {
			t.Errorf("the file is wrong: %v", err)
		}
	})
}

func TestScrubGoesOnWhereARestartStoppedIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		seen := s.scrubs(scrub.Policy{Every: time.Hour, Rate: 5_000}) // 20 s a chunk, 3 in a slice
		s.fill()
		time.Sleep(time.Hour + 2*time.Minute + 30*time.Second)
		before := seen.take()
		if len(before) < 4 || len(before) > 10 {
			t.Fatalf("checked %v in two minutes at 5 kB/s", before)
		}
		s.stop()
		s.run()
		s.want(s.flow)
		time.Sleep(10 * time.Minute)
		after := seen.take()
		if len(after) == 0 || after[0] == 0 || after[0] > before[len(before)-1]+1 {
			t.Fatalf("checked %v, and %v after a restart", before, after)
		}
		if st := s.scrubStatus(); time.Since(st.Complete) > 10*time.Minute || st.Bytes < 2_000_000 {
			t.Errorf("status %+v, want it checked", st)
		}
	})
}

func TestScrubWaitsWhileContentArrivesOrIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		m := &strict{}
		s.manners = m
		seen := s.scrubs(scrub.Policy{Every: time.Hour})
		s.fill()
		m.set("others use the disk") // so that it takes its time to come
		s.other("other", wire.Normal, 50)
		time.Sleep(3 * time.Hour)
		if got, st := seen.take(), s.scrubStatus(); len(got) > 0 || st.State != "waits" || st.Reason != "content arrives" {
			t.Errorf("checked %v, status %+v, want that it waits", got, st)
		}
		m.set("")
		again := s.flow
		again.Generation = 9
		s.want(again) // and not the other
		p := s.link("a")
		s.joins(p)
		s.eng.Ctl(p, wire.Frame{Kind: wire.FrameCredit, Total: 1 << 30})
		for range 10 {
			s.eng.Ctl(p, wire.Frame{Kind: wire.FrameWant, Version: s.flow.ID, Chunks: []uint32{5}})
			time.Sleep(30 * time.Second)
		}
		if got, st := seen.take(), s.scrubStatus(); len(got) > 0 || !strings.Contains(st.Reason, "served") {
			t.Errorf("checked %v, status %+v, want that it waits", got, st)
		}
		time.Sleep(2 * time.Minute)
		if got := seen.take(); len(got) != 20 {
			t.Errorf("checked %v, want all 20 chunks", got)
		}
	})
}

func TestScrubWaitsForADiskThatOthersUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		m := &strict{}
		s.manners = m
		seen := s.scrubs(scrub.Policy{Every: time.Hour})
		s.fill()
		m.set("others use the disk")
		time.Sleep(2 * time.Hour)
		if got, st := seen.take(), s.scrubStatus(); len(got) > 0 || st.State != "waits" || st.Reason != "others use the disk" || st.Content != "app" {
			t.Errorf("checked %v, status %+v, want that it waits", got, st)
		}
		m.set("")
		time.Sleep(2 * time.Second)
		if got := seen.take(); len(got) != 20 {
			t.Errorf("checked %v, want all 20 chunks", got)
		}
	})
}

// What nobody wants at the moment is checked, too, and not said to be whole when it is
// not. It is healed if it is wanted again.
func TestScrubChecksWhatWasSuperseded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		seen := s.scrubs(scrub.Policy{Every: 24 * time.Hour})
		s.onDisk(1e9, cache.Policy{Keep: 1})
		s.deliver(1)
		s.deliver(2)
		s.rot("1", 1)
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		if got := seen.take(); len(got) != 40 {
			t.Errorf("checked %d chunks, want those of both versions", len(got))
		}
		for _, v := range s.cacheStatus().Held {
			if v.Complete != (v.Version == "2") {
				t.Errorf("%s@%s complete: %v", v.Content, v.Version, v.Complete)
			}
		}
		if st := s.scrubStatus(); st.Damaged != 1 || st.Healed != 0 {
			t.Errorf("status %+v, want one damaged chunk", st)
		}
		s.deliver(1) // a way back
		if st := s.lastProgress(); !st.Complete || st.Bytes.Origin != 2_100_000 && st.Bytes.Reused == 0 {
			t.Errorf("progress %+v, want it complete with one chunk more", st)
		}
	})
}

// What is being checked can't be evicted, and must not be why a version that needs its
// room is refused.
func TestScrubMakesWayForAVersionThatNeedsTheRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.scrubs(scrub.Policy{Every: 20 * time.Minute, Rate: 5_000})
		s.onDisk(5_000_000, cache.Policy{Keep: 0}) // room for two versions
		s.deliver(1)
		s.deliver(2)
		time.Sleep(21 * time.Minute)
		if st := s.scrubStatus(); st.State != "checks" || st.Version != "1" {
			t.Fatalf("status %+v, want that it checks app@1", st)
		}
		s.deliver(3)
		time.Sleep(5 * time.Second)
		if p := s.lastProgress(); p.Code != "" || !p.Complete {
			t.Errorf("progress %+v, want it complete", p)
		}
		s.wantDelivered("2", "3")
	})
}
