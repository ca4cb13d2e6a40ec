package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"sort"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// Room that a version takes beside its content: blocks that files fill partly, and
// a journal at its longest.
const (
	blockBytes = 4 << 10
	spareBytes = 2*compactBytes + 8<<20
)

// load opens the version, and makes it when the store does not have it.
func (v *version) load(ctx context.Context, envelope, encoded []byte) error {
	if err := v.ensure(ctx, envelope, encoded); err != nil {
		return err
	}
	if err := v.attach(); err != nil {
		return err
	}
	var err error
	if v.dir, err = v.store.root.OpenRoot(folderOf(v.id)); err != nil {
		return err
	}
	v.clearAway()
	if err := errors.Join(v.mend(headName, envelope), v.mend(bodyName, encoded)); err != nil {
		return err
	}
	v.touched = make(map[int]bool)
	return v.loadJournal()
}

// clearAway removes what an interruption left in the version's folder: a tree that
// was replaced takes as much room as one that is not.
func (v *version) clearAway() {
	entries, err := fs.ReadDir(v.dir.FS(), ".")
	for _, e := range entries {
		if isLeftover(e.Name()) {
			err = errors.Join(err, v.store.sys.removeAll(v.dir, e.Name()))
		}
	}
	if err != nil { // it is in nobody's way
		v.store.log.Warn("cannot clear away what was left half-way", "content", v.head.Ref().String(), "err", err)
	}
}

// ensure makes the version's folder, when it is not there or somebody deleted
// the content. What was counted stays so.
func (v *version) ensure(ctx context.Context, envelope, encoded []byte) error {
	s := v.store
	begun := state{have: content.NewBitmap(v.chunks())}
	dir, err := s.root.OpenRoot(folderOf(v.id))
	if err == nil {
		defer dir.Close() // it is only read from
		if _, _, err = s.treeOf(v.id, v.head.Ref()); err == nil {
			v.secret, err = s.secretOf(dir, v.id)
		}
		if err == nil {
			// Whoever made it may have been interrupted before it was durable.
			return s.sys.syncDir(s.root, storeName)
		}
		if old, _, _, err := readJournalFile(dir, v.id, v.chunks()); err == nil {
			begun.counters = old.counters
		}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return v.create(ctx, envelope, encoded, begun)
}

// create makes the folder beside, durable, and then gives it its name.
func (v *version) create(ctx context.Context, envelope, encoded []byte, begun state) (err error) {
	shared, err := v.savings(ctx)
	if err != nil {
		return err
	}
	if err := v.check(int64(len(encoded)), shared); err != nil {
		return err
	}
	s, beside := v.store, folderOf(v.id)+newSuffix
	if err := s.sys.removeAll(s.root, beside); err != nil {
		return err
	}
	if err := s.sys.mkdir(s.root, beside, 0o700); err != nil {
		return err
	}
	if err := v.prepare(ctx, beside, envelope, encoded, begun, shared); err != nil {
		return errors.Join(err, s.sys.removeAll(s.root, beside))
	}
	if err := s.sys.removeAll(s.root, folderOf(v.id)); err != nil { // what remained of a deleted one
		return err
	}
	if err := s.sys.rename(s.root, beside, folderOf(v.id)); err != nil {
		return err
	}
	return s.sys.syncDir(s.root, storeName)
}

// check refuses unsafe paths, and a version for which the disk has no room: its
// content but for what shares its blocks with others, and something to spare.
func (v *version) check(bodyBytes int64, shared []extent) error {
	paths := make([]string, len(v.body.Files))
	for i, f := range v.body.Files { // its own paths: they are what is delivered
		paths[i] = f.Path
	}
	if err := content.CheckPaths(paths); err != nil {
		return err
	}
	need := needed(v.body, bodyBytes)
	for _, e := range shared {
		need -= e.bytes
	}
	free, err := v.store.sys.room(v.store.dir)
	if err != nil {
		return fmt.Errorf("ask for the room on the disk: %w", err)
	}
	if free < need {
		return fmt.Errorf("%w: %s too little (%s needed, %s free); it starts by itself when there is room",
			chunk.ErrNoRoom, megabytes(need-free), megabytes(need), megabytes(free))
	}
	return nil
}

// megabytes is how people are told a number of bytes, rounded up.
func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", math.Ceil(float64(n)/1e5)/10) }

func (v *version) prepare(ctx context.Context, beside string, envelope, encoded []byte, begun state, shared []extent) error {
	s := v.store
	dir, err := s.root.OpenRoot(beside)
	if err != nil {
		return err
	}
	defer dir.Close() // what is written in it is synced
	if err := v.newSalt(dir); err != nil {
		return err
	}
	if err := s.sys.writeNew(dir, headName, v.secret.seal(headName, envelope)); err != nil {
		return err
	}
	if err := s.sys.writeNew(dir, bodyName, v.secret.seal(bodyName, encoded)); err != nil {
		return err
	}
	j := journal{sys: &s.sys, root: dir}
	if err := errors.Join(j.begin(v, begun), j.close()); err != nil {
		return err
	}
	if err := s.sys.mkdir(dir, treeName, 0o755); err != nil {
		return err
	}
	tree, err := dir.OpenRoot(treeName)
	if err != nil {
		return err
	}
	defer tree.Close()
	return errors.Join(v.plant(ctx, tree, shared), s.sys.syncDir(dir, "."))
}

// plant makes every file and folder, the files of their final size. Blocks that will
// be shared are not reserved.
func (v *version) plant(ctx context.Context, tree *os.Root, shared []extent) error {
	folders := foldersOf(v.onDisk)
	for _, folder := range folders {
		if err := v.store.sys.mkdir(tree, folder, 0o755); err != nil {
			return err
		}
	}
	for i, f := range v.onDisk {
		if f.Dir {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		file, err := v.store.sys.create(tree, f.Path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		if err := errors.Join(v.reserve(file, i, shared), file.Close()); err != nil {
			return fmt.Errorf("make %s: %w", f.Path, err)
		}
	}
	return v.store.sys.syncTree(tree, v.onDisk, folders)
}

// reserve makes a file so long as it is to be.
func (v *version) reserve(file *os.File, i int, shared []extent) error {
	sys, at, size := &v.store.sys, int64(0), v.body.Files[i].Size
	first := sort.Search(len(shared), func(k int) bool { return shared[k].file >= i })
	for _, e := range shared[first:] {
		if e.file != i {
			break
		}
		if e.at > at {
			if err := sys.allocate(file, at, e.at-at); err != nil {
				return err
			}
		}
		at = e.at + e.bytes
	}
	switch {
	case at < size:
		return sys.allocate(file, at, size-at)
	case size > 0:
		return sys.truncate(file, size)
	}
	return nil
}

// mend writes a file of the version's folder anew when it is damaged.
func (v *version) mend(name string, want []byte) error {
	got, err := v.secret.readWhole(v.dir, name, int64(len(want)))
	if err == nil && bytes.Equal(got, want) {
		return nil
	}
	v.store.log.Warn("mending a stored file", "content", v.head.Ref().String(), "file", name, "err", err)
	return v.store.sys.replace(v.dir, name, v.secret.seal(name, want))
}

// loadJournal takes over what the journal says. When it says nothing, the content
// itself is asked.
func (v *version) loadJournal() error {
	v.journal = journal{sys: &v.store.sys, root: v.dir}
	s, generation, whole, err := readJournalFile(v.dir, v.id, v.chunks())
	if err != nil {
		v.store.log.Warn("journal is damaged, hashing the content", "content", v.head.Ref().String(), "err", err)
		if s, err = v.rescan(); err != nil {
			return err
		}
		whole = false
	}
	v.state, v.held = s, s.have.Count()
	v.committed = state{s.have.Clone(), s.counters}
	v.journal.generation = generation
	if !whole {
		return v.journal.begin(v, s)
	}
	return v.journal.resume()
}

// rescan returns the chunks that are found in the tree. What is found in one that
// is not complete may not be durable, and must be before a journal says so.
func (v *version) rescan() (s state, err error) {
	s.have = content.NewBitmap(v.chunks())
	found := make(map[int]bool)
	var b [content.MaxChunkBytes]byte
	for i, c := range v.body.Chunks {
		segments := v.layout.Segments(uint32(i))
		lost := slices.ContainsFunc(placesOf(segments, int(c.Length)), func(place []content.Segment) bool {
			_, err := v.fill(place, b[:c.Length])
			return err != nil || content.Sum(b[:c.Length]) != c.Digest
		})
		if lost {
			continue
		}
		s.have.Set(uint32(i))
		for _, at := range segments {
			found[at.File] = true
		}
	}
	if v.placed {
		return s, nil
	}
	top, err := v.tree.Open(".")
	if err != nil {
		return state{}, err
	}
	return s, errors.Join(v.syncFiles(top, found), top.Close())
}
