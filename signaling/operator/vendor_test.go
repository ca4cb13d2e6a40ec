package operator_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/operator"
)

const vendorURL = "http://127.0.0.1:9000/installers/app-1.2.msi?lang=en"

// vendor hosts one file.
type vendor struct {
	handler http.HandlerFunc // before the file is served; nil: nothing is
	header  http.Header
	data    []byte
	asked   []http.Header
	sent    atomic.Int64
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.asked = append(v.asked, r.Header.Clone())
	for name := range v.header {
		w.Header().Set(name, v.header.Get(name))
	}
	if v.handler != nil {
		v.handler(w, r)
		return
	}
	http.ServeContent(counting{w, &v.sent}, r, "", time.Time{}, bytes.NewReader(v.data))
}

type counting struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c counting) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.n.Add(int64(n))
	return n, err
}

// vendorStand runs do beside a server and a vendor.
func vendorStand(t *testing.T, do func(s *stand, v *vendor, publish operator.Publish)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		v := &vendor{data: make([]byte, 3<<20), header: http.Header{"Etag": {`"v1"`}}}
		_, _ = rand.NewChaCha8([32]byte{1}).Read(v.data) // never fails
		l, err := s.net.Listen("127.0.0.1:9000")
		s.must(err)
		web := &http.Server{Handler: v}
		var wg sync.WaitGroup
		wg.Go(func() { _ = web.Serve(l) })
		do(s, v, operator.Publish{Remote: s.remote, Path: vendorURL, Name: "app", Version: "1.2", Key: filepath.Join(s.data, "publisher.key")})
		s.end()
		_ = web.Close()
		wg.Wait()
	})
}

// shown is what the server says of a version.
func (s *stand) shown(ref string) *api.VendorState {
	s.t.Helper()
	pool := x509.NewCertPool()
	ca, err := os.ReadFile(filepath.Join(s.data, "ca.pem"))
	s.must(err)
	pool.AppendCertsFromPEM(ca)
	token, err := os.ReadFile(s.remote.TokenFile)
	s.must(err)
	req, err := http.NewRequest(http.MethodGet, s.remote.Server+"/api/v1/versions/"+strings.ReplaceAll(ref, "@", "/"), nil)
	s.must(err)
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	client := http.Client{Transport: &http.Transport{DialContext: s.net.DialContext, TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	s.must(err)
	text, err := io.ReadAll(resp.Body)
	s.must(errors.Join(err, resp.Body.Close()))
	return decode[api.Published](s.t, string(text)).External
}

func TestAVendorsFileIsDownloadedOnceAndNotUploaded(t *testing.T) {
	vendorStand(t, func(s *stand, v *vendor, publish operator.Publish) {
		publish.JSON = true
		report := decode[operator.PublishReport](t, s.run(publish))
		if report.From != vendorURL || report.Bytes != 3<<20 || report.NewBytes != 0 || report.Uploaded == 0 || report.Uploaded > 64<<10 {
			t.Errorf("%+v, want that the body alone was uploaded", report)
		}
		if most := int64(len(v.data)) + 1 + 256<<10; v.sent.Load() > most {
			t.Errorf("the vendor sent %d bytes, want the file once and a chunk for the server's look", v.sent.Load())
		}
		for _, h := range v.asked {
			if h.Get("Authorization") != "" || h.Get("Idempotency-Key") != "" || h.Get("Range") == "" {
				t.Errorf("the vendor was sent %v", h)
			}
		}
		if e := s.shown("app@1.2"); e == nil || e.VendorFile != (api.VendorFile{URL: vendorURL, ETag: `"v1"`, Bytes: 3 << 20}) || e.Checked.IsZero() {
			t.Errorf("kept %+v", e)
		}
		// The same bytes under another tag are known anew, others are refused.
		v.header.Set("ETag", `"v2"`)
		if again := decode[operator.PublishReport](t, s.run(publish)); !again.Already {
			t.Errorf("published again: %+v", again)
		}
		if e := s.shown("app@1.2"); e.ETag != `"v2"` {
			t.Errorf("kept %+v, want the new tag", e)
		}
		v.data = bytes.ToUpper(v.data)
		s.fails(publish, "with other bytes")
	})
}

func TestADownloadGoesOnWhereItBrokeOff(t *testing.T) {
	vendorStand(t, func(s *stand, v *vendor, publish operator.Publish) {
		v.handler = func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.Header.Get("Range"), "bytes=0-") && len(v.asked) == 2 {
				w.Header().Set("Content-Range", "bytes 0-3145727/3145728")
				w.Header().Set("Content-Length", "3145728")
				w.WriteHeader(http.StatusPartialContent)
				_, _ = w.Write(v.data[:1<<20])
				panic(http.ErrAbortHandler)
			}
			http.ServeContent(counting{w, &v.sent}, r, "", time.Time{}, bytes.NewReader(v.data))
		}
		s.run(publish)
		if most := int64(2<<20) + 64<<10 + 256<<10; v.sent.Load() > most {
			t.Errorf("the vendor sent %d more bytes after a break, want what was left", v.sent.Load())
		}
	})
}

func TestAVendorThatCanNotServeSitesIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"no ranges": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 100)) }, "answers no ranges"},
		"not there": {http.NotFound, "404"},
		"forbidden": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, "403"},
		"a circle":  {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) }, "more than 5 redirects"},
		"to plain http": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://198.51.100.1/app.msi", http.StatusFound)
		}, "neither https nor on loopback"},
	} {
		vendorStand(t, func(s *stand, v *vendor, publish operator.Publish) {
			v.handler = c.handler
			err := publish.Run(s.t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "download it and publish the file") {
				t.Errorf("%s: %v, want %q and what to do", name, err, c.want)
			}
		})
	}
}

func TestAFileThatChangesWhileItIsDownloadedIsNotPublished(t *testing.T) {
	vendorStand(t, func(s *stand, v *vendor, publish operator.Publish) {
		v.handler = func(w http.ResponseWriter, r *http.Request) {
			if len(v.asked) > 1 {
				w.Header().Set("ETag", `"v2"`)
			}
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(v.data))
		}
		err := publish.Run(s.t.Context())
		if err == nil || !strings.Contains(err.Error(), `its ETag is "v2", and was "v1"`) {
			t.Errorf("%v, want it noticed", err)
		}
	})
}

func TestAFileIsKnownByItsTimeOrByHashesAlone(t *testing.T) {
	const modified = "Tue, 24 Nov 2026 08:00:00 GMT"
	for name, c := range map[string]struct {
		header http.Header
		want   api.VendorFile
		said   string
	}{
		"a weak tag and a time": {http.Header{"Etag": {`W/"v1"`}, "Last-Modified": {modified}}, api.VendorFile{URL: vendorURL, Modified: modified, Bytes: 3 << 20}, ""},
		"a weak tag only":       {http.Header{"Etag": {`W/"v1"`}}, api.VendorFile{URL: vendorURL, Bytes: 3 << 20}, "neither a strong ETag nor Last-Modified"},
	} {
		vendorStand(t, func(s *stand, v *vendor, publish operator.Publish) {
			v.header = c.header
			s.run(publish)
			if e := s.shown("app@1.2"); e == nil || e.VendorFile != c.want {
				t.Errorf("%s: kept %+v, want %+v", name, e, c.want)
			}
			if told := s.err.take(); (c.said != "") != strings.Contains(told, "neither a strong") {
				t.Errorf("%s: said %q, want %q", name, told, c.said)
			}
		})
	}
}

func TestWhatIsToBePublishedIsChecked(t *testing.T) {
	for at, good := range map[string]bool{
		".": true, "nowhere": false, "https://vendor.example/app.msi": true, "http://127.0.0.1/app.msi": true,
		"http://vendor.example/app.msi": false, "https://me:pw@vendor.example/app.msi": false, "https:///app.msi": false,
	} {
		if err := (operator.Publish{Path: at, Name: "app", Version: "1"}).Validate(); (err == nil) != good {
			t.Errorf("%s: %v, want good %v", at, err, good)
		}
	}
	if (operator.Publish{Path: "https://vendor.example/app.zip", Unpack: true, Name: "app", Version: "1"}).Validate() == nil {
		t.Error("a vendor's archive would be unpacked")
	}
}
