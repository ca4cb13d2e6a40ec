package lab_test

import (
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/storage/content"
)

// tree is what files of a folder hold, by path.
type tree map[string][]byte

// write makes the folder.
func (tr tree) write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range tr {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// wantDelivered checks a version at an endpoint.
func (tr tree) wantDelivered(t *testing.T, e *lab.Endpoint, name, version string) {
	t.Helper()
	for file, want := range tr {
		got, err := os.ReadFile(filepath.Join(e.Data, "content", name, version, file))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %s of %s@%s is not what was published (%v)", e.Name, file, name, version, err)
		}
	}
}

// bodyOf reads the body of a version from an endpoint's store.
func bodyOf(t *testing.T, e *lab.Endpoint, id content.VersionID) *content.Body {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(e.Data, "store", id.String(), "body"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := content.DecodeBody(data)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// delta is how many bytes are in chunks of a version that another lacks.
func delta(of, from *content.Body) (n int64) {
	old := map[content.Digest]bool{}
	for _, c := range from.Chunks {
		old[c.Digest] = true
	}
	for _, c := range of.Chunks {
		if !old[c.Digest] {
			n += int64(c.Length)
		}
	}
	return n
}

// releases are two versions: in the second a file was renamed, one was changed in
// the middle, and a small one is new.
func releases() (one, two tree) {
	one = tree{"app.bin": lab.Bytes("app", "bin", 3*mib), "data/rows": lab.Bytes("app", "rows", 2*mib),
		"etc/conf": lab.Bytes("app", "conf", 9000), "etc/more": lab.Bytes("app", "more", 7000)}
	two = maps.Clone(one)
	two["bin/app-2.bin"] = two["app.bin"]
	delete(two, "app.bin")
	two["data/rows"] = slices.Concat(one["data/rows"][:mib], lab.Bytes("app", "patch", 20_000), one["data/rows"][mib+20_000:])
	two["new"] = lab.Bytes("app", "new", 50_000)
	return one, two
}

func TestNewVersionCostsTheWANWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lab.New(t, lab.Plan{Sites: []int{4}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		one, two := releases()
		l.PublishPath("app", "1", one.write(t))
		l.Distribute("app@1")
		first := l.AwaitComplete("app", s, 30*time.Second)
		l.PublishPath("app", "2", two.write(t))
		before := l.Served()
		l.Distribute("app@2")
		l.Settle()
		f := l.AwaitComplete("app", s, 30*time.Second)
		expectDelta(t, l, s, first.ID, f.ID, 4, before)
		for _, e := range s.Endpoints {
			one.wantDelivered(t, e, "app", "1")
			two.wantDelivered(t, e, "app", "2")
		}
	})
}

// expectDelta checks that the second version crossed the WAN once as far as it is
// not in the first, which so many endpoints held, and that the rest came from them.
func expectDelta(t *testing.T, l *lab.Lab, s *lab.Site, first, second content.VersionID, had int64, before int64) {
	t.Helper()
	f := l.Flow("app", s)
	old, body := bodyOf(t, s.Endpoints[0], first), bodyOf(t, s.Endpoints[0], second)
	changed, bodyBytes := delta(body, old), int64(len(body.Encode()))
	t.Logf("changed %d of %d bytes; origin %d, served %d, peers %d, reused %d", changed, f.UniqueBytes, f.BytesOrigin,
		l.Served()-before, f.BytesPeer, f.BytesReused)
	if changed == 0 || changed > f.UniqueBytes/10 {
		t.Errorf("%d of %d bytes changed, want few", changed, f.UniqueBytes)
	}
	if f.BytesOrigin > changed*102/100 {
		t.Errorf("%d bytes from the origin, want at most 1.02 times the %d that changed", f.BytesOrigin, changed)
	}
	if served := l.Served() - before; served > changed*102/100+bodyBytes {
		t.Errorf("the origin served %d bytes, want at most %d and the body of %d", served, changed*102/100, bodyBytes)
	}
	if want := had * (f.UniqueBytes - changed); f.BytesReused != want {
		t.Errorf("%d bytes reused, want %d", f.BytesReused, want)
	}
	n := int64(len(s.Endpoints))
	if sum := f.BytesOrigin + f.BytesPeer + f.BytesRelay + f.BytesReused; sum != n*f.UniqueBytes || f.BytesTotal != sum {
		t.Errorf("%d bytes by all sources, want %d for each of %d", sum, f.UniqueBytes, n)
	}
}

func TestVersionOnHalfOfASiteServesTheOtherHalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lab.New(t, lab.Plan{Sites: []int{6}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		one, two := releases()
		for _, e := range s.Endpoints[3:] {
			e.Stop()
		}
		l.PublishPath("app", "1", one.write(t))
		l.Distribute("app@1")
		first := l.AwaitComplete("app", s, 30*time.Second)
		for _, e := range s.Endpoints[:3] {
			e.Stop()
		}
		l.PublishPath("app", "2", two.write(t))
		pause := operator.Pause{Remote: l.Remote(io.Discard), Selector: operator.Selector{Content: "app@2"}}
		if err := pause.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := l.Served()
		l.Distribute("app@2")
		for _, e := range s.Endpoints {
			e.Start()
		}
		l.Settle()
		if got := l.Served(); got != before {
			t.Errorf("%d bytes were served while it was paused", got-before)
		}
		if err := (operator.Resume{Remote: pause.Remote, Selector: pause.Selector}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.Settle()
		f := l.AwaitComplete("app", s, 30*time.Second)
		expectDelta(t, l, s, first.ID, f.ID, 3, before)
		for _, e := range s.Endpoints {
			two.wantDelivered(t, e, "app", "2")
		}
	})
}
