//go:build unix

package disk

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/chunk/chunktest"
)

// protected is a system on which nothing can be changed while it is switched on. What
// was written before can be synced.
func protected(on *atomic.Bool) system {
	sys := realSystem()
	guard := func(do func() error) error {
		if on.Load() {
			return syscall.EROFS
		}
		return do()
	}
	real := sys
	sys.create = func(root *os.Root, name string, flag int, mode fs.FileMode) (f *os.File, err error) {
		err = guard(func() error { f, err = real.create(root, name, flag, mode); return err })
		return f, err
	}
	sys.write = func(f *os.File, b []byte, at int64) (n int, err error) {
		err = guard(func() error { n, err = real.write(f, b, at); return err })
		return n, err
	}
	sys.truncate = func(f *os.File, size int64) error {
		return guard(func() error { return real.truncate(f, size) })
	}
	sys.mkdir = func(root *os.Root, name string, mode fs.FileMode) error {
		if _, err := root.Stat(name); err == nil {
			return nil // as on a real one
		}
		return guard(func() error { return real.mkdir(root, name, mode) })
	}
	sys.chmod = func(root *os.Root, name string, mode fs.FileMode) error {
		return guard(func() error { return real.chmod(root, name, mode) })
	}
	sys.rename = func(root *os.Root, from, to string) error {
		return guard(func() error { return real.rename(root, from, to) })
	}
	sys.remove = func(root *os.Root, name string) error {
		return guard(func() error { return real.remove(root, name) })
	}
	sys.removeAll = func(root *os.Root, name string) error {
		if _, err := root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return guard(func() error { return real.removeAll(root, name) })
	}
	return sys
}

func expectSaysReadOnly(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "remount,rw") || errors.Is(err, chunk.ErrNoRoom) {
		t.Errorf("%s: %v, want that it is read-only, and what to do", what, err)
	}
}

// What is held is read all the time, what fails has no effect, and when the disk can
// be written to, everything goes on where it was: of a plain store and an encrypted one.
func TestStoreOutlivesADiskThatBecomesReadOnly(t *testing.T) {
	for _, key := range [][]byte{nil, make([]byte, KeyBytes)} {
		var on atomic.Bool
		dir := t.TempDir()
		s, err := open(dir, key, quiet(), protected(&on))
		if err != nil {
			t.Fatal(err)
		}
		whole, part, other := small(t, "whole", 4), small(t, "part", 4), small(t, "other", 4)
		w := whole.Fill(t, s)
		v := part.Open(t, s)
		part.Put(t, v, 0, 3)
		if err := v.Commit(); err != nil {
			t.Fatal(err)
		}
		on.Store(true)
		_, err = v.Put(1, part.Chunks[1], chunk.Peer, 0)
		expectSaysReadOnly(t, "put", err)
		_, err = s.Open(t.Context(), other.Head, other.Envelope, other.Body)
		expectSaysReadOnly(t, "open", err)
		whole.CheckHeld(t, w, whole.All()...)
		part.CheckHeld(t, v, 0, 3)
		expectSaysReadOnly(t, "remove", s.Remove(t.Context(), whole.ID))
		if held := s.Held(); len(held) != 2 {
			t.Errorf("%d versions held, want 2", len(held))
		}
		on.Store(false)
		whole.CheckHeld(t, whole.Open(t, s), whole.All()...)
		part.Put(t, v, 1, 2, 4)
		if err := errors.Join(v.Complete(), checkDelivered(s, part)); err != nil {
			t.Error(err)
		}
		other.Fill(t, s)
		if err := errors.Join(checkDelivered(s, other), s.Remove(t.Context(), whole.ID), s.Close()); err != nil {
			t.Error(err)
		}
	}
}

// logged is what a logger has written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer // mu guards it
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestADiskThatStaysReadOnlyIsLoggedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var on atomic.Bool
		var lines logged
		s, err := open(MemoryDir(t), nil, slog.New(slog.NewTextHandler(&lines, nil)), protected(&on))
		if err != nil {
			t.Fatal(err)
		}
		expect := func(when string, failing, again int) {
			t.Helper()
			synctest.Wait()
			text := lines.String()
			if f, a := strings.Count(text, "level=ERROR"), strings.Count(text, "safe again"); f != failing || a != again {
				t.Errorf("%s: logged %d times that commits fail and %d times that they no longer do, want %d and %d:\n%s", when, f, a, failing, again, text)
			}
		}
		sample := small(t, "v", 4)
		v := sample.Open(t, s)
		sample.Put(t, v, 0, 1)
		on.Store(true)
		time.Sleep(sayAgainAfter - 3*CommitInterval)
		expect("at first", 1, 0)
		time.Sleep(sayAgainAfter)
		expect("later", 2, 0)
		on.Store(false)
		time.Sleep(2 * CommitInterval)
		expect("after it", 2, 1)
		sample.Put(t, v, 2)
		on.Store(true)
		time.Sleep(2 * CommitInterval)
		expect("when it comes back", 3, 1)
		on.Store(false)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestStartOnAReadOnlyDiskSaysWhatToDo(t *testing.T) {
	var on atomic.Bool
	dir := t.TempDir()
	s, err := open(dir, nil, quiet(), protected(&on))
	if err != nil {
		t.Fatal(err)
	}
	sample := chunktest.Typical(t, "v1")
	sample.Fill(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	on.Store(true)
	_, err = open(dir, nil, quiet(), protected(&on))
	expectSaysReadOnly(t, "start", err)
	on.Store(false)
	if s, err = open(dir, nil, quiet(), protected(&on)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(checkDelivered(s, sample), s.Close()); err != nil {
		t.Error(err)
	}
}
