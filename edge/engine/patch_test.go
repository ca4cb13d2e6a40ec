package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/patch"
)

// update orders a version in place of the first one in which chunks 5 to 9 are other
// ones, and has its body fetched. It returns what the chunks were.
func (s *stand) update() (flow wire.Flow, was [][]byte) {
	s.t.Helper()
	was = slices.Clone(s.chunks)
	spec, err := content.DecodeBody(s.body)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 5; i < 10; i++ {
		s.chunks[i] = slices.Clone(was[i])
		s.chunks[i][50_000] ^= 1
		spec.Chunks[i].Digest = content.Sum(s.chunks[i])
	}
	s.body = spec.Encode()
	head := s.head
	head.Version, head.Serial, head.Body, head.BodyBytes = "2", 8, content.Sum(s.body), int64(len(s.body))
	flow = s.sign(head, wire.Normal)
	flow.Generation = 2
	s.want(flow)
	s.bodyOf(flow)
	time.Sleep(2 * time.Second)
	if p := s.lastProgress(); p.Bytes.Reused != 1_500_000 || p.Seeding {
		s.t.Fatalf("progress %+v, want that 15 chunks are reused", p)
	}
	return flow, was
}

// leasePatches grants chunks 5 to 9, which may come as patches to the version before:
// each of a thousand bytes, made of itself and the chunk before it.
func (s *stand) leasePatches(flow wire.Flow, number uint64) {
	l := &wire.Lease{Flow: flow.ID, Epoch: 1, Lease: number, To: 500_000, TTLMs: 20_000, Patch: &wire.Patch{Base: s.flow.ID, URL: "/patches/x", From: 10, To: 5010}}
	for i := uint32(5); i < 10; i++ {
		l.Parts = append(l.Parts, wire.Part{Chunk: i, Length: 100_000})
		l.Patch.Parts = append(l.Patch.Parts, wire.PatchPart{Length: 1000, Encoding: 2, First: i - 1, Count: 2})
	}
	s.eng.Heard(wire.KindLease, l)
	synctest.Wait()
}

// patching hands on chunks that are made of their dictionaries, up to one that fails.
func (s *stand) patching(was [][]byte, fails uint32, why error) (fetched *[]uint32) {
	fetched = new([]uint32)
	s.patches = func(_ context.Context, w wire.Lease, dictionary func(uint32) ([]byte, error), each func(wire.Part, []byte) error) error {
		if w.URL != "/patches/x" || w.To-w.From != int64(len(w.Parts))*1000 {
			return fmt.Errorf("asked for bytes %d to %d of %s in %d parts", w.From, w.To, w.URL, len(w.Parts))
		}
		for _, p := range w.Parts {
			got, err := dictionary(p.Chunk)
			if err != nil {
				return fmt.Errorf("%w: %w", patch.ErrUnusable, err)
			}
			if !bytes.Equal(got, slices.Concat(was[p.Chunk-1], was[p.Chunk])) {
				return fmt.Errorf("chunk %d is made of %d other bytes", p.Chunk, len(got))
			}
			if p.Chunk == fails {
				return why
			}
			if err := each(p, s.chunks[p.Chunk]); err != nil {
				return err
			}
			*fetched = append(*fetched, p.Chunk)
		}
		return nil
	}
	return fetched
}

// ended returns how a lease was reported last.
func (s *stand) ended(number uint64) (st wire.LeaseState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.sent {
		if p, ok := m.(wire.Progress); ok {
			for _, l := range p.Leases {
				if l.Lease == number {
					st = l
				}
			}
		}
	}
	return st
}

func TestUpdateComesAsPatchesToWhatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.install()
		flow, was := s.update()
		fetched := s.patching(was, 0, nil)
		s.leasePatches(flow, 200)
		time.Sleep(2 * time.Second)
		p := s.lastProgress()
		if !p.Complete || p.WAN != 5000 || p.Bytes.Origin != 500_000 {
			t.Errorf("progress %+v, want five chunks from the origin by 5000 bytes", p)
		}
		if st := s.ended(200); !st.Done || st.Verified != 5 || st.Patched != 5 || len(*fetched) != 5 {
			t.Errorf("lease ended as %+v after %d patches, want all five as patches", st, len(*fetched))
		}
		got, err := os.ReadFile(filepath.Join(s.dir, "content", "app", "2", "app.bin"))
		if err != nil || !bytes.Equal(got, slices.Concat(s.chunks...)) {
			t.Errorf("the version is %d other bytes (%v)", len(got), err)
		}
	})
}

func TestWhoFailsAtAPatchTakesTheRestWhole(t *testing.T) {
	for name, c := range map[string]struct {
		why  error
		harm func(s *stand) // to the version before
		wan  int64
		n    int // chunks that come as patches
	}{
		"what came is no patch": {why: fmt.Errorf("decode: %w", patch.ErrUnusable), wan: 2*1000 + 3*100_000, n: 2},
		"the version before is damaged": {harm: func(s *stand) {
			name := filepath.Join(s.dir, "content", "app", "1", "app.bin")
			data, err := os.ReadFile(name)
			if err == nil {
				data[650_000] ^= 1 // chunk 6
				err = errors.Join(os.Chmod(name, 0o600), os.WriteFile(name, data, 0o600))
			}
			if err != nil {
				s.t.Fatal(err)
			}
		}, wan: 1*1000 + 4*100_000, n: 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newStand(t)
			defer func() { s.stop() }()
			s.install()
			flow, was := s.update()
			if c.harm != nil {
				c.harm(s)
			}
			fails := uint32(0)
			if c.why != nil {
				fails = 7
			}
			fetched := s.patching(was, fails, c.why)
			s.leasePatches(flow, 200)
			time.Sleep(2 * time.Second)
			if p := s.lastProgress(); !p.Complete || p.WAN != c.wan {
				t.Errorf("%s: progress %+v, want it complete by %d bytes", name, p, c.wan)
			}
			if st := s.ended(200); !st.Done || st.Verified != 5 || int(st.Patched) != c.n || len(*fetched) != c.n {
				t.Errorf("%s: lease ended as %+v after %d patches, want %d", name, st, len(*fetched), c.n)
			}
		})
	}
}

func TestWrongChunkOfAPatchIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.install()
		flow, was := s.update()
		s.patches = func(_ context.Context, w wire.Lease, _ func(uint32) ([]byte, error), each func(wire.Part, []byte) error) error {
			return each(w.Parts[0], was[5]) // not what the list names
		}
		s.leasePatches(flow, 200)
		time.Sleep(2 * time.Second)
		if p := s.lastProgress(); !p.Complete || p.WAN != 500_000 || len(s.reports()) != 0 {
			t.Errorf("progress %+v with reports %+v, want it complete and whole from its own range", p, s.reports())
		}
	})
}

func TestLineThatFailsIsNoReasonToTakeMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.install()
		flow, was := s.update()
		s.patching(was, 7, errors.New("connection reset"))
		s.leasePatches(flow, 200)
		time.Sleep(time.Second)
		if st := s.ended(200); st.Failed == "" || st.Patched != 2 || s.lastProgress().WAN != 2000 {
			t.Errorf("lease ended as %+v with %d bytes, want it given back after two patches", st, s.lastProgress().WAN)
		}
		fetched := s.patching(was, 0, nil)
		s.leasePatches(flow, 201) // the next one is fetched as patches again
		time.Sleep(2 * time.Second)
		if p := s.lastProgress(); !p.Complete || p.WAN != 5000 || !slices.Equal(*fetched, []uint32{7, 8, 9}) {
			t.Errorf("progress %+v after patches of %v, want the rest as patches", p, *fetched)
		}
	})
}

func TestPatchesAreLeftWhereTheyFailedOnceOrNothingIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.want(s.flow)
		s.leaseBody()
		s.patches = func(context.Context, wire.Lease, func(uint32) ([]byte, error), func(wire.Part, []byte) error) error {
			t.Error("asked for patches to a version that is not held")
			return patch.ErrUnusable
		}
		s.leasePatches(s.flow, 200) // to itself, which is not whole
		time.Sleep(2 * time.Second)
		if p := s.lastProgress(); p.WAN != 500_000 {
			t.Errorf("progress %+v, want five chunks whole", p)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.install()
		flow, was := s.update()
		asked := 0
		s.patches = func(context.Context, wire.Lease, func(uint32) ([]byte, error), func(wire.Part, []byte) error) error {
			asked++
			return patch.ErrUnusable
		}
		s.parts = func(context.Context, wire.Lease, func(wire.Part, []byte) error) error {
			return errors.New("connection reset")
		}
		s.leasePatches(flow, 200)
		time.Sleep(time.Second)
		s.parts = nil
		s.leasePatches(flow, 201)
		time.Sleep(2 * time.Second)
		if p := s.lastProgress(); !p.Complete || asked != 1 || len(was) == 0 {
			t.Errorf("progress %+v after %d requests for patches, want one", p, asked)
		}
	})
}
