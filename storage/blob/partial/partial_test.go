package partial_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/blob/dir"
	"github.com/sitecast/sitecast/storage/blob/partial"
	"github.com/sitecast/sitecast/storage/content"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stand is a folder of parts and the store they go to, which may fail.
type stand struct {
	*partial.Parts
	t      *testing.T
	folder string
	on     blob.Store // what it goes to
	objects
}

type objects struct {
	blob.Store
	fails *error
}

func (o objects) Put(ctx context.Context, d content.Digest, size int64, r io.Reader) error {
	if *o.fails != nil {
		return *o.fails
	}
	return o.Store.Put(ctx, d, size, r)
}

func newStand(t *testing.T) *stand { return newStandOn(t, func(o objects) blob.Store { return o }) }

// newStandOn is newStand with another store on top.
func newStandOn(t *testing.T, on func(objects) blob.Store) *stand {
	t.Helper()
	at := t.TempDir()
	store, err := dir.Open(filepath.Join(at, "packs"))
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{t: t, folder: filepath.Join(at, "uploads"), objects: objects{store, new(error)}}
	s.on = on(s.objects)
	s.reopen()
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// reopen opens the folder as after a start.
func (s *stand) reopen() {
	s.t.Helper()
	if s.Parts != nil {
		if err := s.Close(); err != nil {
			s.t.Fatal(err)
		}
	}
	var err error
	if s.Parts, err = partial.Open(s.folder, s.on); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stand) held(d content.Digest, want int64) {
	s.t.Helper()
	if n, err := s.Held(d); n != want || err != nil {
		s.t.Fatalf("%d bytes are held (%v), want %d", n, err, want)
	}
}

// has holds whether the store has the object.
func (s *stand) has(d content.Digest, want bool) {
	s.t.Helper()
	if has, err := s.Has(s.t.Context(), d); has != want || err != nil {
		s.t.Fatalf("the store has it: %v (%v), want %v", has, err, want)
	}
}

func (s *stand) append(d content.Digest, size, offset int, r io.Reader) (int64, error) {
	s.t.Helper()
	return s.Append(s.t.Context(), d, int64(size), int64(offset), r, func() {})
}

func noise(n int) ([]byte, content.Digest) {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(b) // never fails
	return b, content.Sum(b)
}

// TestPartsBecomeTheObject in a store that copies them, and in one that takes the file.
func TestPartsBecomeTheObject(t *testing.T) {
	for name, on := range map[string]func(objects) blob.Store{"copied": func(o objects) blob.Store { return o }, "taken": func(o objects) blob.Store { return o.Store }} {
		t.Run(name, func(t *testing.T) { becomesTheObject(t, newStandOn(t, on)) })
	}
}

func becomesTheObject(t *testing.T, s *stand) {
	data, digest := noise(100_000)
	lost := errors.New("connection lost")
	for at, cuts := 0, []int{1, 1, 40_000, 70_000, len(data)}; len(cuts) > 0; cuts = cuts[1:] {
		r := io.Reader(bytes.NewReader(data[at:cuts[0]]))
		if len(cuts) > 1 {
			r = io.MultiReader(r, iotest.ErrReader(lost))
		}
		n, err := s.append(digest, len(data), at, r)
		if n != int64(cuts[0]) || (len(cuts) > 1) != errors.Is(err, lost) {
			t.Fatalf("from %d: %d bytes (%v), want %d", at, n, err, cuts[0])
		}
		if at = cuts[0]; len(cuts) > 1 {
			s.reopen()
			s.held(digest, int64(at))
			s.has(digest, false)
		}
	}
	s.held(digest, 0)
	s.has(digest, true)
	if left, err := os.ReadDir(s.folder); len(left) > 0 || err != nil {
		t.Errorf("left %v (%v)", left, err)
	}
}

func TestWhatDoesNotContinueIsRefused(t *testing.T) {
	s := newStand(t)
	data, digest := noise(1000)
	if _, err := s.append(digest, 1000, 0, bytes.NewReader(data[:500])); err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int{0, 499, 501, 1000} {
		wrong := new(partial.OffsetError)
		if n, err := s.append(digest, 1000, offset, bytes.NewReader(data[offset:])); !errors.As(err, &wrong) || wrong.Want != 500 || n != 500 {
			t.Errorf("from %d: %d bytes (%v), want to be told of 500", offset, n, err)
		}
	}
	s.held(digest, 500)
}

func TestBytesThatAreNotTheObjectLeaveNothing(t *testing.T) {
	for name, rest := range map[string]func([]byte) []byte{
		"other bytes": func(b []byte) []byte { return append(bytes.Clone(b[:len(b)-1]), b[len(b)-1]+1) },
		"too many":    func(b []byte) []byte { return append(bytes.Clone(b), 0) },
	} {
		s := newStand(t)
		data, digest := noise(1000)
		if _, err := s.append(digest, 1000, 0, bytes.NewReader(data[:500])); err != nil {
			t.Fatal(err)
		}
		wrong := new(blob.MismatchError)
		if _, err := s.append(digest, 1000, 500, bytes.NewReader(rest(data[500:]))); !errors.As(err, &wrong) || wrong.Want != digest {
			t.Errorf("%s: %v, want a mismatch", name, err)
		}
		s.held(digest, 0)
		s.has(digest, false)
		if n, err := s.append(digest, 1000, 0, bytes.NewReader(data)); n != 1000 || err != nil {
			t.Errorf("%s: then %d bytes (%v), want all", name, n, err)
		}
		s.has(digest, true)
	}
}

func TestAnObjectThatTheStoreDoesNotTakeIsKeptUntilItDoes(t *testing.T) {
	s := newStand(t)
	data, digest := noise(1000)
	*s.fails = syscall.ENOSPC
	if n, err := s.append(digest, 1000, 0, bytes.NewReader(data)); n != 1000 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%d bytes (%v), want all of them, and that the store is full", n, err)
	}
	s.held(digest, 1000)
	*s.fails = nil
	if n, err := s.append(digest, 1000, 1000, bytes.NewReader(nil)); n != 1000 || err != nil {
		t.Errorf("%d bytes (%v), want that nothing more is needed", n, err)
	}
	s.has(digest, true)
}

// TestAConnectionThatIsDeadIsTakenOver: its publisher has come again on another.
func TestAConnectionThatIsDeadIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		data, digest := noise(1000)
		r, w := io.Pipe()
		first := make(chan error)
		go func() {
			_, err := s.Append(t.Context(), digest, 1000, 0, r, func() { _ = w.CloseWithError(os.ErrDeadlineExceeded) })
			first <- err
		}()
		if _, err := w.Write(data[:300]); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, err := s.append(digest, 1000, 300, bytes.NewReader(data[300:])); !errors.Is(err, partial.ErrBusy) {
			t.Errorf("beside one that goes on: %v, want that it is busy", err)
		}
		time.Sleep(10 * time.Second)
		done := make(chan error)
		go func() {
			_, err := s.append(digest, 1000, 300, bytes.NewReader(data[300:]))
			done <- err
		}()
		if err := <-first; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the first ended with %v, want that it was interrupted", err)
		}
		if err := <-done; err != nil {
			t.Errorf("the second: %v", err)
		}
		s.has(digest, true)
	})
}

func TestPartsAreBounded(t *testing.T) {
	s := newStand(t)
	for i := range partial.MaxParts {
		digest := content.Sum([]byte(strconv.Itoa(i)))
		if _, err := s.append(digest, 2, 0, bytes.NewReader([]byte{1})); err != nil {
			t.Fatal(err)
		}
	}
	data, digest := noise(1000)
	if _, err := s.append(digest, 1000, 0, bytes.NewReader(data)); !errors.Is(err, partial.ErrFull) {
		t.Errorf("one too many: %v", err)
	}
	if _, err := s.append(content.Sum([]byte("7")), 3, 1, bytes.NewReader([]byte{2})); err != nil {
		t.Errorf("one that is there: %v", err)
	}
	long := time.Now().Add(-partial.Abandoned - time.Minute)
	if err := os.Chtimes(filepath.Join(s.folder, content.Sum([]byte("5")).String()), long, long); err != nil {
		t.Fatal(err)
	}
	if _, err := s.append(digest, 1000, 0, bytes.NewReader(data)); err != nil {
		t.Errorf("once one was abandoned: %v", err)
	}
	s.held(content.Sum([]byte("5")), 0)
}
