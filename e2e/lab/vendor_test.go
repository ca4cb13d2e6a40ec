package lab_test

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/signaling/site"
)

// vendorAt is a vendor's server beyond the WAN. It is called so, as plain http is for
// loopback only.
const vendorAt = "127.0.0.1:9000"

// vendor hosts one file at /app, to which /latest leads.
type vendor struct {
	t      *testing.T
	server *http.Server
	wg     sync.WaitGroup

	// mu guards the rest.
	mu     sync.Mutex
	data   []byte
	header http.Header
	sent   map[string]int64 // by who asked
	strays []string         // headers that are none of a vendor's business
}

func newVendor(t *testing.T, wan *memnet.Network, header http.Header, data []byte) *vendor {
	v := &vendor{t: t, data: data, header: header, sent: map[string]int64{}}
	l, err := wan.Listen(vendorAt)
	if err != nil {
		t.Fatal(err)
	}
	v.server = &http.Server{Handler: v}
	v.wg.Go(func() { _ = v.server.Serve(l) })
	return v
}

func (v *vendor) close() {
	_ = v.server.Close()
	v.wg.Wait()
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	for name := range r.Header {
		if name == "Authorization" || strings.HasPrefix(name, "Sitecast") || name == "Referer" {
			v.strays = append(v.strays, name)
		}
	}
	for name := range v.header {
		w.Header().Set(name, v.header.Get(name))
	}
	data := v.data
	v.mu.Unlock()
	if r.URL.Path == "/latest" {
		http.Redirect(w, r, "/app?signed=once", http.StatusFound)
		return
	}
	http.ServeContent(noting{w, func(n int) { v.mu.Lock(); v.sent[host] += int64(n); v.mu.Unlock() }}, r, "", time.Time{}, bytes.NewReader(data))
}

type noting struct {
	http.ResponseWriter
	note func(n int)
}

func (n noting) Write(b []byte) (int, error) {
	k, err := n.ResponseWriter.Write(b)
	n.note(k)
	return k, err
}

// put changes what is there.
func (v *vendor) put(header http.Header, data []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.header, v.data = header, data
}

// toSites is what endpoints were sent.
func (v *vendor) toSites(s *lab.Site) (n int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, e := range s.Endpoints {
		n += v.sent[e.Host]
	}
	return n
}

func TestAVendorsFileIsFetchedThereOnceForASite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 4 * mib
		l := lab.New(t, lab.Plan{Sites: []int{2}, Path: wan, LAN: time.Millisecond})
		v := newVendor(t, l.WAN, http.Header{"Etag": {`"v1"`}}, lab.Bytes("app", "1", size))
		defer v.close()
		defer l.Close()
		l.PublishPath("app", "1", "http://"+vendorAt+"/latest")
		published := l.Served()
		l.Distribute("app@1")
		f := l.AwaitComplete("app", l.Sites[0], time.Minute)
		if f.BytesOrigin != size || f.BytesPeer != size || f.External == nil || f.External.URL != "http://"+vendorAt+"/latest" || f.External.Code != "" {
			t.Errorf("%d bytes from the origin, %d from peers, %+v", f.BytesOrigin, f.BytesPeer, f.External)
		}
		if n := v.toSites(l.Sites[0]); n < size || n > size*101/100 {
			t.Errorf("the vendor sent the site %d bytes, want %d", n, size)
		}
		if n := l.Served() - published; n > 64<<10 {
			t.Errorf("the server sent %d bytes of objects, want a body at most", n)
		}
		if len(v.strays) > 0 {
			t.Errorf("the vendor was sent %v", v.strays)
		}
		for _, e := range l.Sites[0].Endpoints {
			got, err := os.ReadFile(filepath.Join(e.Data, "content", "app", "1", "latest"))
			if err != nil || !bytes.Equal(got, lab.Bytes("app", "1", size)) {
				t.Errorf("%s has %d bytes that are not the vendor's (%v)", e.Name, len(got), err)
			}
		}
		// The next release there shares most of its bytes, and nobody waits for patches.
		next := lab.Bytes("app", "1", size)
		copy(next[3*mib:], lab.Bytes("app", "2", mib))
		v.put(http.Header{"Etag": {`"v2"`}}, next)
		l.PublishPath("app", "2", "http://"+vendorAt+"/latest")
		l.Distribute("app@2")
		f = until(t, l, "app", l.Sites[0], func(f site.FlowView) bool { return f.Version == "2" && f.Complete == 2 })
		if f.BytesReused < 5*mib || f.BytesOrigin > 2*mib || f.Seconds > 20 {
			t.Errorf("%d bytes were reused and %d fetched in %.1f s, want the new MiB alone", f.BytesReused, f.BytesOrigin, f.Seconds)
		}
	})
}

// The vendor puts another file of the same length there in the middle of a delivery, and
// later the one that was published again.
func TestAVendorsFileThatChangesIsNotDelivered(t *testing.T) {
	const size = 24 * mib
	monday, tuesday := "Mon, 23 Nov 2026 08:00:00 GMT", "Tue, 24 Nov 2026 08:00:00 GMT"
	for name, c := range map[string]struct{ before, after http.Header }{
		"tags":    {http.Header{"Etag": {`"v1"`}}, http.Header{"Etag": {`"v2"`}}},
		"times":   {http.Header{"Last-Modified": {monday}}, http.Header{"Last-Modified": {tuesday}}},
		"neither": {http.Header{}, http.Header{}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := lab.New(t, lab.Plan{Sites: []int{2}, Path: memnet.Path{Delay: 20 * time.Millisecond, BytesPerSecond: mib}, LAN: time.Millisecond})
				v := newVendor(t, l.WAN, c.before, lab.Bytes("app", "1", size))
				defer v.close()
				defer l.Close()
				l.PublishPath("app", "1", "http://"+vendorAt+"/app")
				l.Distribute("app@1")
				until(t, l, "app", l.Sites[0], func(f site.FlowView) bool { return f.BytesOrigin > 2*mib })
				v.put(c.after, lab.Bytes("app", "another", size))
				f := until(t, l, "app", l.Sites[0], func(f site.FlowView) bool { return f.State == site.StateFailed })
				if f.External.Code != "external_changed" || !strings.Contains(f.Reason, "publish it again") {
					t.Errorf("%s with %q, %+v", f.State, f.Reason, f.External)
				}
				sent := v.toSites(l.Sites[0])
				time.Sleep(10 * time.Minute)
				if now := v.toSites(l.Sites[0]); now != sent {
					t.Errorf("the vendor was asked for %d more bytes of a file that changed", now-sent)
				}
				for _, e := range l.Sites[0].Endpoints {
					if delivered(e, "app", "1") {
						t.Errorf("%s was delivered something", e.Name)
					}
				}
				v.put(c.before, lab.Bytes("app", "1", size))
				time.Sleep(16 * time.Minute) // until the server has looked again
				f = l.AwaitComplete("app", l.Sites[0], time.Minute)
				for _, e := range l.Sites[0].Endpoints {
					e.WantDelivered("app", "1", size)
				}
				if most := f.WANBytes; most > size*5/4 {
					t.Errorf("%d bytes crossed the WAN for %d", most, size)
				}
			})
		})
	}
}
