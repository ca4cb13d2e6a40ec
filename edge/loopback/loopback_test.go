package loopback_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/edge/loopback"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// asked answers a request that a program of this host makes, once it is bent.
func asked(h http.Handler, bend func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/a", nil)
	r.Host, r.RemoteAddr = "127.0.0.1:8088", "127.0.0.1:40000"
	bend(r)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestOnlyThisHostComesIn(t *testing.T) {
	door := loopback.Door{Hosts: []string{"till.localhost"}, Origins: []string{"https://till.example"}}
	h := door.Guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	header := func(pairs ...string) func(*http.Request) {
		return func(r *http.Request) {
			for i := 0; i < len(pairs); i += 2 {
				r.Header.Set(pairs[i], pairs[i+1])
			}
		}
	}
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	method := func(name string) func(*http.Request) { return func(r *http.Request) { r.Method = name } }
	for name, c := range map[string]struct {
		bend func(*http.Request)
		want int
	}{
		"by address":                         {host("127.0.0.1:8088"), 200},
		"by another address of loopback":     {host("127.1.2.3"), 200},
		"by address, IPv6":                   {func(r *http.Request) { r.Host, r.RemoteAddr = "[::1]", "[::1]:40000" }, 200},
		"by name":                            {host("localhost:8088"), 200},
		"by a name that is listed":           {host("Till.localhost:8088"), 200},
		"by a name that is not":              {host("evil.example:8088"), 403},
		"by one that ends like this host's":  {host("evil.localhost"), 403},
		"by one that begins like an address": {host("127.0.0.1.evil.example"), 403},
		"by an address of the network":       {host("192.168.1.4:8088"), 403},
		"by no name":                         {host(""), 403},
		"from another host":                  {func(r *http.Request) { r.RemoteAddr = "192.168.1.7:40000" }, 403},
		"to look only":                       {method(http.MethodHead), 200},
		"to write":                           {method(http.MethodPut), 405},
		"to ask what is allowed":             {method(http.MethodOptions), 405},
		"a page of this host":                {header("Sec-Fetch-Site", "same-site"), 200},
		"a page of elsewhere":                {header("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "script"), 403},
		"a frame in a page of elsewhere":     {header("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"), 403},
		"a person who follows a link":        {header("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"), 200},
		"a page of a listed origin":          {header("Sec-Fetch-Site", "cross-site", "Origin", "https://till.example"), 200},
		"a page of one that is not":          {header("Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"), 403},
	} {
		if w := asked(h, c.bend); w.Code != c.want {
			t.Errorf("%s: %d, want %d", name, w.Code, c.want)
		}
	}
}

func TestListedOriginsMayReadTheAnswerAndOthersAreToldNothing(t *testing.T) {
	door := loopback.Door{Origins: []string{"https://till.example"}}
	h := door.Guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	before := asked(h, func(r *http.Request) {
		r.Method = http.MethodOptions
		r.Header.Set("Origin", "https://till.example")
		r.Header.Set("Access-Control-Request-Headers", "range")
	})
	if got := before.Header(); before.Code != http.StatusNoContent || got.Get("Access-Control-Allow-Origin") != "https://till.example" ||
		got.Get("Access-Control-Allow-Headers") == "" || got.Get("Vary") != "Origin" {
		t.Errorf("asked beforehand: %d, %v", before.Code, got)
	}
	for _, origin := range []string{"", "null", "https://evil.example", "http://till.example", "https://till.example.evil.example"} {
		w := asked(h, func(r *http.Request) { r.Header.Set("Origin", origin) })
		if got := w.Header(); got.Get("Access-Control-Allow-Origin") != "" || got.Get("Cross-Origin-Resource-Policy") != "same-site" || got.Get("Vary") != "Origin" {
			t.Errorf("%q: %v", origin, got)
		}
	}
}

func TestOriginsAreCheckedBeforeTheyAreListed(t *testing.T) {
	for text, good := range map[string]bool{
		"https://till.example": true, "http://localhost:3000": true, "https://[fd00::1]:8443": true,
		"": false, "*": false, "null": false, "till.example": false, "https://": false, "https://till.example/": false,
		"https://*.example": false, "file:///": false, "https://Till.example": false, "https://user@till.example": false,
	} {
		if err := loopback.CheckOrigin(text); (err == nil) != good || err != nil && !errors.Is(err, loopback.ErrOrigin) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTypesAreThoseOfTheWebWhateverTheSystemHas(t *testing.T) {
	for name, want := range map[string]string{
		"a/b.js": "text/javascript; charset=utf-8", "a.mjs": "text/javascript; charset=utf-8", "A.HTML": "text/html; charset=utf-8",
		"x.wasm": "application/wasm", "app.webmanifest": "application/manifest+json", "f.woff2": "font/woff2", "pool/a_1_all.deb": "application/vnd.debian.binary-package",
		"README": "application/octet-stream", "x.unknown": "application/octet-stream", "js": "application/octet-stream",
	} {
		if got := loopback.TypeOf(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestAFileIsAnsweredByRangesUnderItsTag(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		loopback.Answer(w, r, loopback.File{Name: "a.txt", Tag: "t1", Bytes: bytes.NewReader([]byte("0123456789"))})
	})
	for name, c := range map[string]struct {
		pairs [2]string
		code  int
		body  string
	}{
		"the whole":               {[2]string{"Accept", "*/*"}, 200, "0123456789"},
		"a range":                 {[2]string{"Range", "bytes=2-4"}, 206, "234"},
		"the end":                 {[2]string{"Range", "bytes=-3"}, 206, "789"},
		"beyond":                  {[2]string{"Range", "bytes=20-"}, 416, "invalid range: failed to overlap\n"},
		"what is known already":   {[2]string{"If-None-Match", `"t1"`}, 304, ""},
		"what was something else": {[2]string{"If-None-Match", `"t0"`}, 200, "0123456789"},
	} {
		w := asked(h, func(r *http.Request) { r.Header.Set(c.pairs[0], c.pairs[1]) })
		if w.Code != c.code || w.Body.String() != c.body {
			t.Errorf("%s: %d %q, want %d %q", name, w.Code, w.Body, c.code, c.body)
		}
		if w.Code < 300 && (w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Content-Type") != "text/plain; charset=utf-8") {
			t.Errorf("%s: %v", name, w.Header())
		}
	}
	changed := asked(h, func(r *http.Request) {
		r.Header.Set("Range", "bytes=2-4")
		r.Header.Set("If-Range", `"t0"`)
	})
	if changed.Code != 200 || changed.Body.Len() != 10 {
		t.Errorf("the rest of another file: %d with %d bytes, want the whole", changed.Code, changed.Body.Len())
	}
}

func TestWhoListensAnywhereIsReachedHere(t *testing.T) {
	for listens, want := range map[string]string{
		"127.0.0.1:80": "127.0.0.1:80", ":80": "127.0.0.1:80", "0.0.0.0:80": "127.0.0.1:80", "[::]:80": "[::1]:80",
		"192.0.2.1:80": "192.0.2.1:80", "localhost:80": "localhost:80", "nonsense": "nonsense",
	} {
		if got := loopback.Reach(listens); got != want {
			t.Errorf("%s is reached at %s, want %s", listens, got, want)
		}
	}
}
