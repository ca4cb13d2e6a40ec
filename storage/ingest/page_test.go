package ingest_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/ingest"
)

var update = flag.Bool("update", false, "write testdata/page.json anew")

// pageVector is what is published, and what came of it here. The portal's page publishes, too,
// by its own code: its tests (web/portal/src/publish) read the same file and come to the same.
type pageVector struct {
	Name        string           `json:"name"`
	Kind        content.Kind     `json:"kind"`
	Files       []pageFile       `json:"files"`
	Body        content.Digest   `json:"body"`
	BodyBytes   int              `json:"body_bytes"`
	Bytes       int64            `json:"bytes"`
	UniqueBytes int64            `json:"unique_bytes"`
	Lengths     []uint32         `json:"lengths"` // of the unique chunks
	Packs       []content.Digest `json:"packs"`   // what is random is not compressed, so packs are equal, too
}

// pageFile is Times times what xorshift32 makes of a seed.
type pageFile struct {
	Path  string `json:"path"`
	Seed  uint32 `json:"seed"`
	Size  int    `json:"size"`
	Times int    `json:"times"`
}

type pageVectors struct {
	PackBytes int64           `json:"pack_bytes"`
	Versions  []pageVector    `json:"versions"`
	Key       string          `json:"key"`
	Head      content.Head    `json:"head"`
	Envelope  json.RawMessage `json:"envelope"`
}

func (f pageFile) bytes() []byte {
	x, out := f.Seed, make([]byte, 0, f.Size*f.Times)
	for range f.Size {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		out = append(out, byte(x))
	}
	for range f.Times - 1 {
		out = append(out, out[:f.Size]...)
	}
	return out
}

// pageInputs are what is published.
func pageInputs() []pageVector {
	return []pageVector{
		{Name: "one byte", Kind: content.KindFile, Files: []pageFile{{"a.bin", 1, 1, 1}}},
		{Name: "several windows", Kind: content.KindFile, Files: []pageFile{{"app.img", 7, 9 << 20, 1}}},
		{Name: "bytes that recur", Kind: content.KindFile, Files: []pageFile{{"twice.img", 9, 700_001, 3}}},
		{Name: "a folder", Kind: content.KindTree, Files: []pageFile{
			{"b/large.bin", 3, 200_000, 1}, {"b/small.txt", 4, 900, 1}, {"b-side.txt", 5, 20_000, 1}, {"b/a.txt", 6, 30_000, 1},
			{"empty", 1, 0, 1}, {"b/deep/\uff5e.txt", 8, 10, 1}, {"b/deep/\U0001f600.txt", 10, 11, 1}, {"same.bin", 3, 200_000, 1}}},
	}
}

func TestPageAndProgramMakeTheSameOfContent(t *testing.T) {
	path := filepath.Join("testdata", "page.json")
	got := pageVectors{PackBytes: 1 << 20, Versions: pageInputs()}
	for i := range got.Versions {
		publishVector(t, &got.Versions[i], got.PackBytes)
	}
	key := ed25519.NewKeyFromSeed([]byte("sitecast golden vectors for page"))
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	got.Key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	v := got.Versions[1]
	got.Head = content.Head{Name: "app", Version: "1.0+page", Serial: 17, Created: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC), Kind: v.Kind,
		Bytes: v.Bytes, UniqueBytes: v.UniqueBytes, Chunks: uint32(len(v.Lengths)), Body: v.Body, BodyBytes: int64(v.BodyBytes)}
	if got.Envelope, _, err = content.SignHead(got.Head, key); err != nil {
		t.Fatal(err)
	}
	if *update {
		text, err := json.MarshalIndent(got, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want, again pageVectors
	now, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(now, &again); err != nil {
		t.Fatal(err)
	}
	want.Envelope, again.Envelope = compact(t, want.Envelope), compact(t, again.Envelope)
	if !reflect.DeepEqual(again, want) {
		t.Errorf("content, a pack or a signature is another than it was: nothing that is held would be found again\ngot  %+v\nwant %+v", again, want)
	}
}

func compact(t *testing.T, in json.RawMessage) json.RawMessage {
	t.Helper()
	var v any
	if err := json.Unmarshal(in, &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// publishVector writes what is published to a disk, and fills in what came of it.
func publishVector(t *testing.T, v *pageVector, packBytes int64) {
	t.Helper()
	root := t.TempDir()
	for _, f := range v.Files {
		path := filepath.Join(root, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if v.Kind == content.KindFile {
		root = filepath.Join(root, v.Files[0].Path)
	}
	result, err := ingest.Run(context.Background(), root, t.TempDir(), ingest.Options{PackBytes: packBytes})
	if err != nil {
		t.Fatal(err)
	}
	v.Body, v.BodyBytes, v.Bytes, v.UniqueBytes = content.Sum(result.Encoded), len(result.Encoded), result.Bytes, result.Body.UniqueBytes()
	for _, c := range result.Body.Chunks {
		v.Lengths = append(v.Lengths, c.Length)
	}
	for _, p := range result.Packs {
		v.Packs = append(v.Packs, p.Digest)
	}
}
