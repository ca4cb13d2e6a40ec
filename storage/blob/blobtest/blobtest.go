// Package blobtest holds the tests that every blob.Store must pass.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/content"
)

// Run tests stores that open makes, each empty.
func Run(t *testing.T, open func(*testing.T) blob.Store) {
	for name, test := range map[string]func(*testing.T, blob.Store){
		"what is put is read back":          putIsReadBack,
		"the empty object can be kept":      emptyObject,
		"an object is put once":             putTwice,
		"other bytes are refused":           mismatchIsRefused,
		"a failing reader leaves nothing":   failingReader,
		"an ended context leaves nothing":   endedContext,
		"what is missing is not found":      missing,
		"what is deleted is gone":           deleted,
		"several put one object at a time":  concurrentPut,
		"an open object outlives its entry": deletedWhileOpen,
		"what is kept is listed":            listed,
		"any part of a large one is read":   largeObject,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func put(t *testing.T, s blob.Store, data string) content.Digest {
	t.Helper()
	digest := content.Sum([]byte(data))
	if err := s.Put(t.Context(), digest, int64(len(data)), strings.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	return digest
}

func expect(t *testing.T, s blob.Store, digest content.Digest, want string) {
	t.Helper()
	object, size, err := s.Open(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	got, err := io.ReadAll(object)
	if err != nil || string(got) != want || size != int64(len(want)) {
		t.Errorf("read %q of %d bytes (%v), want %q", got, size, err, want)
	}
}

func expectMissing(t *testing.T, s blob.Store, digest content.Digest) {
	t.Helper()
	if has, err := s.Has(t.Context(), digest); has || err != nil {
		t.Errorf("has = %v, %v, want false", has, err)
	}
	if _, _, err := s.Open(t.Context(), digest); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("open: %v, want not found", err)
	}
}

func putIsReadBack(t *testing.T, s blob.Store) {
	digest := put(t, s, "some bytes")
	expect(t, s, digest, "some bytes")
	if has, err := s.Has(t.Context(), digest); !has || err != nil {
		t.Errorf("has = %v, %v, want true", has, err)
	}
	object, _, err := s.Open(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	part := make([]byte, 5)
	if n, err := object.ReadAt(part, 5); n != 5 || string(part) != "bytes" {
		t.Errorf("read at 5: %q (%v)", part[:n], err)
	}
	if at, err := object.Seek(-5, io.SeekEnd); at != 5 || err != nil {
		t.Errorf("seek to %d (%v), want 5", at, err)
	}
	if rest, err := io.ReadAll(object); string(rest) != "bytes" || err != nil {
		t.Errorf("read after seek: %q (%v)", rest, err)
	}
}

func emptyObject(t *testing.T, s blob.Store) { expect(t, s, put(t, s, ""), "") }

func putTwice(t *testing.T, s blob.Store) {
	digest := put(t, s, "once")
	unread := strings.NewReader("once")
	if err := s.Put(t.Context(), digest, 4, unread); err != nil || unread.Len() != 4 {
		t.Errorf("put again: %v, %d of 4 bytes left to read", err, unread.Len())
	}
	expect(t, s, digest, "once")
}

func mismatchIsRefused(t *testing.T, s blob.Store) {
	digest := content.Sum([]byte("right"))
	for data, size := range map[string]int64{"wrong": 5, "righ": 5, "right and more": 5, "right": 4, "": -1} {
		err := s.Put(t.Context(), digest, size, strings.NewReader(data))
		var mismatch *blob.MismatchError
		if !errors.As(err, &mismatch) || mismatch.Want != digest {
			t.Errorf("put %q as %d bytes: %v, want a mismatch", data, size, err)
		}
	}
	expectMissing(t, s, digest)
}

func failingReader(t *testing.T, s blob.Store) {
	digest := content.Sum([]byte("whole"))
	broken := errors.New("connection lost")
	r := io.MultiReader(strings.NewReader("who"), readerFunc(func([]byte) (int, error) { return 0, broken }))
	if err := s.Put(t.Context(), digest, 5, r); !errors.Is(err, broken) {
		t.Errorf("put from a failing reader: %v", err)
	}
	expectMissing(t, s, digest)
	put(t, s, "whole")
}

func endedContext(t *testing.T, s blob.Store) {
	ctx, stop := context.WithCancel(t.Context())
	digest := content.Sum([]byte("whole"))
	r := io.MultiReader(strings.NewReader("who"), readerFunc(func(b []byte) (int, error) {
		stop()
		return copy(b, "l"), nil
	}), strings.NewReader("e"))
	if err := s.Put(ctx, digest, 5, r); !errors.Is(err, context.Canceled) {
		t.Errorf("put under an ended context: %v", err)
	}
	expectMissing(t, s, digest)
}

func missing(t *testing.T, s blob.Store) {
	digest := content.Sum([]byte("never put"))
	expectMissing(t, s, digest)
	if err := s.Delete(t.Context(), digest); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("delete: %v, want not found", err)
	}
}

func deleted(t *testing.T, s blob.Store) {
	digest, other := put(t, s, "goes"), put(t, s, "stays")
	if err := s.Delete(t.Context(), digest); err != nil {
		t.Fatal(err)
	}
	expectMissing(t, s, digest)
	expect(t, s, other, "stays")
	expect(t, s, put(t, s, "goes"), "goes")
}

func concurrentPut(t *testing.T, s blob.Store) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<14)
	digest := content.Sum(data)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := s.Put(t.Context(), digest, int64(len(data)), bytes.NewReader(data)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	expect(t, s, digest, string(data))
}

func deletedWhileOpen(t *testing.T, s blob.Store) {
	digest := put(t, s, "still here")
	object, _, err := s.Open(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	if err := s.Delete(t.Context(), digest); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(object)
	if whole := string(got) == "still here" && err == nil; !whole && (!errors.Is(err, blob.ErrNotFound) || len(got) > 0) {
		t.Errorf("read after delete: %q (%v), want what it was, or that it is not found", got, err)
	}
}

func listed(t *testing.T, s blob.Store) {
	want := map[content.Digest]bool{}
	for i := range 20 {
		want[put(t, s, strings.Repeat("x", i))] = true
	}
	gone := put(t, s, "gone")
	if err := s.Delete(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	got := map[content.Digest]bool{}
	for digest, err := range s.List(t.Context()) {
		if err != nil || got[digest] {
			t.Fatalf("listed %s (%v), before: %v", digest, err, got[digest])
		}
		got[digest] = true
	}
	if !maps.Equal(got, want) {
		t.Errorf("listed %d objects, want %d", len(got), len(want))
	}
	for range s.List(t.Context()) {
		break // who has seen enough
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	for digest, err := range s.List(ended) {
		if err == nil {
			t.Errorf("listed %s under an ended context", digest)
		}
	}
}

// largeObject is longer than any buffer of a store.
func largeObject(t *testing.T, s blob.Store) {
	data := make([]byte, 3<<20+5)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data) // it never fails
	digest := put(t, s, string(data))
	object, size, err := s.Open(t.Context(), digest)
	if err != nil || size != int64(len(data)) {
		t.Fatalf("opened %d bytes (%v)", size, err)
	}
	defer object.Close()
	at := func(from int64, n int) {
		t.Helper()
		part := make([]byte, n)
		got, err := object.ReadAt(part, from)
		want := data[min(from, size):min(from+int64(n), size)]
		if short := got < n; got != len(want) || !bytes.Equal(part[:got], want) || short && err != io.EOF || !short && err != nil && err != io.EOF {
			t.Errorf("read %d of %d bytes at %d (%v)", got, n, from, err)
		}
	}
	at(0, 10)
	at(10, 1<<20)    // right behind
	at(1<<20+99, 10) // a bit further
	at(2<<20, 10)
	at(5, 10) // back
	at(size-5, 10)
	at(size, 10)
	if _, err := object.Seek(1, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	at(77, 1) // moves nothing for Read
	if rest, err := io.ReadAll(object); !bytes.Equal(rest, data[1:]) || err != nil {
		t.Errorf("read %d bytes from 1 on (%v)", len(rest), err)
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() { at(int64(i)<<19, 1<<18) })
	}
	wg.Wait()
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
