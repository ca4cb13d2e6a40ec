package agent_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/edge/agent"
	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/chunk/disk"
	"github.com/sitecast/sitecast/storage/content"
)

// asked answers a request for content that some program of this host makes.
func asked(h http.Handler, target string, bend func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Host, r.RemoteAddr = "127.0.0.1:8099", "127.0.0.1:40000"
	if bend != nil {
		bend(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// kinds runs a test with a plain store and an encrypted one, which hold a version.
func kinds(t *testing.T, run func(t *testing.T, dir string, store *disk.Store, s *chunktest.Sample)) {
	for name, key := range map[string][]byte{"plain": nil, "encrypted": aKey(1)} {
		t.Run(name, func(t *testing.T) {
			dir, s := t.TempDir(), chunktest.Typical(t, "v1")
			store, err := disk.OpenEncrypted(dir, key, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			s.Fill(t, store)
			run(t, dir, store, s)
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestProgramsOfThisHostGetContent(t *testing.T) {
	kinds(t, func(t *testing.T, _ string, store *disk.Store, s *chunktest.Sample) {
		h := agent.Delivered(store, nil)
		stream := s.Stream
		for _, f := range s.Body.Files {
			want := stream[:f.Size]
			stream = stream[f.Size:]
			w := asked(h, "/c/typical/v1/"+f.Path, nil)
			if f.Dir {
				if w.Code != http.StatusNotFound {
					t.Errorf("folder %s: %d, want that it is not there", f.Path, w.Code)
				}
				continue
			}
			if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), want) {
				t.Errorf("%s: %d with %d bytes, want %d", f.Path, w.Code, w.Body.Len(), len(want))
			}
			if f.Size < 100_000 {
				continue
			}
			w = asked(h, "/c/typical/v1/"+f.Path, func(r *http.Request) { r.Header.Set("Range", "bytes=72990-73020") })
			if w.Code != http.StatusPartialContent || !bytes.Equal(w.Body.Bytes(), want[72990:73021]) {
				t.Errorf("a range of %s: %d with %d bytes", f.Path, w.Code, w.Body.Len())
			}
			tag := w.Header().Get("ETag")
			if w = asked(h, "/c/typical/v1/"+f.Path, func(r *http.Request) { r.Header.Set("If-None-Match", tag) }); w.Code != http.StatusNotModified {
				t.Errorf("%s again: %d, want not modified", f.Path, w.Code)
			}
		}
		for _, target := range []string{"/c/typical/v2/b", "/c/typical/v1/c", "/c/other/v1/b", "/c/typical/v1/", "/c/typical/v1/%2e%2e%2fb"} {
			if w := asked(h, target, nil); w.Code != http.StatusNotFound {
				t.Errorf("%s: %d, want that it is not there", target, w.Code)
			}
		}
	})
}

func TestContentIsForThisHostOnly(t *testing.T) {
	store, err := disk.Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	chunktest.Typical(t, "v1").Fill(t, store)
	h := agent.Delivered(store, nil)
	for name, c := range map[string]struct {
		bend func(*http.Request)
		want int
	}{
		"by address":          {func(r *http.Request) { r.Host = "127.0.0.1" }, 200},
		"another host":        {func(r *http.Request) { r.RemoteAddr = "192.168.1.7:40000" }, 403},
		"another name":        {func(r *http.Request) { r.Host = "evil.example:8099" }, 403},
		"a page of elsewhere": {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"to write":            {func(r *http.Request) { r.Method = http.MethodPut }, 405},
	} {
		w := asked(h, "/c/typical/v1/a/one", c.bend)
		if w.Code != c.want {
			t.Errorf("%s: %d, want %d", name, w.Code, c.want)
		}
		if got := w.Header(); w.Code == 200 && (got.Get("Content-Security-Policy") != "sandbox" || !strings.Contains(got.Get("Cache-Control"), "immutable")) {
			t.Errorf("%s: headers %v, want that it acts as no page of the agent's, and is kept", name, got)
		}
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

// What does not match is not handed out, and fetched again.
func TestDamagedContentIsReported(t *testing.T) {
	kinds(t, func(t *testing.T, dir string, store *disk.Store, s *chunktest.Sample) {
		files := 0
		err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
			info, statErr := d.Info()
			if err != nil || statErr != nil || info.Size() != 20 { // a/two
				return errors.Join(err, statErr)
			}
			files++
			return errors.Join(os.Chmod(name, 0o600), os.WriteFile(name, make([]byte, 20), 0o600))
		})
		if err != nil || files != 1 {
			t.Fatalf("damaged %d files (%v)", files, err)
		}
		var lost []uint32
		h := agent.Delivered(store, func(id content.VersionID, chunk uint32) {
			if id != s.ID {
				t.Errorf("lost a chunk of %s", id)
			}
			lost = append(lost, chunk)
		})
		if w := asked(h, "/c/typical/v1/a/two", nil); w.Code == 200 && w.Body.Len() > 0 || len(lost) != 1 || lost[0] != 0 {
			t.Errorf("answered %d with %q, lost %v, want nothing, and chunk 0 lost", w.Code, w.Body, lost)
		}
	})
}
