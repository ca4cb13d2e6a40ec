package serve_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/kiosk/serve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// version puts a version on the disk: paths and what is in them.
func version(t testing.TB, name string, files map[string]string) serve.Version {
	t.Helper()
	root := filepath.Join(t.TempDir(), name)
	for path, text := range files {
		at := filepath.Join(root, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	return serve.Version{Name: "menu", Version: name, Root: root}
}

func handler(source serve.Source) http.Handler {
	return serve.Handler(serve.Options{Source: source, Log: slog.New(slog.DiscardHandler)})
}

func showing(v serve.Version) http.Handler {
	slot := &serve.Slot{}
	slot.Show(v)
	return handler(slot)
}

// request is one of the browser of this host.
func request(target string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL.Path, r.URL.RawQuery, _ = strings.Cut(target, "?")
	r.Host, r.RemoteAddr = "127.0.0.1:8088", "127.0.0.1:40000"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func ask(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// visit goes to a page, fetch takes what a page is made of.
func visit(h http.Handler, target string) *httptest.ResponseRecorder {
	return ask(h, request(target, "Accept", "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode", "navigate"))
}

func fetch(h http.Handler, target string) *httptest.ResponseRecorder {
	return ask(h, request(target, "Accept", "*/*", "Sec-Fetch-Mode", "no-cors"))
}

var menu = map[string]string{
	"index.html": "first page", "app.js": "run()", "data/prices.json": "{}", "help/index.html": "help", "a b/ü.txt": "text",
}

func TestAVersionIsServedWithPagesAndWhatTheyAreMadeOf(t *testing.T) {
	h := showing(version(t, "1", menu))
	for target, want := range map[string]struct {
		code     int
		body     string
		kind, to string
	}{
		"/":                 {200, "first page", "text/html; charset=utf-8", ""},
		"/index.html":       {200, "first page", "text/html; charset=utf-8", ""},
		"/app.js":           {200, "run()", "text/javascript; charset=utf-8", ""},
		"/data/prices.json": {200, "{}", "application/json", ""},
		"/a b/ü.txt":        {200, "text", "text/plain; charset=utf-8", ""},
		"/help/":            {200, "help", "text/html; charset=utf-8", ""},
		"/help":             {302, "", "", "./help/"},
		"/help?table=3":     {302, "", "", "./help/?table=3"},
		"/data/":            {404, "menu@1 has no such file\n", "text/plain; charset=utf-8", ""},
		"/data":             {404, "menu@1 has no such file\n", "text/plain; charset=utf-8", ""},
		"/none.js":          {404, "menu@1 has no such file\n", "text/plain; charset=utf-8", ""},
		"/app.js/":          {404, "menu@1 has no such file\n", "text/plain; charset=utf-8", ""},
		"/_kiosk/":          {404, "404 page not found\n", "text/plain; charset=utf-8", ""},
		"/_kiosk/status":    {404, "404 page not found\n", "text/plain; charset=utf-8", ""},
	} {
		w := fetch(h, target)
		if w.Code != want.code || w.Body.String() != want.body || w.Header().Get("Content-Type") != want.kind || w.Header().Get("Location") != want.to {
			t.Errorf("%s: %d %q as %q to %q, want %+v", target, w.Code, w.Body, w.Header().Get("Content-Type"), w.Header().Get("Location"), want)
		}
		if w.Code == 200 && (w.Header().Get("Cache-Control") != "no-cache" || w.Header().Get("X-Content-Type-Options") != "nosniff" || len(w.Header().Get("ETag")) < 20) {
			t.Errorf("%s: headers %v", target, w.Header())
		}
	}
}

func TestWhoVisitsAPathOfTheProgramGetsItsFirstPage(t *testing.T) {
	h := showing(version(t, "1", menu))
	for target, want := range map[string]string{
		"/orders/17": "first page", "/orders/a:b": "first page", "/data/": "first page", "/help/": "help", "/app.js": "run()",
	} {
		if w := visit(h, target); w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: %d %q, want %q", target, w.Code, w.Body, want)
		}
	}
	old := ask(h, request("/orders/17", "Accept", "text/html")) // a browser that does not say what it fetches for
	if old.Code != 200 || old.Body.String() != "first page" {
		t.Errorf("an older browser got %d %q", old.Code, old.Body)
	}
	if w := visit(showing(version(t, "2", map[string]string{"a.js": "", "b.js": ""})), "/orders/17"); w.Code != 404 {
		t.Errorf("without a first page: %d, want that it is not there", w.Code)
	}
}

func TestAnOnlyFileIsTheFirstPage(t *testing.T) {
	v := version(t, "1", map[string]string{"advert.mp4": "film"})
	for name, root := range map[string]string{"in its folder": v.Root, "by itself": filepath.Join(v.Root, "advert.mp4")} {
		h := showing(serve.Version{Name: "menu", Version: "1", Root: root})
		for _, target := range []string{"/", "/advert.mp4"} {
			if w := fetch(h, target); w.Code != 200 || w.Body.String() != "film" || w.Header().Get("Content-Type") != "video/mp4" {
				t.Errorf("%s, %s: %d %q as %s", name, target, w.Code, w.Body, w.Header().Get("Content-Type"))
			}
		}
	}
	beside := version(t, "2", map[string]string{"advert.mp4": "film", "secret": "of somebody else"})
	alone := showing(serve.Version{Name: "menu", Version: "2", Root: filepath.Join(beside.Root, "advert.mp4")})
	if w := fetch(alone, "/secret"); w.Code != 404 {
		t.Errorf("what lies beside the file: %d %q", w.Code, w.Body)
	}
}

func TestNothingOutsideOfTheVersionIsServed(t *testing.T) {
	v := version(t, "1", menu)
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(v.Root, outside)
	if err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"away": outside, "up": relative, "folder": filepath.Dir(outside), "inside": "app.js"} {
		if err := os.Symlink(to, filepath.Join(v.Root, name)); err != nil {
			t.Skip("no links here: ", err)
		}
	}
	h := showing(v)
	for _, target := range []string{"/away", "/up", "/folder/secret", "/../1/app.js", "/a/../app.js", "/%2e%2e/secret", "//etc/passwd", "/./app.js", `/..\secret`, "/app.js\x00", "/C:/x"} {
		if w := fetch(h, target); w.Code == 200 || strings.Contains(w.Body.String(), "secret\n") {
			t.Errorf("%q: %d %q", target, w.Code, w.Body)
		}
	}
	if w := fetch(h, "/inside"); w.Code != 200 || w.Body.String() != "run()" {
		t.Errorf("a link that stays inside: %d %q", w.Code, w.Body)
	}
}

func TestOtherNamesOfThisHostOpenNothing(t *testing.T) {
	slot := &serve.Slot{}
	slot.Show(version(t, "1", menu))
	h := serve.Handler(serve.Options{Source: slot, Hosts: []string{"till.test"}, Log: slog.New(slog.DiscardHandler)})
	for host, want := range map[string]int{"127.0.0.1:8088": 200, "till.test:8088": 200, "evil.example:8088": 403} {
		for _, target := range []string{"/", "/_kiosk/preparing/style.css"} {
			r := request(target)
			r.Host = host
			if w := ask(h, r); w.Code != want {
				t.Errorf("%s at %s: %d, want %d", target, host, w.Code, want)
			}
		}
	}
}

// slow is a reader's end that flips the version after the first piece.
type slow struct {
	*httptest.ResponseRecorder
	flip func()
}

func (s *slow) Write(b []byte) (int, error) {
	if s.flip != nil {
		s.flip()
		s.flip = nil
	}
	return s.ResponseRecorder.Write(b)
}

func TestAFlipIsSeenAtOnceAndSpoilsNoFileThatIsBeingRead(t *testing.T) {
	const size = 1 << 20
	old := version(t, "1", map[string]string{"index.html": "old page", "film.mp4": strings.Repeat("o", size)})
	fresh := version(t, "2", map[string]string{"index.html": "new page", "film.mp4": strings.Repeat("n", size)})
	slot := &serve.Slot{}
	slot.Show(old)
	h := handler(slot)
	before := fetch(h, "/")

	w := &slow{httptest.NewRecorder(), func() {
		slot.Show(fresh)
		if err := os.RemoveAll(old.Root); err != nil { // nobody keeps it
			t.Error(err)
		}
	}}
	h.ServeHTTP(w, request("/film.mp4"))
	if got := w.Body.String(); got != strings.Repeat("o", size) {
		t.Errorf("read %d bytes, of them %d of the old film, want all", len(got), strings.Count(got, "o"))
	}
	again := ask(h, request("/", "If-None-Match", before.Header().Get("ETag")))
	if again.Code != 200 || again.Body.String() != "new page" {
		t.Errorf("after the flip: %d %q, want the new page", again.Code, again.Body)
	}
	rest := ask(h, request("/film.mp4", "Range", "bytes=9-", "If-Range", w.Header().Get("ETag")))
	if rest.Code != 200 || rest.Body.String() != strings.Repeat("n", size) {
		t.Errorf("the rest of the old film after the flip: %d, %d bytes, want the whole new one", rest.Code, rest.Body.Len())
	}
}

func TestAVersionThatIsGoneIsAFault(t *testing.T) {
	h := showing(serve.Version{Name: "menu", Version: "1", Root: filepath.Join(t.TempDir(), "gone")})
	if w := visit(h, "/"); w.Code != http.StatusInternalServerError {
		t.Errorf("%d %q, want a fault", w.Code, w.Body)
	}
}

func TestAScreenWithoutAVersionSaysThatItIsPrepared(t *testing.T) {
	slot := &serve.Slot{}
	h := handler(slot)
	for _, target := range []string{"/", "/orders/17"} {
		w := visit(h, target)
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "being prepared") || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %q", target, w.Code, w.Body)
		}
		if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", target, policy)
		}
	}
	if w := fetch(h, "/app.js"); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "<") {
		t.Errorf("what a page is made of: %d %q", w.Code, w.Body)
	}
	for name, kind := range map[string]string{"style.css": "text/css; charset=utf-8", "script.js": "text/javascript; charset=utf-8"} {
		w := fetch(h, "/_kiosk/preparing/"+name)
		if w.Code != 200 || w.Header().Get("Content-Type") != kind || strings.Contains(w.Body.String(), "://") {
			t.Errorf("%s: %d as %s, or it names something elsewhere", name, w.Code, w.Header().Get("Content-Type"))
		}
	}
	if w := fetch(h, "/_kiosk/preparing/none"); w.Code != 404 {
		t.Errorf("what is not of it: %d", w.Code)
	}
}

func TestNothingButReadingIsPossible(t *testing.T) {
	h := showing(version(t, "1", menu))
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} {
		for _, target := range []string{"/", "/_kiosk/status", "/_kiosk/events"} {
			r := request(target)
			r.Method, r.Body = method, io.NopCloser(strings.NewReader("x"))
			if w := ask(h, r); w.Code != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d", method, target, w.Code)
			}
		}
	}
}
