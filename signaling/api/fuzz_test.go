package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzDownload holds that no request for an object is the server's fault, and that
// nobody gets one whose address was not signed.
func FuzzDownload(f *testing.F) {
	s := newStand(f)
	object := []byte("an object that nobody may have unasked")
	signed, err := url.Parse(s.keys.SignURL(s.stored(object), time.Now().Add(100*time.Hour)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed.Path, "exp=1&sig=2", "")
	f.Add(signed.Path, signed.RawQuery, "bytes=0-3")
	f.Add(signed.Path, signed.RawQuery, "bytes=5-2,-1,99999999999999999999-")
	f.Add("/packs/../bodies/x", signed.RawQuery, "bytes=-0")
	f.Fuzz(func(t *testing.T, path, query, ranges string) {
		s.t = t
		r := s.request("", http.MethodGet, "/", nil)
		r.URL = &url.URL{Path: path, RawQuery: query}
		r.Header.Set("Range", ranges)
		w := s.do(r)
		if w.Code >= 500 {
			t.Errorf("%q?%q %q answered %d %s (log: %s)", path, query, ranges, w.Code, w.Body, s.logged())
		}
		values := r.URL.Query()
		mine := path == signed.Path && values.Get("exp") == signed.Query().Get("exp") && values.Get("sig") == signed.Query().Get("sig")
		if !mine && w.Code < 300 && (strings.HasPrefix(path, "/packs/") || strings.HasPrefix(path, "/bodies/") || strings.HasPrefix(path, "/patches/")) {
			t.Errorf("%q?%q answered %d", path, query, w.Code)
		}
	})
}
