package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/ingest"
	"github.com/sitecast/sitecast/storage/pack"
	"github.com/sitecast/sitecast/storage/patch"
)

// place says where the chunks of a version lie, as the catalog keeps it.
func (o *origin) place(v ingest.Result) (patch.Version, error) {
	placement, err := catalog.PlaceChunks(v.Body.Chunks, o.chunks)
	return patch.Version{Body: v.Body, Placement: placement}, err
}

// patch makes the patches from one version to the next, as the server does.
func (o *origin) patch(older, newer ingest.Result) (_ *schedule.Patches, took time.Duration, err error) {
	from, err1 := o.place(older)
	to, err2 := o.place(newer)
	out, err3 := os.CreateTemp(o.dir, "patches-")
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	began := time.Now()
	made, err := (&patch.Maker{Objects: o.objects}).Make(context.Background(), from, to, out)
	if err != nil || !made.Worth {
		return nil, 0, err
	}
	read, err := pack.ReadPatches(out, made.Size)
	if err != nil {
		return nil, 0, err
	}
	err = o.decodeAll(from, to, read, out)
	return schedule.PatchesOf(made.Object, read), time.Since(began), err
}

// decodeAll makes every chunk of its patch, as an endpoint does.
func (o *origin) decodeAll(from, to patch.Version, patches pack.Patches, object io.ReaderAt) error {
	older, newer := patch.NewReader(o.objects, from), to.Body.Chunks
	defer older.Close()
	window := older.Window(context.Background())
	for _, e := range patches.Entries {
		encoded := make([]byte, e.Length)
		if _, err := object.ReadAt(encoded, e.Offset); err != nil {
			return err
		}
		c := newer[e.Chunk]
		var plain []byte
		var err error
		if e.Encoding == pack.Patch {
			var dictionary []byte
			if dictionary, err = window.Run(e.First, e.Count); err == nil {
				plain, err = pack.DecodePatch(encoded, dictionary, c.Length, nil)
			}
		} else {
			plain, err = pack.Decode(e.Encoding, encoded, c.Length, nil)
		}
		if err != nil {
			return fmt.Errorf("chunk %d: %w", e.Chunk, err)
		}
		if content.Sum(plain) != c.Digest {
			return fmt.Errorf("chunk %d is another one", e.Chunk)
		}
	}
	return nil
}

// around is how much of the older file, before and after the place of a chunk, the bound
// draws on.
const around = 256 << 10

// patched is a bound: what the chunks that the older version lacks take as patches by
// zstd's own encoder at a level that is slow, each to what lies around its place in the
// file of its path, where that is less than it takes in its pack.
func (o *origin) patched(older, newer ingest.Result, from, to string) (total int64, err error) {
	dir, err := os.MkdirTemp("", "patches-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	held := map[content.Digest]bool{}
	for _, c := range older.Body.Chunks {
		held[c.Digest] = true
	}
	layout := content.NewLayout(newer.Body)
	for i, c := range newer.Body.Chunks {
		if held[c.Digest] {
			continue
		}
		var plain, base []byte
		for _, s := range layout.Segments(uint32(i)) {
			path := filepath.FromSlash(newer.Body.Files[s.File].Path)
			if plain, err = appendRange(plain, filepath.Join(to, path), s.Offset, int64(s.Length)); err != nil {
				return 0, err
			}
			base, err = appendRange(base, filepath.Join(from, path), s.Offset-around, int64(s.Length)+2*around)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return 0, err
			}
			if s.Start+s.Length == int(c.Length) {
				break // it may recur
			}
		}
		patch, err := patchOf(dir, base, plain)
		if err != nil {
			return 0, err
		}
		total += min(patch, int64(o.chunks[c.Digest].Length))
	}
	return total, nil
}

// appendRange appends what there is of length bytes at an offset of a file.
func appendRange(b []byte, path string, at, length int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return b, err
	}
	defer file.Close()
	from, to := max(at, 0), at+length
	more, err := io.ReadAll(io.NewSectionReader(file, from, to-from))
	return append(b, more...), err
}

// patchOf returns the size of the patch that makes plain of base.
func patchOf(dir string, base, plain []byte) (int64, error) {
	old, fresh, patch := filepath.Join(dir, "old"), filepath.Join(dir, "new"), filepath.Join(dir, "patch")
	if err := errors.Join(os.WriteFile(old, base, 0o600), os.WriteFile(fresh, plain, 0o600)); err != nil {
		return 0, err
	}
	args := []string{"-q", "-f", "-12", "--no-check", fresh, "-o", patch}
	if len(base) > 0 {
		args = append(args, "--patch-from="+old)
	}
	if err := run("zstd", args...); err != nil {
		return 0, err
	}
	info, err := os.Stat(patch)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
