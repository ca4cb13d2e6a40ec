package chunktest

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// A Sample is a version made up for a test, with all its bytes at hand.
type Sample struct {
	Head     content.Head
	Envelope json.RawMessage
	ID       content.VersionID
	Body     *content.Body
	Chunks   [][]byte // by index
	Stream   []byte   // the files, one after the other
}

var signer = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

// NewSample signs a version whose stream is the chunks that uses names, in that
// order and of the given lengths, cut into files. It is the same for the same
// ref, and no chunk of it is in the sample of another ref.
func NewSample(t testing.TB, ref content.Ref, lengths, uses []int, files []content.File) *Sample {
	t.Helper()
	seed := content.Sum([]byte(ref.String()))
	random := rand.NewChaCha8(seed)
	s := &Sample{}
	for _, n := range lengths {
		data := make([]byte, n)
		_, _ = random.Read(data) // it has no errors
		s.Chunks = append(s.Chunks, data)
	}
	var b content.Builder
	for _, i := range uses {
		b.Add(content.Sum(s.Chunks[i]), uint32(len(s.Chunks[i])))
		s.Stream = append(s.Stream, s.Chunks[i]...)
	}
	var err error
	if s.Body, err = b.Body(files); err != nil {
		t.Fatal(err)
	}
	s.sign(t, ref)
	return s
}

// Compose signs a version whose stream is the given chunks in that order, recurring
// ones included, cut into files.
func Compose(t testing.TB, ref content.Ref, stream [][]byte, files []content.File) *Sample {
	t.Helper()
	s := &Sample{}
	var b content.Builder
	for _, data := range stream {
		if _, fresh := b.Add(content.Sum(data), uint32(len(data))); fresh {
			s.Chunks = append(s.Chunks, data)
		}
		s.Stream = append(s.Stream, data...)
	}
	var err error
	if s.Body, err = b.Body(files); err != nil {
		t.Fatal(err)
	}
	s.sign(t, ref)
	return s
}

// Signed is a version of a body whose bytes are nowhere.
func Signed(t testing.TB, ref content.Ref, body *content.Body) *Sample {
	t.Helper()
	s := &Sample{Body: body}
	s.sign(t, ref)
	return s
}

// sign makes the head of what the body is now.
func (s *Sample) sign(t testing.TB, ref content.Ref) {
	t.Helper()
	encoded := s.Body.Encode()
	envelope, id, err := content.SignHead(content.Head{
		Name: ref.Name, Version: ref.Version, Serial: 1, Created: time.Unix(1_000_000_000, 0), Kind: content.KindTree,
		Bytes: s.Body.Bytes(), UniqueBytes: s.Body.UniqueBytes(), Chunks: uint32(len(s.Body.Chunks)),
		Body: content.Sum(encoded), BodyBytes: int64(len(encoded)),
	}, signer)
	if err != nil {
		t.Fatal(err)
	}
	if s.Head, _, err = content.ReadHead(envelope); err != nil {
		t.Fatal(err)
	}
	s.Envelope, s.ID = envelope, id
}

// Typical is a sample with everything in it: five chunks, of which one recurs, one
// bundles files, and all span some; an executable, an empty file and an empty folder.
func Typical(t testing.TB, version string) *Sample {
	t.Helper()
	return NewSample(t, content.Ref{Name: "typical", Version: version},
		[]int{3000, 70_000, 5, 40_000, 1}, []int{0, 1, 2, 1, 3, 4},
		[]content.File{
			{Path: "a/one", Size: 10}, {Path: "a/two", Size: 20}, {Path: "b", Size: 100_000}, {Path: "empty"},
			{Path: "folder/kept", Dir: true}, {Path: "run.sh", Size: 1, Executable: true},
			{Path: "z/deep/er/file", Size: 83_000 - 26}, {Path: "z/last", Size: 1},
		})
}

// Open opens the sample in a store.
func (s *Sample) Open(t testing.TB, store chunk.Store) chunk.Version {
	t.Helper()
	v, err := store.Open(t.Context(), s.Head, s.Envelope, s.Body)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Put puts chunks that are not held yet, from the origin and at half their size.
func (s *Sample) Put(t testing.TB, v chunk.Version, chunks ...uint32) {
	t.Helper()
	for _, i := range chunks {
		if added, err := v.Put(i, s.Chunks[i], chunk.Origin, int64(len(s.Chunks[i])/2)); err != nil || !added {
			t.Fatalf("put chunk %d: added %v, %v, want it added", i, added, err)
		}
	}
}

// All lists the chunks.
func (s *Sample) All() []uint32 {
	all := make([]uint32, len(s.Chunks))
	for i := range all {
		all[i] = uint32(i)
	}
	return all
}

// Fill opens the sample, puts all of it, and completes it.
func (s *Sample) Fill(t testing.TB, store chunk.Store) chunk.Version {
	t.Helper()
	v := s.Open(t, store)
	s.Put(t, v, s.All()...)
	if err := v.Complete(); err != nil {
		t.Fatal(err)
	}
	return v
}

// CheckHeld fails the test unless exactly these chunks are held, and read back.
func (s *Sample) CheckHeld(t testing.TB, v chunk.Version, chunks ...uint32) {
	t.Helper()
	want := content.NewBitmap(uint32(len(s.Chunks)))
	for _, i := range chunks {
		want.Set(i)
	}
	if got := v.Have(); !bytes.Equal(got, want) {
		t.Errorf("chunks held: %08b, want %08b", got, want)
	}
	for i, data := range s.Chunks {
		got, err := v.Read(uint32(i), []byte("before"))
		switch {
		case !want.Has(uint32(i)) && (!errors.Is(err, chunk.ErrNotHeld) || string(got) != "before"):
			t.Errorf("read chunk %d: %d bytes, %v, want not held", i, len(got), err)
		case want.Has(uint32(i)) && (err != nil || string(got) != "before"+string(data)):
			t.Errorf("read chunk %d: %d bytes, %v, want the %d bytes put", i, len(got), err, len(data))
		}
	}
}

// CheckTree reports how the folder differs from what is to be delivered, down to
// modes; nil says that it does not.
func (s *Sample) CheckTree(folder string) error {
	want := make(map[string]string)
	stream := s.Stream
	for _, f := range s.Body.Files {
		for dir := filepath.Dir(filepath.FromSlash(f.Path)); dir != "."; dir = filepath.Dir(dir) {
			want[dir] = "folder -rwxr-xr-x "
		}
		mode := "-r--r--r--"
		if f.Executable {
			mode = "-r-xr-xr-x"
		}
		want[filepath.FromSlash(f.Path)] = fmt.Sprint("file ", mode, " ", content.Sum(stream[:f.Size]))
		if f.Dir {
			want[filepath.FromSlash(f.Path)] = "folder -rwxr-xr-x "
		}
		stream = stream[f.Size:]
	}
	err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == folder {
			return err
		}
		relative, _ := filepath.Rel(folder, name) // it lies in it
		got, err := describe(name, d)
		if err == nil && got != want[relative] {
			err = fmt.Errorf("%s is %q, want %q", relative, got, want[relative])
		}
		delete(want, relative)
		return err
	})
	if err == nil && len(want) > 0 {
		err = fmt.Errorf("missing: %v", want)
	}
	return err
}

func describe(name string, d fs.DirEntry) (string, error) {
	info, err := d.Info()
	if err != nil {
		return "", err
	}
	if d.IsDir() {
		return fmt.Sprint("folder ", info.Mode().Perm(), " "), nil
	}
	data, err := os.ReadFile(name)
	return fmt.Sprint("file ", info.Mode(), " ", content.Sum(data)), err
}
