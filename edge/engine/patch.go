package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/patch"
)

// A lease may name its chunks once more as patches to an older version. Who holds that
// one whole fetches those: dictionaries are read from the store, which hashes them, and
// what comes of it is hashed like every chunk. Where one can't be made, the rest of the
// lease comes from its own range, and the flow takes no more patches.

// takesPatches reports whether a lease is fetched as patches.
func (e *Engine) takesPatches(l *lease, f *flow) bool {
	if l.Patch == nil || f.unpatched {
		return false
	}
	base := e.flows[l.Patch.Base]
	return base != nil && base.whole
}

// patched is a lease's other way to its chunks, as a lease.
func patched(w wire.Lease) wire.Lease {
	p := w.Patch
	w.Pack, w.URL, w.From, w.To = p.Pack, p.URL, p.From, p.To
	parts := make([]wire.Part, len(w.Parts))
	for i, part := range p.Parts {
		parts[i] = wire.Part{Chunk: w.Parts[i].Chunk, Length: part.Length, Encoding: part.Encoding, Skip: part.Skip}
	}
	w.Parts = parts
	return w
}

// dictionaries returns what reads the dictionary of each chunk of a lease from its base.
func dictionaries(w wire.Lease, base chunk.Lender) func(chunk uint32) ([]byte, error) {
	window := patch.NewWindow(func(i uint32) ([]byte, error) { return base.Read(i, nil) })
	made := make(map[uint32]wire.PatchPart, len(w.Parts))
	for i, p := range w.Parts {
		made[p.Chunk] = w.Patch.Parts[i]
	}
	return func(chunk uint32) ([]byte, error) {
		of := made[chunk]
		dictionary, err := window.Run(of.First, of.Count)
		if err != nil {
			return nil, fmt.Errorf("read what chunk %d is made of: %w", chunk, err)
		}
		return dictionary, nil
	}
}

// fetchPatches fetches as patches what a lease has yet to bring.
func (e *Engine) fetchPatches(l *lease, f *fetching) error {
	base, err := e.cfg.Store.Lend(l.Patch.Base)
	if err != nil {
		return fmt.Errorf("%w: %w", patch.ErrUnusable, err)
	}
	defer base.Close()
	return f.run(patched(l.Lease), true, func(ctx context.Context, w wire.Lease, plainLen func(uint32) uint32, each func(wire.Part, []byte) error) error {
		return e.cfg.Origin.FetchPatches(ctx, w, plainLen, dictionaries(l.Lease, base), each)
	})
}

// failsAsPatch reports whether a fetch ended because a patch did not make its chunk, and
// not because of the line or the own disk, or because it was stopped.
func failsAsPatch(err error) bool {
	damaged := new(chunk.CorruptError)
	return errors.Is(err, patch.ErrUnusable) || errors.As(err, &damaged)
}

// unpatched tells that patches of a flow can't be used here.
type unpatched struct {
	version content.VersionID
	err     error
}

func (ev unpatched) apply(e *Engine, _ time.Time) {
	f := e.flows[ev.version]
	if f == nil {
		return
	}
	e.log.Warn("patches can't be used; chunks come whole", "content", f.head.Ref().String(), "err", ev.err)
	f.unpatched = true
}
