package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/ingest"
)

// around is how much of the older file, before and after the place of a chunk, a patch
// may draw on.
const around = 256 << 10

// patched is what the chunks that the older version lacks would take if each was sent
// as a patch to what lies around its place in the older tree, where that is less than
// it takes now. Sitecast has no such encoding: it is what one would be worth.
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
