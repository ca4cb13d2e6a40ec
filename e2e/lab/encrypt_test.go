package lab_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/storage/chunk/disk"
	"github.com/sitecast/sitecast/storage/content"
)

// wantKept checks a version in the encrypted store of an endpoint that is off.
func (tr tree) wantKept(t *testing.T, e *lab.Endpoint, name, version string) {
	t.Helper()
	store, err := disk.OpenEncrypted(e.Data, e.Key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range tr {
		f, err := store.OpenFile(content.Ref{Name: name, Version: version}, path)
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %s of %s@%s is not what was published (%v)", e.Name, path, name, version, err)
		}
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(e.Data, "content")); err == nil {
		if left, err := os.ReadDir(filepath.Join(e.Data, "content")); err != nil || len(left) > 0 {
			t.Errorf("%s: %d contents lie there in plain (%v)", e.Name, len(left), err)
		}
	}
}

// An encrypted store takes part like any other: it fetches, serves peers, resumes, and
// takes from its older versions what a new one has in common with them.
func TestEncryptedStoresTakePartLikeOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lab.New(t, lab.Plan{Sites: []int{4}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		encrypted := s.Endpoints[1:]
		for i, e := range encrypted {
			e.Stop()
			e.Key = bytes.Repeat([]byte{byte(i + 1)}, disk.KeyBytes)
			e.Start()
		}
		one, two := releases()
		l.PublishPath("app", "1", one.write(t))
		l.Distribute("app@1")
		time.Sleep(2 * time.Second)
		encrypted[0].Stop() // in the middle
		time.Sleep(time.Second)
		encrypted[0].Start()
		first := l.AwaitComplete("app", s, 30*time.Second)
		before := l.Served()
		l.PublishPath("app", "2", two.write(t))
		l.Distribute("app@2")
		l.Settle()
		f := l.AwaitComplete("app", s, 30*time.Second)
		expectDelta(t, l, s, first.ID, f.ID, 4, before)
		one.wantDelivered(t, s.Endpoints[0], "app", "1")
		two.wantDelivered(t, s.Endpoints[0], "app", "2")
		for _, e := range encrypted {
			e.Stop()
			one.wantKept(t, e, "app", "1")
			two.wantKept(t, e, "app", "2")
		}
	})
}
