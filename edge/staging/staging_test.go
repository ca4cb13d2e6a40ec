package staging_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/staging"
	"github.com/sitecast/sitecast/storage/content"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func TestNewerInstantCountsAndWithdrawnOnesStayWithdrawn(t *testing.T) {
	head, id := content.Head{Name: "app", Version: "2"}, content.VersionID{2}
	var w staging.When
	take := func(i content.Instant, want string) {
		t.Helper()
		next, err := w.Take(head, id, i, json.RawMessage(`{}`))
		refused := new(staging.RefusedError)
		if (want == "") != (err == nil) || err != nil && (!errors.As(err, &refused) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: %v, want %q", i, err, want)
		}
		w = next
	}
	if w.Waits(noon) || w.Waits(time.Time{}) {
		t.Error("what nobody holds waits")
	}
	take(content.Instant{Name: "app", ID: id, At: noon, Serial: 5}, "")
	take(content.Instant{Name: "app", ID: id, At: noon.Add(-time.Hour), Serial: 4}, "signed later")
	take(content.Instant{Name: "film", ID: id, At: noon.Add(-time.Hour), Serial: 6}, "of film")
	take(content.Instant{Name: "app", ID: content.VersionID{1}, At: noon.Add(-time.Hour), Serial: 6}, "another version")
	if !w.Waits(noon.Add(-time.Second)) || w.Waits(noon) || !w.Waits(time.Time{}) {
		t.Errorf("%+v does not wait for noon", w)
	}
	w = w.Hold()
	if !w.Waits(noon.Add(time.Hour)) {
		t.Error("what was withdrawn does not wait")
	}
	take(content.Instant{Name: "app", ID: id, At: noon, Serial: 4}, "signed later")
	take(content.Instant{Name: "app", ID: id, At: noon.Add(time.Hour), Serial: 6}, "")
	if !w.Waits(noon) || w.Waits(noon.Add(time.Hour)) || w.Free().Waits(noon) || w.Free().Serial != 6 {
		t.Errorf("%+v does not wait for the newer instant", w)
	}
}

func TestBlockCoversAVersionOrAll(t *testing.T) {
	all := staging.Blocks{{Content: "app", Version: "2", Why: "bad"}, {Content: "film", Why: "leaked"}}
	for ref, want := range map[content.Ref]string{{Name: "app", Version: "2"}: "bad", {Name: "app", Version: "1"}: "", {Name: "film", Version: "9"}: "leaked"} {
		if why, is := all.Of(ref); why != want || is != (want != "") {
			t.Errorf("%s: %q, %t", ref, why, is)
		}
	}
}

// A site has up to 1,024 flows, and each may be held.
func TestAllThatASiteMayHaveIsKept(t *testing.T) {
	statement := json.RawMessage(`"` + strings.Repeat("x", content.MaxInstantEnvelopeBytes-2) + `"`)
	var m staging.Memory
	for i := range 1024 {
		m.Held = append(m.Held, staging.Entry{ID: content.VersionID{byte(i), byte(i >> 8)}, Statement: statement, Serial: content.MaxSerial})
	}
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := staging.Parse(text); err != nil || len(kept.Held) != len(m.Held) {
		t.Errorf("%d versions of %d are kept (%v)", len(kept.Held), len(m.Held), err)
	}
}

func FuzzParse(f *testing.F) {
	whole, err := staging.Memory{Held: []staging.Entry{{ID: content.VersionID{1}, Held: true}, {ID: content.VersionID{2}, Serial: 7, Statement: json.RawMessage(`{"a":1}`)}},
		Blocks: staging.Blocks{{Content: "app", Version: "1", Why: "x"}}}.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(`{"format":1,"held":[{"id":"00"}]}`))
	f.Add([]byte(`{"format":2}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := staging.Parse(text)
		if err != nil {
			return
		}
		again, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if len(again) <= staging.MaxMemoryBytes {
			if _, err := staging.Parse(again); err != nil {
				t.Fatalf("%v in %s", err, again)
			}
		}
	})
}
