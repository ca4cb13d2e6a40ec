package schedule

import (
	"cmp"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

// patchSaving is what a range of patches must save of the range it stands for, one part
// in so many: what lies between may be of no use.
const patchSaving = 8

// Patches say how chunks of a version can come to who holds the version before it.
type Patches struct {
	Base   content.VersionID // that version
	Object content.Digest    // where they lie
	Places []PatchPlace      // by chunk, in order: they also lie so
}

// PatchPlace is where one chunk lies among patches.
type PatchPlace struct {
	Chunk  uint32
	Offset int64
	wire.PatchPart
}

// PatchesOf takes over what an object says of itself.
func PatchesOf(object content.Digest, read pack.Patches) *Patches {
	p := &Patches{Base: read.Base, Object: object, Places: make([]PatchPlace, len(read.Entries))}
	for i, e := range read.Entries {
		p.Places[i] = PatchPlace{Chunk: e.Chunk, Offset: e.Offset,
			PatchPart: wire.PatchPart{Length: e.Length, Encoding: uint8(e.Encoding), First: e.First, Count: e.Count}}
	}
	return p
}

// find returns where a chunk is among the places, or would be.
func (p *Patches) find(chunk uint32) (int, bool) {
	return slices.BinarySearchFunc(p.Places, chunk, func(a PatchPlace, c uint32) int { return cmp.Compare(a.Chunk, c) })
}

// For returns the range of patches that stands for a run, without its address. It
// reports false where there is none for all of it, or it saves little.
func (p *Patches) For(run Run) (*wire.Patch, bool) {
	at, ok := p.find(run.Parts[0].Chunk)
	if !ok {
		return nil, false
	}
	from := p.Places[at].Offset
	out := &wire.Patch{Base: p.Base, Pack: p.Object, From: from, To: from, Parts: make([]wire.PatchPart, len(run.Parts))}
	for i, part := range run.Parts {
		for at < len(p.Places) && p.Places[at].Chunk < part.Chunk {
			at++
		}
		if at == len(p.Places) || p.Places[at].Chunk != part.Chunk {
			return nil, false
		}
		place := p.Places[at]
		out.Parts[i] = place.PatchPart
		out.Parts[i].Skip = uint32(place.Offset - out.To)
		out.To = place.Offset + int64(place.Length)
	}
	own := run.To - run.From
	return out, out.To-out.From <= own-own/patchSaving
}

// savings are how many encoded bytes patches save of each chunk.
func (p *Patches) savings(places []Place) []uint32 {
	out := make([]uint32, len(places))
	for _, at := range p.Places {
		if int(at.Chunk) < len(places) {
			out[at.Chunk] = places[at.Chunk].Length - min(at.Length, places[at.Chunk].Length)
		}
	}
	return out
}

const (
	// patchWait is the part of the time that a flow takes without patches which it waits
	// for them, one part in so many: it is late by no more than that where they come too
	// late, and on a thin line, where they matter, they come in time.
	patchWait = 2
	// maxPatchWait bounds that wait.
	maxPatchWait = 30 * time.Second
	// usualRate is that of a line of which nothing is known, in bytes per second.
	usualRate = 20e6 / 8
)

// PatchPatience is how long a flow waits for its patches to be made, given how many
// encoded bytes would come without them, and the rate over the WAN in bytes per second
// (0 when unknown).
func PatchPatience(bytes int64, rate float64) time.Duration {
	if rate <= 0 {
		rate = usualRate
	}
	return min(time.Duration(float64(bytes)/rate/patchWait*float64(time.Second)), maxPatchWait)
}
