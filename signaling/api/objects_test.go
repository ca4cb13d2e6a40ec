package api_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

// stored puts an object into the store and returns its path among packs.
func (s *stand) stored(object []byte) string {
	s.t.Helper()
	s.upload(object)
	return "/packs/" + content.Sum(object).String()
}

func (s *stand) get(address string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, address, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return s.do(r)
}

func TestASignedAddressBringsTheObjectOrARangeOfIt(t *testing.T) {
	s := newStand(t)
	object := bytes.Repeat([]byte("0123456789"), 1000)
	path := s.stored(object)
	address := s.keys.SignURL(path, time.Now().Add(time.Minute))
	w := s.get(address)
	if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), object) {
		t.Errorf("answered %d with %d bytes, want the object", w.Code, w.Body.Len())
	}
	if s.served != len(object) {
		t.Errorf("counted %d bytes served, want %d", s.served, len(object))
	}
	for _, c := range []struct {
		header     string
		status     int
		from, to   int
		wantRanges string
	}{
		{"bytes=0-0", http.StatusPartialContent, 0, 1, "bytes 0-0/10000"},
		{"bytes=4095-8191", http.StatusPartialContent, 4095, 8192, "bytes 4095-8191/10000"},
		{"bytes=9990-", http.StatusPartialContent, 9990, 10000, "bytes 9990-9999/10000"},
		{"bytes=-5", http.StatusPartialContent, 9995, 10000, "bytes 9995-9999/10000"},
		{"bytes=9000-99999", http.StatusPartialContent, 9000, 10000, "bytes 9000-9999/10000"},
	} {
		before := s.served
		w := s.get(address, "Range", c.header)
		if w.Code != c.status || !bytes.Equal(w.Body.Bytes(), object[c.from:c.to]) || w.Header().Get("Content-Range") != c.wantRanges {
			t.Errorf("%s answered %d %q with %d bytes", c.header, w.Code, w.Header().Get("Content-Range"), w.Body.Len())
		}
		if got := s.served - before; got != c.to-c.from {
			t.Errorf("%s counted %d bytes served, want %d", c.header, got, c.to-c.from)
		}
	}
	if w := s.get(address, "Range", "bytes=10000-"); w.Code != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("a range beyond the end answered %d", w.Code)
	}
	if w := s.get(address, "Range", "bytes=0-9", "If-Range", `"another"`); w.Code != http.StatusOK || w.Body.Len() != len(object) {
		t.Errorf("a range of another object answered %d with %d bytes, want all of this one", w.Code, w.Body.Len())
	}
}

func TestABodyIsServedCompressedToWhoAsks(t *testing.T) {
	s := newStand(t)
	body := bytes.Repeat([]byte("a path much like others/"), 10_000)
	s.upload(body)
	sign := func(kind string) string {
		return s.keys.SignURL("/"+kind+"/"+content.Sum(body).String(), time.Now().Add(time.Minute))
	}
	w := s.get(sign("bodies"), "Accept-Encoding", pack.BodyEncoding)
	got, err := pack.DecodeBody(w.Body.Bytes(), int64(len(body)))
	if w.Header().Get("Content-Encoding") != pack.BodyEncoding || w.Header().Get("Vary") != "Accept-Encoding" || err != nil || !bytes.Equal(got, body) {
		t.Errorf("answered %v with %d bytes (%v), want the body compressed", w.Header(), w.Body.Len(), err)
	}
	for _, w := range []*httptest.ResponseRecorder{s.get(sign("bodies")), s.get(sign("bodies"), "Accept-Encoding", "identity"),
		s.get(sign("packs"), "Accept-Encoding", pack.BodyEncoding)} {
		if w.Header().Get("Content-Encoding") != "" || !bytes.Equal(w.Body.Bytes(), body) {
			t.Errorf("answered %v with %d bytes, want the object as it is", w.Header(), w.Body.Len())
		}
	}
}

// TestABodyThatDoesNotShrinkIsServedAsItIs: of a few chunks it is mostly digests, and
// who fetches it takes no more bytes than it has.
func TestABodyThatDoesNotShrinkIsServedAsItIs(t *testing.T) {
	s := newStand(t)
	digest := content.Sum([]byte("noise"))
	s.upload(digest[:])
	w := s.get(s.keys.SignURL("/bodies/"+content.Sum(digest[:]).String(), time.Now().Add(time.Minute)), "Accept-Encoding", pack.BodyEncoding)
	if w.Header().Get("Content-Encoding") != "" || !bytes.Equal(w.Body.Bytes(), digest[:]) {
		t.Errorf("answered %v with %d bytes, want the %d there are", w.Header(), w.Body.Len(), len(digest))
	}
}

func TestAddressesThatAreNotSignedAreRefused(t *testing.T) {
	s := newStand(t)
	path := s.stored([]byte("one"))
	other := s.stored([]byte("two"))
	good, err := url.Parse(s.keys.SignURL(path, time.Now().Add(time.Minute)))
	if err != nil {
		t.Fatal(err)
	}
	stranger, _, err := credential.OpenKeys(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	later := good.Query()
	later.Set("exp", "9999999999")
	for name, address := range map[string]string{
		"without a signature":      path,
		"of another object":        other + "?" + good.RawQuery,
		"of another kind":          strings.Replace(good.String(), "/packs/", "/bodies/", 1),
		"with a later end":         path + "?" + later.Encode(),
		"with a damaged signature": strings.Replace(good.String(), "sig=", "sig=0", 1),
		"of another server":        stranger.SignURL(path, time.Now().Add(time.Minute)),
		"in upper case":            strings.ToUpper(path) + "?" + good.RawQuery,
	} {
		w := s.get(address)
		if name == "in upper case" { // which is no route
			wantProblem(t, w, http.StatusNotFound, "not_found")
			continue
		}
		wantProblem(t, w, http.StatusForbidden, "not_signed")
		if s.served != 0 {
			t.Fatalf("an address %s brought %d bytes", name, s.served)
		}
	}
	absent := "/packs/" + content.Sum([]byte("three")).String()
	wantProblem(t, s.get(s.keys.SignURL(absent, time.Now().Add(time.Minute))), http.StatusNotFound, "not_found")
	wantProblem(t, s.get(s.keys.SignURL("/packs/abc", time.Now().Add(time.Minute))), http.StatusUnprocessableEntity, "invalid")
}

// TestAnAddressOfAPartBringsNothingElse: beside it may lie what its holder may not know.
func TestAnAddressOfAPartBringsNothingElse(t *testing.T) {
	s := newStand(t)
	path := s.stored([]byte("0123456789"))
	address := s.keys.SignRange(path, 3, 7, time.Now().Add(time.Minute))
	for asked, want := range map[string]string{"bytes=3-6": "3456", "bytes=4-5": "45", "bytes=3-3": "3"} {
		if w := s.get(address, "Range", asked, "If-Range", `"another"`); w.Code != http.StatusPartialContent || w.Body.String() != want {
			t.Errorf("%s answered %d %q, want %q", asked, w.Code, w.Body, want)
		}
	}
	served := s.served
	for _, asked := range []string{"", "bytes=2-5", "bytes=3-7", "bytes=0-9", "bytes=3-", "bytes=-4", "bytes=5-4", "bytes=3-4,5-6", "bytes=3-4, 0-1", "bytes= 3-4",
		"bytes=+3-4", "items=3-4", "3-4", "bytes=3-99999999999999999999"} {
		wantProblem(t, s.get(address, "Range", asked), http.StatusForbidden, "not_signed")
	}
	for _, spoilt := range []string{strings.Replace(address, "part=3-7", "part=0-10", 1), strings.Replace(address, "&part=3-7", "", 1), address + "&part=0-10",
		strings.Replace(address, "part=3-7", "part=0-10&part=3-7", 1)} {
		w := s.get(spoilt, "Range", "bytes=0-1")
		wantProblem(t, w, http.StatusForbidden, "not_signed")
	}
	whole, err := url.Parse(s.keys.SignURL(path, time.Now().Add(time.Minute)))
	s.must(err)
	q := whole.Query()
	q.Set("part", "3-7")
	wantProblem(t, s.get(path+"?"+q.Encode(), "Range", "bytes=3-4"), http.StatusForbidden, "not_signed")
	if s.served != served {
		t.Errorf("%d bytes were served to who was refused", s.served-served)
	}
}

func TestASignedAddressExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		address := s.keys.SignURL(s.stored([]byte("one")), time.Now().Add(time.Minute))
		time.Sleep(time.Minute)
		if w := s.get(address); w.Code != http.StatusOK {
			t.Errorf("at its end the address answered %d", w.Code)
		}
		time.Sleep(time.Second)
		wantProblem(t, s.get(address), http.StatusForbidden, "not_signed")
	})
}
