//go:build unix

package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/content"
)

// What is committed to a journal whose name could not be made durable is lost
// with that name, unless it is made so first.
func TestCommitAfterAFailedCompactionIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := MemoryDir(t)
		p, s := begun(t, dir)
		sample := small(t, "kept", 4)
		v := sample.Open(t, s)
		p.next("rename", func() error {
			p.next("sync", fails(syscall.EIO))
			return nil
		})
		compact(v)
		sample.Put(t, v, 0, 1)
		if err := v.Commit(); err != nil {
			t.Fatal(err)
		}
		p.cut(s, cuts["nothing"])
		promises{chunks: bitmap(5, 0, 1)}.keepsTo(t, dir, sample, small(t, "other", 4))
	})
}

func TestCommitAfterAFailedOpenIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := MemoryDir(t)
		p, s := begun(t, dir)
		sample := small(t, "kept", 4)
		p.next("rename", func() error { // that of the journal; the next is that of the folder
			p.next("rename", func() error {
				p.next("sync", fails(syscall.EIO))
				return nil
			})
			return nil
		})
		if _, err := s.Open(t.Context(), sample.Head, sample.Envelope, sample.Body); !errors.Is(err, syscall.EIO) {
			t.Fatalf("open: %v, want an I/O error", err)
		}
		v := sample.Open(t, s)
		sample.Put(t, v, 0, 1)
		if err := v.Commit(); err != nil {
			t.Fatal(err)
		}
		p.cut(s, cuts["nothing"])
		promises{chunks: bitmap(5, 0, 1)}.keepsTo(t, dir, sample, small(t, "other", 4))
	})
}

// damage overwrites a delivered file, to begin with its byte at.
func damage(t *testing.T, dir string, sample *chunktest.Sample, file string, at int64) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, placeOf(sample.Head.Ref()), file), os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrPermission) {
		t.Skip("delivered files are read-only")
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte("damage"), at)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestRepairIsDurable(t *testing.T) {
	dir := MemoryDir(t)
	_, s := begun(t, dir)
	sample := small(t, "kept", 4)
	sample.Fill(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	damage(t, dir, sample, "d/e", 10)
	p, s := begun(t, dir)
	v := sample.Open(t, s)
	var corrupt *chunk.CorruptError
	if _, err := v.Read(0, nil); !errors.As(err, &corrupt) {
		t.Fatalf("read: %v, want corrupt", err)
	}
	sample.Put(t, v, 0)
	if err := v.Commit(); err != nil {
		t.Fatal(err)
	}
	p.cut(s, cuts["nothing"])
	promises{chunks: bitmap(5, sample.All()...), complete: true}.keepsTo(t, dir, sample, small(t, "other", 4))
}

// Files that Open looked into would be found to be empty.
func TestReopeningACompleteVersionReadsNoContent(t *testing.T) {
	dir := MemoryDir(t)
	_, s := begun(t, dir)
	sample := small(t, "kept", 4)
	sample.Fill(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	place := filepath.Join(dir, placeOf(sample.Head.Ref()))
	for _, f := range sample.Body.Files {
		name := filepath.Join(place, f.Path)
		if err := errors.Join(os.Chmod(name, 0o600), os.Truncate(name, 0), os.Chmod(name, 0)); err != nil {
			t.Fatal(err)
		}
	}
	p, s := begun(t, dir)
	if held := s.Held(); len(held) != 1 || !held[0].Complete {
		t.Errorf("held %+v, want one complete version", held)
	}
	v := sample.Open(t, s)
	if expectHeld(t, v, sample.All()...); !v.Done() {
		t.Error("not done after reopening")
	}
	for _, call := range p.calls {
		if call == "write" || call == "allocate" || call == "rename" {
			t.Errorf("reopening made the call %q", call)
		}
	}
}

func TestDamagedHeadAndBodyAreMended(t *testing.T) {
	for _, name := range []string{headName, bodyName} {
		for what, change := range map[string]func(name string) error{
			"deleted": os.Remove,
			"cut":     func(name string) error { return os.Truncate(name, 20) },
			"changed": func(name string) error { return os.WriteFile(name, []byte("{}"), 0o600) },
		} {
			dir := MemoryDir(t)
			_, s := begun(t, dir)
			sample := small(t, "kept", 4)
			sample.Fill(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := change(filepath.Join(dir, folderOf(sample.ID), name)); err != nil {
				t.Fatal(err)
			}
			_, s = begun(t, dir)
			if held := s.Held(); len(held) != 0 {
				t.Errorf("%s %s: held %v, want nothing that is damaged", name, what, held)
			}
			if v := sample.Open(t, s); !v.Done() {
				t.Errorf("%s %s: not done after reopening", name, what)
			}
			if held := s.Held(); len(held) != 1 || string(held[0].Envelope) != string(sample.Envelope) ||
				string(held[0].Body) != string(sample.Body.Encode()) || !held[0].Complete {
				t.Errorf("%s %s: held %v, want it mended", name, what, held)
			}
		}
	}
}

func TestCountersOutliveADeletedTree(t *testing.T) {
	dir := MemoryDir(t)
	_, s := begun(t, dir)
	sample := small(t, "kept", 4)
	counters := sample.Fill(t, s).Counters()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, contentName, "kept")); err != nil {
		t.Fatal(err)
	}
	_, s = begun(t, dir)
	if held := s.Held(); len(held) != 1 || held[0].Complete {
		t.Errorf("held %v, want one version that is not complete", held)
	}
	v := sample.Open(t, s)
	expectHeld(t, v)
	if got := v.Counters(); got != counters || v.Done() {
		t.Errorf("counted %+v, done %v, want %+v and not done", got, v.Done(), counters)
	}
	sample.Put(t, v, sample.All()...)
	if err := v.Complete(); err != nil {
		t.Fatal(err)
	}
	expectTree(t, dir, sample)
}

// committed returns what a power cut would leave.
func committed(t *testing.T, s *Store, sample *chunktest.Sample) content.Bitmap {
	t.Helper()
	root, err := s.root.OpenRoot(folderOf(sample.ID))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	says, _, _, err := readJournalFile(root, sample.ID, uint32(len(sample.Chunks)))
	if err != nil {
		t.Fatal(err)
	}
	return says.have
}

func TestWhatIsPutIsCommittedWithinTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := begun(t, MemoryDir(t))
		sample := small(t, "kept", 4)
		v := sample.Open(t, s)
		for n, i := range []uint32{3, 1, 2} {
			if i == 1 { // the disk does not take it at once
				p.next("sync", func() error {
					p.next("write", fails(syscall.ENOSPC))
					return nil
				})
			}
			sample.Put(t, v, i)
			time.Sleep(CommitInterval - time.Millisecond)
			synctest.Wait()
			if got := committed(t, s, sample).Count(); got != uint32(n) {
				t.Errorf("%d chunks committed before the interval was over, want %d", got, n)
			}
			time.Sleep(time.Millisecond)
			synctest.Wait()
			if i == 1 {
				if got := committed(t, s, sample).Count(); got != uint32(n) {
					t.Errorf("%d chunks committed to a full disk, want %d", got, n)
				}
				time.Sleep(CommitInterval)
				synctest.Wait()
			}
			if got := committed(t, s, sample).Count(); got != uint32(n+1) {
				t.Errorf("%d chunks committed, want %d", got, n+1)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestUncommittedBytesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const chunks, length = 48, content.MaxChunkBytes
		lengths, uses := make([]int, chunks), make([]int, chunks)
		for i := range chunks {
			lengths[i], uses[i] = length, i
		}
		sample := chunktest.NewSample(t, content.Ref{Name: "large", Version: "v1"}, lengths, uses,
			[]content.File{{Path: "f", Size: chunks * length}})
		_, s := begun(t, MemoryDir(t))
		v := sample.Open(t, s)
		for i := range uint32(chunks) {
			sample.Put(t, v, i)
			if open := int(v.Have().Count()-committed(t, s, sample).Count()) * length; open >= CommitBytes {
				t.Fatalf("%d bytes put and not committed, want less than %d", open, CommitBytes)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if got := s.uncommitted.Load(); got != 0 {
			t.Errorf("%d bytes still wait for a commit", got)
		}
	})
}

func TestFewFilesStayOpen(t *testing.T) {
	_, s := begun(t, MemoryDir(t))
	const n = maxOpenFiles + 40
	sample := chunktest.NewSample(t, content.Ref{Name: "files", Version: "v1"}, []int{9 * n}, []int{0}, filesOf(n, 9))
	v := sample.Open(t, s)
	sample.Put(t, v, 0)
	if got := len(s.files.open); got > maxOpenFiles || got < maxOpenFiles/2 {
		t.Errorf("%d files open after a put to %d, want at most %d", got, n, maxOpenFiles)
	}
	if err := v.Complete(); err != nil {
		t.Fatal(err)
	}
	sample.CheckHeld(t, v, 0)
	if got := len(s.files.open); got > maxOpenFiles {
		t.Errorf("%d files open after a read from %d, want at most %d", got, n, maxOpenFiles)
	}
	if err := s.Remove(t.Context(), sample.ID); err != nil {
		t.Fatal(err)
	}
	if got := len(s.files.open) + s.files.idle.Len(); got != 0 {
		t.Errorf("%d files of a removed version open", got)
	}
}
