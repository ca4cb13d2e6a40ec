package chunktest

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/sitecast/sitecast/storage/chunk"
)

func lends(t *testing.T, f fixture) {
	s := Typical(t, "v1")
	if _, err := f.store.Lend(s.ID); !errors.Is(err, chunk.ErrNotHeld) {
		t.Errorf("lend what is not there: %v, want %v", err, chunk.ErrNotHeld)
	}
	v := s.Open(t, f.store)
	s.Put(t, v, 0)
	if _, err := f.store.Lend(s.ID); !errors.Is(err, chunk.ErrNotHeld) {
		t.Errorf("lend what is not whole: %v, want %v", err, chunk.ErrNotHeld)
	}
	for i := range s.Chunks[1:] {
		s.Put(t, v, uint32(i+1))
	}
	if err := v.Complete(); err != nil {
		t.Fatal(err)
	}
	check := func(what string) {
		t.Helper()
		l, err := f.store.Lend(s.ID)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		defer l.Close()
		for i, want := range s.Chunks {
			if got, err := l.Read(uint32(i), []byte("before")); err != nil || !bytes.Equal(got, append([]byte("before"), want...)) {
				t.Errorf("%s: chunk %d has %d bytes (%v)", what, i, len(got), err)
			}
		}
		if got, err := l.Read(uint32(len(s.Chunks)), []byte("before")); !errors.Is(err, chunk.ErrNotHeld) || string(got) != "before" {
			t.Errorf("%s: a chunk beyond the last: %d bytes (%v)", what, len(got), err)
		}
	}
	check("open")
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	check("closed")
	f = f.reopened(t)
	check("reopened")
}

func lendsNothingDamaged(t *testing.T, f fixture) {
	s := Typical(t, "v1")
	s.Fill(t, f.store)
	f = f.reopened(t)
	l, err := f.store.Lend(s.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	name := f.file(s, s.Body.Files[0].Path)
	info, err := os.Stat(name)
	if err == nil {
		err = errors.Join(os.Chmod(name, 0o600), os.WriteFile(name, make([]byte, info.Size()), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	damaged := new(chunk.CorruptError)
	if got, err := l.Read(0, []byte("before")); !errors.As(err, &damaged) || damaged.Chunk != 0 || string(got) != "before" {
		t.Errorf("a damaged chunk: %d bytes (%v), want that it is damaged", len(got), err)
	}
}
