package content

import (
	"cmp"
	"iter"
	"path"
	"slices"
	"strings"
)

// BundleBytes is the size from which a file is cut on its own. The smaller files
// of a folder are cut together: a tree of sources has a mean of 16 KiB a file.
const BundleBytes = 32 << 10

// Order returns files in canonical order: folder by folder, a folder before those
// inside it; in a folder those under [BundleBytes] first; and then by path.
// The same files make the same stream whatever order they were found in.
func Order(files []File) []File {
	type keyed struct {
		file File
		dir  string
	}
	keys := make([]keyed, len(files))
	for i, f := range files {
		// NUL sorts before all that a path may hold, and so folders by their parts.
		keys[i] = keyed{f, strings.ReplaceAll(path.Dir(f.Path), "/", "\x00")}
		if keys[i].dir == "." {
			keys[i].dir = ""
		}
	}
	slices.SortStableFunc(keys, func(a, b keyed) int {
		return cmp.Or(
			strings.Compare(a.dir, b.dir),
			cmp.Compare(min(a.file.Size/BundleBytes, 1), min(b.file.Size/BundleBytes, 1)),
			strings.Compare(a.file.Path, b.file.Path))
	})
	out := make([]File, len(files))
	for i, k := range keys {
		out[i] = k.file
	}
	return out
}

// Objects yields the ranges [from, to) of files, which are in canonical order,
// that are cut together: each large file, and the small files of each folder. No
// chunk spans two objects, so that a change in one moves no boundary in another.
func Objects(files []File) iter.Seq2[int, int] {
	return func(yield func(from, to int) bool) {
		for from := 0; from < len(files); {
			to := from + 1
			if files[from].Size < BundleBytes {
				dir := path.Dir(files[from].Path)
				for to < len(files) && files[to].Size < BundleBytes && path.Dir(files[to].Path) == dir {
					to++
				}
			}
			if !yield(from, to) {
				return
			}
			from = to
		}
	}
}
