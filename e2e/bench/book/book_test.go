package book

import (
	"path/filepath"
	"testing"
)

// record is as those of benchmarks are.
type record struct {
	Mark
	figures
}

type figures struct {
	Bytes int64 `json:"bytes"`
}

// name is a cell.
type name string

func (n name) String() string { return string(n) }

func TestBookKeepsWhatIsOfThisBuild(t *testing.T) {
	const cell, rival = name("cell"), "curl"
	path := filepath.Join(t.TempDir(), "book")
	open := func(build string) *Book[record] {
		b, err := Open(path, func(r record) string { return r.Key(build) })
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := open("a")
	for _, phase := range []string{rival, Sitecast} {
		if err := b.Note(record{Begin(cell, phase, "a"), figures{1000}}); err != nil {
			t.Fatal(err)
		}
	}
	for build, want := range map[string]bool{"a": true, "b": false} {
		b := open(build)
		r, known := b.Find(Key("cell", Sitecast))
		if known != want || known && r.Bytes != 1000 {
			t.Errorf("build %s finds %+v: %v, want %v", build, r, known, want)
		}
		if _, known := b.Find(Key("cell", rival)); !known {
			t.Errorf("build %s does not find the rival's figures, which are of no build", build)
		}
	}
}
