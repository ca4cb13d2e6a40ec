package schedule

import (
	"iter"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

const (
	// maxSkipped bounds how many chunks of other packs a run reaches over.
	maxSkipped = 4096
	// wasteShare is how much of a run may be of no use, one part in so many: less than
	// a site may fetch twice in all.
	wasteShare = 128
	// restShare is how far beyond its limit a run goes to its end, one part in so
	// many, so that no small request is left.
	restShare = 2
)

// Run is a range of one pack to lease.
type Run struct {
	Pack     content.Digest
	From, To int64
	Parts    []wire.Part
}

// Next returns the next range that an endpoint which holds have should fetch from
// the origin: the first open chunk it lacks and those that follow in its pack, up to
// about limit encoded bytes but at least one chunk. Where a version shares chunks
// with an older one its chunks alternate between packs; the run reaches over those of
// other packs. In its own pack it reaches over what is not needed (chunks that are
// held, or of no use to this version) where that is at most 1/128 of what it
// brings: a request costs a round trip. It reports false when nothing is open to it.
func (s *Supply) Next(limit int64, have content.Bitmap) (Run, bool) {
	wanted := func(i uint32) bool { return s.isOpen(i) && !have.Has(i) }
	start, ok := s.firstOpen(wanted)
	if !ok {
		return Run{}, false
	}
	run := s.begin(start)
	var needed, waste int64
	// How much of the run is worth it, of what is within the limit and of all.
	var within, all mark
	for i := range s.from(start) {
		p, size := s.places[i], int64(s.places[i].Length)
		if waste += p.Offset - run.To; waste > limit/wasteShare || s.leased.Has(i) || len(run.Parts) == wire.MaxLeaseParts {
			break
		}
		if len(run.Parts) > 0 && p.Offset+size-run.From > limit+min(limit/restShare, MinLeaseBytes) {
			return run.cut(within), true
		}
		run.add(i, p)
		if !wanted(i) {
			if waste += size; waste > limit/wasteShare {
				break
			}
			continue
		}
		if needed += size; waste > needed/wasteShare {
			continue
		}
		all = mark{len(run.Parts), run.To}
		if len(run.Parts) == 1 || run.To-run.From <= limit {
			within = all
		}
	}
	return run.cut(all), true
}

// firstOpen returns the first open chunk that is wanted.
func (s *Supply) firstOpen(wanted func(uint32) bool) (uint32, bool) {
	if s.open == 0 {
		return 0, false
	}
	for ; !s.isOpen(s.first); s.first++ { // ends: open says that there is one
	}
	for i := s.first; i < uint32(len(s.places)); i++ {
		if wanted(i) {
			return i, true
		}
	}
	return 0, false
}

// from yields a chunk, and those of its pack that follow it in the version as long
// as they also do in the pack.
func (s *Supply) from(start uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		skipped, at := 0, s.places[start].Offset
		for i := start; i < uint32(len(s.places)); i++ {
			p := s.places[i]
			if p.Pack != s.places[start].Pack {
				if skipped++; skipped > maxSkipped {
					return
				}
				continue
			}
			if p.Offset < at || !yield(i) {
				return
			}
			at = p.Offset + int64(p.Length)
		}
	}
}

func (s *Supply) begin(start uint32) Run {
	p := s.places[start]
	return Run{Pack: p.Pack, From: p.Offset, To: p.Offset}
}

// add appends a chunk, and reaches over what is before it.
func (r *Run) add(i uint32, p Place) {
	r.Parts = append(r.Parts, wire.Part{Chunk: i, Length: p.Length, Encoding: p.Encoding, Skip: uint32(p.Offset - r.To)})
	r.To = p.Offset + int64(p.Length)
}

// mark is an end that a run may have.
type mark struct {
	parts int
	to    int64
}

func (r *Run) cut(m mark) Run {
	return Run{Pack: r.Pack, From: r.From, To: m.to, Parts: r.Parts[:m.parts]}
}

// Find returns the run that fills a range of a pack, as Next made it, whether its
// chunks are open or not. It reports false where Next can have made none.
func (s *Supply) Find(pack content.Digest, from, to int64) (Run, bool) {
	for start, p := range s.places {
		if p.Pack != pack || p.Offset != from {
			continue
		}
		run := s.begin(uint32(start))
		for i := range s.from(uint32(start)) {
			if run.To >= to || len(run.Parts) == wire.MaxLeaseParts {
				break
			}
			run.add(i, s.places[i])
		}
		return run, run.To == to && len(run.Parts) > 0
	}
	return Run{}, false
}
