package origin_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/origin"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/external"
)

// The vendor's address, and where it redirects to.
const (
	vendorAt = "198.51.100.7:80"
	cdnAt    = "198.51.100.8:80"
)

// atVendor is a lease of plain chunks 1 and 2 of three, in a file with an ETag.
func atVendor(o object) wire.Lease {
	n := int64(len(o.plain[0]))
	l := wire.Lease{URL: "http://" + vendorAt + "/app.msi", From: n, To: 3 * n, External: &wire.External{ETag: `"v1"`, Bytes: 3 * n}}
	for i := uint32(1); i < 3; i++ {
		l.Parts = append(l.Parts, wire.Part{Chunk: i, Length: uint32(n)})
	}
	return l
}

func TestAVendorsFileIsFetchedByItsURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObject(3, 50_000)
		file := bytes.Join(o.plain, nil)
		var asked http.Header
		client := serveAt(t, func(wire.Pace) bool { return true }, map[string]http.HandlerFunc{
			home: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) },
			vendorAt: func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://"+cdnAt+"/signed?once=1", http.StatusFound)
			},
			cdnAt: func(w http.ResponseWriter, r *http.Request) {
				asked = r.Header
				w.Header().Set("ETag", `"v1"`)
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
			}})
		got, err := fetch(client, o, atVendor(o))
		if err != nil || len(got) != 2 || !bytes.Equal(got[0], o.plain[1]) || !bytes.Equal(got[1], o.plain[2]) {
			t.Fatalf("%d chunks (%v)", len(got), err)
		}
		for name, want := range map[string]string{"Range": "bytes=50000-149999", "If-Range": `"v1"`, "Accept-Encoding": "identity", "User-Agent": "sitecast"} {
			if asked.Get(name) != want {
				t.Errorf("asked with %s %q, want %q", name, asked.Get(name), want)
			}
		}
		if len(asked) != 4 {
			t.Errorf("the vendor was told more than it needs: %v", asked)
		}
	})
}

// A publisher may name an address of the server itself as a vendor's.
func TestTheKeyToAnAnswersRateIsNotForVendors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObject(3, 50_000)
		var asked http.Header
		client := serveAt(t, func(wire.Pace) bool { return true }, map[string]http.HandlerFunc{
			home: func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://"+cdnAt+"/app.msi", http.StatusFound)
			},
			cdnAt: func(_ http.ResponseWriter, r *http.Request) { asked = r.Header }})
		l := atVendor(o)
		l.URL = "http://" + home + "/app.msi"
		_, _ = fetch(client, o, l)
		if asked == nil || asked.Get(wire.PaceHeader) != "" {
			t.Errorf("asked with %v", asked)
		}
	})
}

func TestAnotherFileAtTheVendorEndsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObject(3, 50_000)
		for name, c := range map[string]struct {
			handler http.HandlerFunc
			changed bool
		}{
			"another tag": {func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"v2"`)
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(bytes.Join(o.plain, nil)))
			}, true},
			"not there":   {http.NotFound, true},
			"in trouble":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, false},
			"in a circle": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, false},
		} {
			got, err := fetch(serveAt(t, nil, map[string]http.HandlerFunc{vendorAt: c.handler}), o, atVendor(o))
			changed := new(external.ChangedError)
			if err == nil || errors.As(err, &changed) != c.changed || len(got) != 0 {
				t.Errorf("%s: %v after %d chunks, want changed %v", name, err, len(got), c.changed)
			}
		}
	})
}

func TestAVendorsFileDoesNotComeOverPlainHTTP(t *testing.T) {
	o := newObject(3, 50_000)
	secure := origin.New(origin.Config{Base: &url.URL{Scheme: "https", Host: "sitecast.example"}, TLS: func(string, bool) *tls.Config { return &tls.Config{} },
		Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("dialled") }})
	if _, err := fetch(secure, o, atVendor(o)); err == nil || !strings.Contains(err.Error(), "neither https nor on loopback") {
		t.Errorf("%v, want the address refused", err)
	}
}
