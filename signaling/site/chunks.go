package site

import (
	"cmp"
	"context"
	"math/bits"
	"slices"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

const (
	// maxBuckets is into how many parts a version is divided to show who holds what of it.
	maxBuckets = 200
	// maxStrips bounds the endpoints that are shown so.
	maxStrips = 100
	// wholeBucket is the level of a bucket that is held whole; those below are quarters.
	wholeBucket = 4
)

// ChunkMap is who holds which chunks of a flow. A version is divided into buckets of as many chunks
// each, at most 200, in the order of the version.
type ChunkMap struct {
	Site    string `json:"site"`
	Content string `json:"content"`
	Version string `json:"version"`
	Chunks  uint32 `json:"chunks"`
	Buckets int    `json:"buckets"`
	// Endpoints are by name, at most 100, those first who lack something; More are the rest.
	Endpoints []ChunkStrip `json:"endpoints" nullable:"false"`
	More      int          `json:"more,omitempty"`
}

// ChunkStrip is what one endpoint holds.
type ChunkStrip struct {
	ID       wire.EndpointID `json:"id"`
	Name     string          `json:"name"`
	Held     uint32          `json:"held"` // chunks
	Complete bool            `json:"complete"`
	Runs     []ChunkRun      `json:"runs" nullable:"false"` // of buckets, all of them in order
}

// ChunkRun is a run of buckets of which as much is held: 0 nothing, 1 to 3 so many quarters at
// most but not nothing, 4 all.
type ChunkRun struct {
	Buckets int `json:"n"`
	Level   int `json:"level" minimum:"0" maximum:"4"`
}

// strip is what a member held when it was asked.
type strip struct {
	ChunkStrip
	have content.Bitmap
}

// Chunks says which chunks of a flow each endpoint holds that is online and shall have it. The loop
// only copies what it knows; it is made smaller here.
func (s *Site) Chunks(ctx context.Context, ref content.Ref) (ChunkMap, error) {
	type copied struct {
		ChunkMap
		strips []strip
	}
	got, err := recounted(ctx, s, func(s *Site) *copied {
		f := s.newest(ref)
		if f == nil {
			return nil
		}
		c := &copied{ChunkMap: ChunkMap{Site: s.cfg.Name, Content: f.Head.Name, Version: f.Head.Version, Chunks: f.Head.Chunks}}
		c.strips, c.More = s.strips(f)
		return c
	})
	if err == nil && got == nil {
		err = ErrNoFlow
	}
	if err != nil {
		return ChunkMap{}, err
	}
	out := got.ChunkMap
	out.Buckets, out.Endpoints = int(min(out.Chunks, maxBuckets)), make([]ChunkStrip, 0, len(got.strips))
	for _, st := range got.strips {
		st.Runs = runs(st.have, out.Chunks, out.Buckets)
		out.Endpoints = append(out.Endpoints, st.ChunkStrip)
	}
	return out, nil
}

// newest is the flow of a version, or the newest of a content.
func (s *Site) newest(ref content.Ref) (best *flow) {
	for _, f := range s.flows {
		if f.Head.Name == ref.Name && (ref.Version == "" || f.Head.Version == ref.Version) && (best == nil || f.Head.Serial > best.Head.Serial) {
			best = f
		}
	}
	return best
}

// strips copies what members hold of a flow, and counts those that are too many.
func (s *Site) strips(f *flow) (out []strip, more int) {
	for _, m := range s.members {
		if !f.wantedBy(m) {
			continue
		}
		st := strip{ChunkStrip: ChunkStrip{ID: m.ID, Name: m.Hello.Name}}
		if h := m.holds[f.ID]; h != nil {
			st.have, st.Held, st.Complete = h.have, h.count, h.complete
		}
		out = append(out, st)
	}
	lacks := func(st strip) int {
		if st.Complete {
			return 1
		}
		return 0
	}
	byName := func(a, b strip) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) }
	if more = len(out) - maxStrips; more > 0 {
		slices.SortFunc(out, func(a, b strip) int { return cmp.Or(cmp.Compare(lacks(a), lacks(b)), byName(a, b)) })
		out = out[:maxStrips]
	}
	slices.SortFunc(out, byName)
	for i := range out {
		out[i].have = out[i].have.Clone()
	}
	return out, max(more, 0)
}

// runs divides what is held of a version into buckets, and puts those together that are alike.
func runs(have content.Bitmap, chunks uint32, buckets int) []ChunkRun {
	out := make([]ChunkRun, 0, 8)
	for i := range uint64(buckets) {
		from, to := i*uint64(chunks)/uint64(buckets), (i+1)*uint64(chunks)/uint64(buckets)
		level := levelOf(heldIn(have, from, to), to-from)
		if k := len(out); k > 0 && out[k-1].Level == level {
			out[k-1].Buckets++
		} else {
			out = append(out, ChunkRun{1, level})
		}
	}
	return out
}

// levelOf is in how many quarters of a bucket so many chunks fit, but only all are all.
func levelOf(held, all uint64) int {
	if held == all {
		return wholeBucket
	}
	return int(min((held*wholeBucket+all-1)/all, wholeBucket-1))
}

// heldIn counts the chunks from one up to but not including another that are held.
func heldIn(have content.Bitmap, from, to uint64) (n uint64) {
	to = min(to, 8*uint64(len(have)))
	for i := from; i < to; {
		if i%8 == 0 && i+8 <= to {
			n += uint64(bits.OnesCount8(have[i/8]))
			i += 8
			continue
		}
		if have.Has(uint32(i)) {
			n++
		}
		i++
	}
	return n
}
