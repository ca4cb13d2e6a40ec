package content_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

var update = flag.Bool("update", false, "write testdata/vectors.json anew")

// The vectors are documents and bodies with what becomes of them, for implementations in
// other languages: web/sdk reads the same file.
type documentVectors struct {
	Root   []byte        `json:"root"`
	Trust  []trustVector `json:"trust"`
	Heads  []headVector  `json:"heads"`
	Bodies []bodyVector  `json:"bodies"`
}

type trustVector struct {
	Name     string          `json:"name"`
	Document json.RawMessage `json:"document"`
	Serial   uint64          `json:"serial,omitempty"` // when it is accepted
	Refused  string          `json:"refused,omitempty"`
}

type headVector struct {
	Name    string            `json:"name"`
	Trust   string            `json:"trust"` // which of the documents
	Head    json.RawMessage   `json:"head"`
	Now     time.Time         `json:"now"`
	ID      content.VersionID `json:"id"`
	Refused string            `json:"refused,omitempty"`
}

type bodyVector struct {
	Name    string   `json:"name"`
	Encoded []byte   `json:"encoded"`
	Bytes   int64    `json:"bytes"`
	Chunks  int      `json:"chunks"`
	Files   []string `json:"files,omitempty"`
	// Spelled are the chunks of the second half of the stream, with the part of each.
	Spelled [][3]int64 `json:"spelled,omitempty"`
	Refused bool       `json:"refused,omitempty"`
}

func keyOf(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func publicOf(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

func verdict(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, content.ErrUntrusted):
		return "untrusted"
	case errors.Is(err, content.ErrExpired):
		return "expired"
	}
	return "malformed"
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func makeVectors() documentVectors {
	root, stranger, publisher, former := keyOf(1), keyOf(2), keyOf(3), keyOf(4)
	day := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	doc := content.TrustDocument{Serial: 7, Created: day, Publishers: []content.Publisher{
		{Key: publicOf(publisher), Name: "shop", Prefixes: []string{"shop-", "menu"}},
		{Key: publicOf(former), Name: "former", Prefixes: []string{""}, Expires: day.Add(time.Hour)},
	}}
	good := must(content.SignTrust(doc, root))
	out := documentVectors{Root: publicOf(root)}
	addTrust := func(name string, document json.RawMessage) {
		v := trustVector{Name: name, Document: document}
		trust, err := content.OpenTrust(document, publicOf(root))
		if v.Refused = verdict(err); err == nil {
			v.Serial = trust.Serial()
		}
		out.Trust = append(out.Trust, v)
	}
	addTrust("good", good)
	addTrust("of a stranger", must(content.SignTrust(doc, stranger)))
	addTrust("changed", bytes.Replace(good, []byte(`"payload":"eyJz`), []byte(`"payload":"eyJ0`), 1))
	addTrust("without signatures", json.RawMessage(`{"payloadType":"application/vnd.sitecast.trust+json","payload":"e30=","signatures":[]}`))

	head := content.Head{Name: "shop-app", Version: "1.0+2", Serial: 9, Created: day, Kind: content.KindTree, Bytes: 300, UniqueBytes: 200, Chunks: 2,
		Body: content.Sum([]byte("body")), BodyBytes: 120}
	addHead := func(name string, change func(*content.Head), key ed25519.PrivateKey, now time.Time) {
		h := head
		change(&h)
		v := headVector{Name: name, Trust: "good", Head: sealed(h, key), Now: now}
		_, id, err := must(content.OpenTrust(good, publicOf(root))).OpenHead(v.Head, now)
		if v.Refused = verdict(err); err == nil {
			v.ID = id
		}
		out.Heads = append(out.Heads, v)
	}
	same := func(*content.Head) {}
	addHead("good", same, publisher, day)
	addHead("of a stranger", same, stranger, day)
	addHead("signed by the root, which publishes nothing", same, root, day)
	addHead("of another prefix", func(h *content.Head) { h.Name = "till-app" }, publisher, day)
	addHead("of a key that is good", func(h *content.Head) { h.Name = "till-app" }, former, day)
	addHead("of a key that has expired", func(h *content.Head) { h.Name = "till-app" }, former, day.Add(time.Hour))
	addHead("before it expires", func(h *content.Head) { h.Expires = day.Add(time.Minute) }, publisher, day)
	addHead("when it has expired", func(h *content.Head) { h.Expires = day.Add(time.Minute) }, publisher, day.Add(time.Minute))

	out.Bodies = bodyVectors()
	return out
}

func sealed(h content.Head, key ed25519.PrivateKey) json.RawMessage {
	envelope, _, err := content.SignHead(h, key)
	return must(envelope, err)
}

func bodyVectors() (out []bodyVector) {
	add := func(name string, encoded []byte) {
		v := bodyVector{Name: name, Encoded: encoded}
		b, err := content.DecodeBody(encoded)
		if v.Refused = err != nil; err == nil {
			v.Bytes, v.Chunks = b.Bytes(), len(b.Chunks)
			for _, f := range b.Files {
				v.Files = append(v.Files, fmt.Sprintf("%s %d %t %t", f.Path, f.Size, f.Executable, f.Dir))
			}
			v.Spelled = spelled(b, b.Bytes()/2)
		}
		out = append(out, v)
	}
	tree := func(files []content.File, lengths ...uint32) *content.Body {
		var b content.Builder
		for _, n := range lengths {
			b.Add(content.Sum(fmt.Append(nil, n)), n) // the same length: the same chunk
		}
		return must(b.Body(files))
	}
	good := tree([]content.File{{Path: "a.txt", Size: 150}, {Path: "bin/run", Size: 350, Executable: true}, {Path: "empty", Dir: true}, {Path: "é/zero"}},
		100, 200, 100, 100)
	add("a tree in which a chunk recurs", good.Encode())
	add("nothing", tree(nil).Encode())
	add("one file", tree([]content.File{{Path: "film.mp4", Size: 300}}, 100, 200).Encode())
	for _, change := range []struct {
		name string
		at   int
		to   byte
	}{{"of another version", 3, 2}, {"with a chunk of no bytes", 16 + 32 + 3, 0}, {"with more chunks than it has", 7, 9}, {"with unknown flags", 16 + 2*36 + 3*8, 0x80}} {
		encoded := good.Encode()
		encoded[change.at] = change.to
		add(change.name, encoded)
	}
	add("cut off", good.Encode()[:90])
	add("with bytes after it", append(good.Encode(), 0))
	for _, paths := range [][]string{{"../up"}, {"/root"}, {"a//b"}, {"a\\b"}, {"con.txt"}, {"dot."}, {"c:x"}, {"a\x00b"}, {"A", "a"}, {"Dir/x", "dir/y"}, {"a", "a/b"},
		{"stra\u00dfe", "STRASSE"}, {"e\u0301"}, {""}} {
		b := content.Body{}
		for _, p := range paths {
			b.Files = append(b.Files, content.File{Path: p})
		}
		add(fmt.Sprintf("with the paths %q", paths), b.Encode())
	}
	return out
}

// spelled lists chunk, first and last byte of what makes up the stream from a byte on.
func spelled(b *content.Body, from int64) (out [][3]int64) {
	at := int64(0)
	for _, r := range b.Runs {
		for c := r.First; c < r.First+r.Count; c++ {
			n := int64(b.Chunks[c].Length)
			if at+n > from {
				out = append(out, [3]int64{int64(c), max(0, from-at), n})
			}
			at += n
		}
	}
	return out
}

func TestVectorsAreWhatThisPackageMakes(t *testing.T) {
	v := makeVectors()
	got := must(json.MarshalIndent(v, "", "  "))
	if *update {
		if err := os.WriteFile("testdata/vectors.json", append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := must(os.ReadFile("testdata/vectors.json"))
	if !bytes.Equal(append(got, '\n'), want) {
		t.Error("testdata/vectors.json is of another build: go test ./storage/content -run Vectors -update")
	}
}
