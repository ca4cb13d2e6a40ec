package server_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/external"
)

func TestOnlyPublicAddressesAreLookedAt(t *testing.T) {
	for text, public := range map[string]bool{
		"93.184.216.34": true, "2606:2800:220:1::1": true,
		"127.0.0.1": false, "::1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false,
		"100.64.0.1": false, "0.0.0.0": false, "224.0.0.1": false, "255.255.255.255": false, "fe80::1": false, "fd00::1": false,
		"::ffff:10.0.0.1": false, "64:ff9b::a00:1": false, "2002:a00:1::1": false, "::": false,
	} {
		if got := server.Public(netip.MustParseAddr(text)); got != public {
			t.Errorf("%s: public %v, want %v", text, got, public)
		}
	}
}

// file makes a version of one chunk, as is said to be at a URL.
func file(t *testing.T, at string, data []byte) (catalog.External, *content.Body) {
	t.Helper()
	var builder content.Builder
	builder.Add(content.Sum(data), uint32(len(data)))
	body, err := builder.Body([]content.File{{Path: "app.msi", Size: int64(len(data))}})
	if err != nil {
		t.Fatal(err)
	}
	digest := content.Sum(body.Encode())
	return catalog.External{Object: external.Object(at, digest), Body: digest, File: external.File{URL: at, ETag: `"v1"`, Bytes: int64(len(data))}}, body
}

// A real server on this host's loopback, which nobody may have looked at unless it is said
// that vendors may be there.
func TestAFileIsLookedAtAsAnEndpointWould(t *testing.T) {
	data := bytes.Repeat([]byte("installer "), 5000)
	var asked atomic.Int64
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/app.msi", http.StatusFound)
			return
		case "/other":
			w.Header().Set("ETag", `"v2"`)
		case "/spoilt":
			w.Header().Set("ETag", `"v1"`)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(bytes.ToUpper(data)))
			return
		case "/gone":
			http.NotFound(w, r)
			return
		case "/busy":
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if w.Header().Get("ETag") == "" {
			w.Header().Set("ETag", `"v1"`)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}))
	defer vendor.Close()
	const good, changed, refused, unknown = "as it was", "changed", "refused", "unknown"
	verify := func(private bool, at string) string {
		e, body := file(t, at, data)
		err := server.VerifyVendor(t.Context(), server.Config{PrivateVendors: private}, e, body)
		other, address := new(external.ChangedError), new(external.AddressError)
		switch {
		case err == nil:
			return good
		case errors.As(err, &other):
			return changed
		case errors.As(err, &address):
			return refused
		}
		return unknown
	}
	for path, want := range map[string]string{"/app.msi": good, "/moved": good, "/other": changed, "/spoilt": changed, "/gone": changed, "/busy": unknown} {
		if got := verify(true, vendor.URL+path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	asked.Store(0)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(vendor.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{vendor.URL, "http://localhost:" + port, "https://169.254.169.254", "https://[::1]:" + port, "http://198.51.100.1"} {
		if got := verify(false, at+"/app.msi"); got != refused {
			t.Errorf("%s: %s, want it refused", at, got)
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the vendor was asked %d times at an address that is not public", n)
	}
}

func TestAVendorThatDoesNotAnswerSaysNothingOfItsFile(t *testing.T) {
	e, body := file(t, "http://127.0.0.1:9/app.msi", []byte("installer"))
	refuse := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no route") }
	err := server.VerifyVendor(t.Context(), server.Config{PrivateVendors: true, Dial: refuse}, e, body)
	changed := new(external.ChangedError)
	if err == nil || errors.As(err, &changed) {
		t.Errorf("%v, want that it can't be reached", err)
	}
}
