// Package patch makes what brings endpoints from one version to the next: the chunks
// that the older one lacks, each as a patch to what the older one has around its place,
// where that is clearly smaller than the chunk as it lies in its pack. An endpoint that
// holds the older version needs nothing else, and hashes what it made.
//
// It is work for the one who has both versions, the origin, and takes a processor some
// 5 ms a chunk: it gives up early where a sample says that little would be saved. Codec
// and layout are those of package pack.
package patch

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

const (
	// leastSaving is the part of a chunk (1/8) that a patch must save, and of all chunks
	// that all patches must: they take room at the origin, and a decoder.
	leastSaving = 8
	// samples is how many chunks are tried before all are.
	samples = 64
)

// Version is a version at the origin.
type Version struct {
	ID        content.VersionID
	Body      *content.Body
	Placement catalog.Placement
}

// Made is what became of it.
type Made struct {
	Object  content.Digest // what was written
	Size    int64          // of the object, in bytes
	Patches pack.Patches
	// Own is what the chunks take in their packs, encoded, and Bytes what they take as
	// patches.
	Own, Bytes int64
	Worth      bool // they save enough to be kept
}

// Maker makes patches, one after the other.
type Maker struct {
	Objects blob.Store
	// Rest is called after each chunk with how long it took, and may take its time; nil:
	// there is no hurry to spare. Its error ends the work.
	Rest func(ctx context.Context, took time.Duration) error
}

// Make writes to w what makes newer of older. Where Worth is not set, what was written
// is of no use.
func (m *Maker) Make(ctx context.Context, older, newer Version, w io.Writer) (Made, error) {
	made, err := m.make(ctx, older, newer, w)
	if err != nil {
		return Made{}, fmt.Errorf("make patches: %w", err)
	}
	return made, nil
}

func (m *Maker) make(ctx context.Context, older, newer Version, w io.Writer) (made Made, err error) {
	spots := spotsOf(older.Body, newer.Body)
	from, to := NewReader(m.Objects, older), NewReader(m.Objects, newer)
	defer from.Close()
	defer to.Close()
	job := job{Maker: m, from: from.Window(ctx), to: to}
	if worth, err := job.sample(ctx, spots); !worth || err != nil {
		return made, err
	}
	out, err := pack.NewPatchWriter(w, older.ID)
	if err != nil {
		return made, err
	}
	for _, s := range spots {
		e, encoded, own, err := job.patch(ctx, s)
		if err != nil {
			return made, err
		}
		if !out.Fits(len(encoded)) {
			break // the rest comes as it is
		}
		if err := out.Append(e, encoded); err != nil {
			return made, err
		}
		made.Own, made.Bytes = made.Own+own, made.Bytes+int64(len(encoded))
	}
	made.Object, made.Patches, err = out.Finish()
	made.Size, made.Worth = out.Size(), pays(made.Bytes, made.Own)
	return made, err
}

// pays reports whether so many bytes are clearly less than others.
func pays(bytes, own int64) bool { return own > 0 && bytes <= own-own/leastSaving }

// job is the work on two versions.
type job struct {
	*Maker
	from *Window
	to   *Reader
}

// sample tries some chunks, and reports whether patches of all may be worth it.
func (j *job) sample(ctx context.Context, spots []spot) (bool, error) {
	if len(spots) <= samples {
		return len(spots) > 0, nil
	}
	var bytes, all int64
	for i := range samples {
		_, encoded, own, err := j.patch(ctx, spots[i*len(spots)/samples])
		if err != nil {
			return false, err
		}
		bytes, all = bytes+int64(len(encoded)), all+own
	}
	return pays(bytes, all), nil
}

// patch encodes one chunk, as a patch or as it lies in its pack, where it takes own
// bytes.
func (j *job) patch(ctx context.Context, s spot) (e pack.PatchEntry, encoded []byte, own int64, err error) {
	if err := ctx.Err(); err != nil {
		return e, nil, 0, err
	}
	began := time.Now()
	plain, asPacked, encoding, err := j.to.chunk(ctx, s.chunk)
	if err != nil {
		return e, nil, 0, err
	}
	own, e = int64(len(asPacked)), pack.PatchEntry{Chunk: s.chunk, Encoding: encoding}
	encoded = asPacked
	if s.count > 0 {
		dictionary, err := j.from.Run(s.first, s.count)
		if err != nil {
			return e, nil, 0, err
		}
		patch, err := pack.EncodePatch(plain, dictionary, nil)
		if err != nil {
			return e, nil, 0, err
		}
		if pays(int64(len(patch)), own) {
			e.Encoding, e.First, e.Count, encoded = pack.Patch, s.first, s.count, patch
		}
	}
	if j.Rest != nil {
		err = j.Rest(ctx, time.Since(began))
	}
	return e, encoded, own, err
}
