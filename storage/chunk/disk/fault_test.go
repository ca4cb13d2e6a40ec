//go:build unix

package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/content"
)

// small is a version of a few bytes, in so many files.
func small(t testing.TB, name string, files int) *chunktest.Sample {
	t.Helper()
	lengths, uses := []int{100, 200, 300, 400, 50}, []int{0, 1, 2, 0, 3, 4}
	list := []content.File{{Path: "d/e", Size: 150}, {Path: "empty"}, {Path: "x", Size: 700, Executable: true}}
	list = slices.Concat(list, filesOf(files-len(list), 2))
	list = append(list, content.File{Path: "z", Size: 1150 - 850 - 2*int64(files-3)})
	return chunktest.NewSample(t, content.Ref{Name: name, Version: "v1"}, lengths, uses, list)
}

// promises is what a store has said and must keep to.
type promises struct {
	chunks   content.Bitmap
	counters chunk.Counters
	complete bool
	most     chunk.Counters // what was counted at all, where it is known
	key      []byte         // of the store, if it is encrypted
}

func (p *promises) commit(v chunk.Version) {
	have, counters := v.Have(), v.Counters()
	if v.Commit() == nil {
		p.chunks, p.counters = have, counters
	}
}

// live has a store do everything it does, whatever fails. It returns what the
// store promised about the first sample; the second is removed.
func live(t *testing.T, s *Store, sample, other *chunktest.Sample) (p promises) {
	put := func(v chunk.Version, s *chunktest.Sample, chunks ...uint32) {
		for _, i := range chunks {
			_, err := v.Put(i, s.Chunks[i], chunk.Origin, 10)
			expectNamed(t, err)
		}
	}
	p.chunks = content.NewBitmap(uint32(len(sample.Chunks)))
	if w := attempt(t, s, other); w != nil {
		put(w, other, other.All()...)
		expectNamed(t, w.Complete())
	}
	v := attempt(t, s, sample)
	if v == nil {
		return p
	}
	put(v, sample, 0, 1)
	p.commit(v)
	put(v, sample, 2)
	p.commit(v)
	compact(v)
	put(v, sample, 3)
	p.commit(v)
	put(v, sample, 4)
	for range 2 {
		put(v, sample, sample.All()...)
		have, counters := v.Have(), v.Counters()
		err := v.Complete()
		if expectNamed(t, err); err == nil {
			p = promises{chunks: have, counters: counters, complete: true}
		}
	}
	for range 2 {
		expectNamed(t, s.Remove(t.Context(), other.ID))
	}
	p.most = v.Counters()
	return p
}

// attempt opens a version that may be there at the third attempt, or not.
func attempt(t *testing.T, s *Store, sample *chunktest.Sample) chunk.Version {
	for range 3 {
		v, err := s.Open(t.Context(), sample.Head, sample.Envelope, sample.Body)
		if expectNamed(t, err); err == nil {
			return v
		}
	}
	return nil
}

// expectNamed checks that a full disk is called one.
func expectNamed(t *testing.T, err error) {
	t.Helper()
	if (errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)) != errors.Is(err, chunk.ErrNoRoom) {
		t.Errorf("%v, want a full disk and nothing else to be named", err)
	}
}

// compact writes the journal anew, as a commit does when it is long.
func compact(v chunk.Version) {
	w := v.(*version)
	w.durable.Lock()
	defer w.durable.Unlock()
	_ = w.journal.begin(w, w.committed)
}

// keepsTo opens the store after an interruption, and checks all it says.
func (p promises) keepsTo(t *testing.T, dir string, sample, other *chunktest.Sample) {
	disk := newPowered(t, fault{})
	disk.key = p.key
	s, err := disk.open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, o := range []*chunktest.Sample{sample, other} {
		if _, err := s.root.Lstat(s.placeOf(o.Head.Ref())); err == nil {
			if err := checkDelivered(s, o); err != nil {
				t.Errorf("visible tree of %s: %v", o.Head.Ref(), err)
			}
		} else if !errors.Is(err, fs.ErrNotExist) || p.complete && o == sample {
			t.Errorf("%s, complete %v: %v", o.Head.Ref(), p.complete && o == sample, err)
		}
	}
	v := sample.Open(t, s).(*version)
	expectTrue(t, v, sample)
	if got := v.Counters(); p.most != (chunk.Counters{}) && (got.WAN > p.most.WAN || got.Bytes[chunk.Origin] > p.most.Bytes[chunk.Origin]) {
		t.Errorf("counted %+v after reopening, want no more than %+v", got, p.most)
	}
	have := v.Have()
	for i := range v.chunks() {
		if p.chunks.Has(i) && !have.Has(i) {
			t.Errorf("chunk %d was committed, and is not held", i)
		}
		if !have.Has(i) {
			sample.Put(t, v, i)
		}
	}
	if got := v.Counters(); got.WAN < p.counters.WAN || got.Bytes[chunk.Origin] < p.counters.Bytes[chunk.Origin] {
		t.Errorf("counted %+v, want at least %+v", got, p.counters)
	}
	if err := v.Complete(); err != nil {
		t.Fatal(err)
	}
	if err := checkDelivered(s, sample); err != nil {
		t.Errorf("completed: %v", err)
	}
	if err := s.Remove(t.Context(), other.ID); err != nil {
		t.Error(err)
	}
}

// checkDelivered compares what lies at the place of a version with what was published.
func checkDelivered(s *Store, sample *chunktest.Sample) error {
	place := s.placeOf(sample.Head.Ref())
	if s.vault == nil {
		return sample.CheckTree(filepath.Join(s.dir, place))
	}
	dir, err := s.root.OpenRoot(folderOf(sample.ID))
	if err != nil {
		return err
	}
	defer dir.Close() // it is only read from
	secret, err := s.secretOf(dir, sample.ID)
	stream := sample.Stream
	for i, f := range sample.Body.Files {
		var data []byte
		if err == nil {
			data, err = s.root.ReadFile(path.Join(place, strconv.Itoa(i)))
		}
		if secret.xor(data, i, 0); err == nil && !bytes.Equal(data, stream[:f.Size]) {
			err = fmt.Errorf("%s has other content", f.Path)
		}
		stream = stream[f.Size:]
	}
	return err
}

// expectTrue checks on the disk what the version believes.
func expectTrue(t *testing.T, v *version, sample *chunktest.Sample) {
	t.Helper()
	for i, want := range sample.Chunks {
		got := make([]byte, len(want))
		for _, place := range placesOf(v.layout.Segments(uint32(i)), len(want)) {
			if _, err := v.fill(place, got); v.Have().Has(uint32(i)) && (err != nil || string(got) != string(want)) {
				t.Errorf("chunk %d is said to be held, but is not on the disk (%v)", i, err)
			}
		}
	}
}

// faultsOf says how a call may fail: a disk that is full or whose share is used up
// shows wherever something needs a block, a broken one everywhere.
var faultsOf = map[string][]fault{
	"create":     {{err: syscall.ENOSPC}, {err: syscall.EIO}},
	"write":      {{err: errShort, part: true}, {err: syscall.ENOSPC, part: true}, {err: syscall.EDQUOT}, {err: syscall.EIO}},
	"truncate":   {{err: syscall.ENOSPC}, {err: syscall.EIO}},
	"allocate":   {{err: syscall.ENOSPC}, {err: syscall.EIO}},
	"sync":       {{err: syscall.ENOSPC}, {err: syscall.EIO}},
	"sync all":   {{err: syscall.ENOSPC}, {err: syscall.EIO}},
	"mkdir":      {{err: syscall.ENOSPC}, {err: syscall.EIO}},
	"chmod":      {{err: syscall.EIO}},
	"rename":     {{err: syscall.ENOSPC}, {err: syscall.EIO}},
	"remove":     {{err: syscall.EIO}},
	"remove all": {{err: syscall.EIO, part: true}},
}

// TestNothingUntrueIsFoundAfterAnyFault makes every call to the system fail in
// turn, once or for good, and then cuts the power.
func TestNothingUntrueIsFoundAfterAnyFault(t *testing.T) {
	t.Parallel()
	for at, what := range faultless(t, 4) {
		eachFault(t, at+1, what, 4)
	}
}

// With many files, they are synced together.
func TestNothingUntrueIsFoundAfterAFaultOfManyFiles(t *testing.T) {
	for at, what := range faultless(t, manyFiles+8) {
		if what == "sync all" {
			eachFault(t, at+1, what, manyFiles+8)
		}
	}
}

func eachFault(t *testing.T, at int, what string, files int) {
	for _, f := range faultsOf[what] {
		f.at = at
		for _, f.fatal = range []bool{false, true} {
			underFault(t, f, files, "nothing")
		}
		if what != "sync" {
			underFault(t, f, files, []string{"everything", "something"}[at%2])
		}
	}
}

// faultless returns the calls there are to fail.
func faultless(t *testing.T, files int) (calls []string) {
	synctest.Test(t, func(t *testing.T) {
		p := newPowered(t, fault{})
		s, err := p.open(MemoryDir(t))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if got := live(t, s, small(t, "kept", files), small(t, "other", files)); !got.complete || got.chunks.Count() != 5 {
			t.Fatalf("promised %+v without a fault, want everything", got)
		}
		calls = p.calls
	})
	return calls
}

func underFault(t *testing.T, f fault, files int, kept string) {
	underFaultWith(t, nil, f, files, kept)
}

// An encrypted store makes a few calls more; each is where the process ends, or fails once.
func TestNothingUntrueIsFoundOfAnEncryptedStore(t *testing.T) {
	t.Parallel()
	key := make([]byte, KeyBytes)
	for at := range len(faultless(t, 4)) + 12 {
		underFaultWith(t, key, fault{at: at + 1, kill: true}, 4, []string{"nothing", "everything", "something"}[at%3])
		underFaultWith(t, key, fault{at: at + 1, err: syscall.EIO}, 4, "nothing")
	}
}

func underFaultWith(t *testing.T, key []byte, f fault, files int, kept string) {
	synctest.Test(t, func(t *testing.T) {
		dir := MemoryDir(t)
		sample, other := small(t, "kept", files), small(t, "other", files)
		p := newPowered(t, f)
		p.key = key
		defer func() {
			if t.Failed() {
				t.Logf("fault %+v, power cut that keeps %s of %d files: %q", f, kept, files, p.log)
			}
		}()
		s, err := p.open(dir)
		if err != nil {
			promises{key: key}.keepsTo(t, dir, sample, other)
			return
		}
		said := live(t, s, sample, other)
		said.key = key
		p.cut(s, cuts[kept])
		said.keepsTo(t, dir, sample, other)
	})
}

// filesOf lists n files of a size.
func filesOf(n int, size int64) []content.File {
	list := make([]content.File, n)
	for i := range list {
		list[i] = content.File{Path: fmt.Sprintf("many/%03d", i), Size: size}
	}
	return list
}
