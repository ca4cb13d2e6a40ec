package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// version is one version that is open. Locks are taken in the order in which they
// stand here.
type version struct {
	// Set by load, then constant.
	store  *Store
	id     content.VersionID
	head   content.Head
	body   *content.Body
	onDisk []content.File // the files of body, as they are named in the tree
	layout *content.Layout
	secret *secret  // nil: it is not encrypted
	dir    *os.Root // store/VERSIONID

	// durable is held by whoever makes something durable. It guards what is so.
	durable   sync.Mutex
	journal   journal
	committed state
	settled   bool // the place of the tree is durable, once placed

	// moving is held by readers and writers of content, and by whoever moves the
	// tree, who also holds durable. Either of them may read what it guards.
	moving sync.RWMutex
	tree   *os.Root // nil when closed
	placed bool     // it lies in DIR/content

	trouble trouble // of commits; it belongs to commitAll

	repairing sync.Mutex // held while a read-only file is writable

	turn atomic.Uint32 // which place of a chunk that recurs is looked at next

	// mu guards the rest.
	mu      sync.Mutex
	state   state
	held    uint32       // chunks in state.have
	touched map[int]bool // files written to since the last commit
	fresh   []uint32     // chunks put since the last commit
	pending int64        // and their bytes
	failed  int          // how often a sync failed
}

var _ chunk.Version = (*version)(nil)

// lay takes over what the version consists of.
func (v *version) lay(body *content.Body) {
	v.body, v.onDisk, v.layout = body, v.store.onDisk(body), content.NewLayout(body)
}

func (v *version) chunks() uint32 { return uint32(len(v.body.Chunks)) }

// Put implements [chunk.Version].
func (v *version) Put(i uint32, data []byte, from chunk.Source, wan int64) (added bool, err error) {
	if i >= v.chunks() || int(from) >= len(chunk.Counters{}.Bytes) {
		return false, fmt.Errorf("put chunk %d of %d from source %d", i, v.chunks(), from)
	}
	if got := content.Sum(data); got != v.body.Chunks[i].Digest {
		return false, &chunk.CorruptError{Chunk: i, Want: v.body.Chunks[i].Digest, Got: got}
	}
	if v.holds(i) {
		return false, nil
	}
	all := v.layout.Segments(i)
	added, err = v.keep(i, data, all, v.failures(), from, wan)
	if errors.Is(err, fs.ErrNotExist) { // not even made anew: what it would lie in is gone
		if err = v.restore(); err == nil {
			added, err = v.keep(i, data, all, v.failures(), from, wan)
		}
	}
	if err == nil {
		err = v.yield()
	}
	if err != nil {
		return added, fmt.Errorf("put chunk %d of %s: %w", i, v.head.Ref(), named(err))
	}
	return added, nil
}

// yield has whoever fills the disk faster than it takes the bytes wait for it.
func (v *version) yield() error {
	switch waiting := v.store.uncommitted.Load(); {
	case waiting >= CommitBytes:
		return v.Commit()
	case waiting >= CommitBytes/2:
		signal(v.store.full)
	}
	return nil
}

// failures counts syncs that failed.
func (v *version) failures() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.failed
}

// keep writes a chunk where write says, which is wherever it does not lie yet, and
// then counts it as held. Two that put the same chunk write the same bytes, and the
// first is counted. No sync may have failed since there were so many failures.
func (v *version) keep(i uint32, data []byte, write []content.Segment, failures int, from chunk.Source, wan int64) (added bool, err error) {
	v.moving.RLock()
	defer v.moving.RUnlock()
	if v.tree == nil {
		return false, errClosed
	}
	written := 0
	for _, s := range write {
		if err := v.write(s, data[s.Start:s.Start+s.Length]); err != nil {
			return false, err
		}
		written += s.Length
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.failed != failures {
		return false, errors.New("a sync failed while it was written")
	}
	if v.state.have.Has(i) {
		return false, nil
	}
	v.state.have.Set(i)
	v.held++
	v.fresh = append(v.fresh, i)
	v.state.counters.Bytes[from] += int64(len(data))
	v.state.counters.WAN += wan
	if !v.placed {
		for _, s := range v.layout.Segments(i) {
			v.touched[s.File] = true
		}
	}
	pending := int64(min(written, len(data)))
	v.pending += pending
	v.store.uncommitted.Add(pending)
	signal(v.store.dirty)
	return true, nil
}

// write needs moving.
func (v *version) write(s content.Segment, b []byte) error {
	if v.placed {
		return v.repair(s, b)
	}
	return v.encrypted(s, b, func(b []byte) error {
		return v.store.files.with(fileKey{v, s.File}, v.opener(s.File), func(f *os.File) error {
			return v.store.sys.writeAt(f, b, s.Offset)
		})
	})
}

// repair writes to a file that is read-only because it is complete, and makes it
// durable while it is writable: Windows syncs no other.
func (v *version) repair(s content.Segment, b []byte) (err error) {
	v.repairing.Lock()
	defer v.repairing.Unlock()
	f, err := v.openWritable(s.File)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, v.store.sys.chmod(v.tree, v.onDisk[s.File].Path, finalMode(v.onDisk[s.File])), f.Close())
	}()
	if err := v.store.sys.truncate(f, v.onDisk[s.File].Size); err != nil {
		return err
	}
	write := func(b []byte) error { return v.store.sys.writeAt(f, b, s.Offset) }
	if err := v.encrypted(s, b, write); err != nil {
		return err
	}
	return v.store.sys.sync(f)
}

// opener returns what opens a file as its version needs it. It needs moving.
func (v *version) opener(file int) func() (*os.File, error) {
	if v.placed {
		return func() (*os.File, error) { return v.tree.Open(v.onDisk[file].Path) }
	}
	return func() (*os.File, error) { return v.openWritable(file) }
}

// openWritable opens a file even when it is read-only already, or somebody has
// deleted it.
func (v *version) openWritable(file int) (*os.File, error) {
	name := v.onDisk[file].Path
	f, err := v.tree.OpenFile(name, os.O_RDWR, 0)
	switch {
	case errors.Is(err, fs.ErrPermission):
		if err := v.store.sys.chmod(v.tree, name, 0o600); err != nil {
			return nil, err
		}
		return v.tree.OpenFile(name, os.O_RDWR, 0)
	case errors.Is(err, fs.ErrNotExist):
		return v.remake(file)
	case err != nil && v.obstacle(file) != "":
		if err := v.store.sys.removeAll(v.tree, v.obstacle(file)); err != nil {
			return nil, err
		}
		return v.remake(file)
	}
	return f, err
}

// obstacle names what somebody put where a file or folder belongs, or a folder that
// it is in, and that is none; empty when nothing is in the way.
func (v *version) obstacle(file int) string {
	f := v.onDisk[file]
	for end := range f.Path + "/" {
		if end < len(f.Path) && f.Path[end] != '/' {
			continue
		}
		info, err := v.tree.Lstat(f.Path[:end])
		if err != nil {
			return "" // nothing is there
		}
		within := end < len(f.Path) || f.Dir
		if within && !info.IsDir() || !within && !info.Mode().IsRegular() {
			return f.Path[:end]
		}
	}
	return ""
}

// remake makes a file anew that somebody deleted, and its name durable: what is put
// into it will be said to be held. What it held before is forgotten.
func (v *version) remake(file int) (*os.File, error) {
	sys, name := &v.store.sys, v.onDisk[file].Path
	v.forget(v.chunksOf(file)...)
	if err := sys.mkdir(v.tree, path.Dir(name), 0o755); err != nil {
		return nil, err
	}
	f, err := sys.create(v.tree, name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for folder := path.Dir(name); ; folder = path.Dir(folder) {
		if err := sys.syncDir(v.tree, folder); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if folder == "." {
			return f, nil
		}
	}
}

// Read implements [chunk.Version].
func (v *version) Read(i uint32, dst []byte) ([]byte, error) {
	if !v.holds(i) {
		return dst, chunk.ErrNotHeld
	}
	n, length, want := len(dst), int(v.body.Chunks[i].Length), v.body.Chunks[i].Digest
	dst = slices.Grow(dst, length)
	b := dst[n : n+length]
	places := placesOf(v.layout.Segments(i), length)
	// Of a chunk that recurs, another place is looked at each time, so that damage
	// shows wherever it is; and a chunk of zeros may lie in thousands.
	if len(places) > 1 {
		other := 1 + int(v.turn.Add(1))%(len(places)-1)
		places[1] = places[other]
		places = places[:2]
	}
	for _, place := range slices.Backward(places) {
		file, err := v.fill(place, b)
		if err != nil && !isLost(err) {
			return dst, fmt.Errorf("read chunk %d of %s: %w", i, v.head.Ref(), err)
		}
		if got := content.Sum(b); err != nil || got != want {
			return dst, v.damaged(i, got, file, err)
		}
	}
	return dst[:n+length], nil
}

// placesOf splits where a chunk of some length lies into the places that each hold
// all of it.
func placesOf(segments []content.Segment, length int) (places [][]content.Segment) {
	begun := 0
	for i, s := range segments {
		if s.Start+s.Length == length {
			places = append(places, segments[begun:i+1])
			begun = i + 1
		}
	}
	return places
}

// fill reads a chunk from one of its places, or says which file has no such bytes.
func (v *version) fill(place []content.Segment, b []byte) (file int, err error) {
	v.moving.RLock()
	defer v.moving.RUnlock()
	if v.tree == nil {
		return 0, errClosed
	}
	for _, s := range place {
		if err := v.readAt(v.store.files, s, v.opener(s.File), b); err != nil {
			return s.File, err
		}
	}
	return 0, nil
}

// readAt reads one part of a chunk. It needs moving.
func (v *version) readAt(files *files, s content.Segment, open func() (*os.File, error), b []byte) error {
	err := files.with(fileKey{v, s.File}, open, func(f *os.File) error {
		return v.read(files, s.File, f, b[s.Start:s.Start+s.Length], s.Offset)
	})
	v.secret.xor(b[s.Start:s.Start+s.Length], s.File, s.Offset)
	if err != nil && !isLost(err) && v.obstacle(s.File) != "" {
		return fmt.Errorf("something else is in its place: %w: %w", fs.ErrNotExist, err)
	}
	return err
}

// isLost reports whether an error means that the bytes are not there, and not
// that they can't be read now.
func isLost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EIO)
}

// forget makes a chunk wanted again.
func (v *version) forget(chunks ...uint32) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear(chunks)
}

// clear needs mu.
func (v *version) clear(chunks []uint32) {
	for _, i := range chunks {
		if v.state.have.Has(i) {
			v.state.have.Clear(i)
			v.held--
		}
	}
	signal(v.store.dirty)
}

// forgetFile makes every chunk wanted again that lies in a file which is missing,
// or has been cut.
func (v *version) forgetFile(file int) {
	v.forget(v.chunksOf(file)...)
	v.store.files.drop(v, func(f int) bool { return f == file })
}

// chunksOf lists the chunks that lie in a file.
func (v *version) chunksOf(file int) (chunks []uint32) {
	for i := range v.chunks() {
		if slices.ContainsFunc(v.layout.Segments(i), func(s content.Segment) bool { return s.File == file }) {
			chunks = append(chunks, i)
		}
	}
	return chunks
}

// forgetUnsound makes the chunks wanted again that are not sound, and says how many
// there were.
func (v *version) forgetUnsound(sound content.Bitmap) (n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var lost []uint32
	for i := range v.chunks() {
		if v.state.have.Has(i) && !sound.Has(i) {
			lost = append(lost, i)
		}
	}
	v.clear(lost)
	return len(lost)
}

func (v *version) holds(i uint32) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.state.have.Has(i)
}

// missing returns how many chunks are not held.
func (v *version) missing() uint32 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.chunks() - v.held
}

// Have implements [chunk.Version].
func (v *version) Have() content.Bitmap {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.state.have.Clone()
}

// Counters implements [chunk.Version].
func (v *version) Counters() chunk.Counters {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.state.counters
}

// Done implements [chunk.Version].
func (v *version) Done() bool {
	v.moving.RLock()
	defer v.moving.RUnlock()
	return v.placed && v.missing() == 0
}

// release closes all that is open. Nothing of the version works afterwards.
func (v *version) release() error {
	v.durable.Lock()
	defer v.durable.Unlock()
	v.moving.Lock()
	defer v.moving.Unlock()
	for _, r := range v.store.lingering.of(v) {
		v.cool(r)
	}
	v.store.files.drop(v, func(int) bool { return true })
	err := v.journal.close()
	for _, root := range []*os.Root{v.tree, v.dir} {
		if root != nil {
			err = errors.Join(err, root.Close())
		}
	}
	v.tree = nil
	v.mu.Lock()
	defer v.mu.Unlock()
	v.store.uncommitted.Add(-v.pending)
	v.pending = 0
	return err
}
