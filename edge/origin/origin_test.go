package origin_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/edge/origin"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/pack"
)

func TestMain(m *testing.M) {
	// The codec's shared channels must be made outside of any synctest bubble.
	o := newObject(2, 1000)
	for i, p := range o.parts {
		if _, err := pack.Decode(pack.Encoding(p.Encoding), o.encoded[:p.Length], uint32(len(o.plain[i])), nil); err != nil {
			panic(err)
		}
		o.encoded = o.encoded[p.Length:]
	}
	goleak.VerifyTestMain(m)
}

// object is a pack-like run of chunks, encoded as a pack would.
type object struct {
	plain   [][]byte
	encoded []byte
	parts   []wire.Part
}

func newObject(chunks, size int) object {
	var o object
	random := rand.NewChaCha8([32]byte{7})
	for i := range chunks {
		data := make([]byte, size)
		if i%2 == 0 {
			_, _ = random.Read(data) // stays plain
		}
		encoded, encoding := pack.Encode(data, nil)
		o.plain = append(o.plain, data)
		o.parts = append(o.parts, wire.Part{Chunk: uint32(i), Length: uint32(len(encoded)), Encoding: uint8(encoding)})
		o.encoded = append(o.encoded, encoded...)
	}
	return o
}

func (o object) lease() wire.Lease {
	return wire.Lease{URL: "/packs/x", From: 0, To: int64(len(o.encoded)), Parts: o.parts}
}

// serve runs handler in the bubble and returns a client for it.
func serve(t *testing.T, handler http.HandlerFunc) *origin.Client {
	return serveAt(t, nil, map[string]http.HandlerFunc{home: handler})
}

// home is the address of the Sitecast server itself.
const home = "10.0.0.1:80"

// serveAt runs handlers by their address and returns a client that tells pace of rates.
func serveAt(t *testing.T, pace func(wire.Pace) bool, handlers map[string]http.HandlerFunc) *origin.Client {
	network := memnet.New(memnet.Path{})
	var servers []*http.Server
	var wg sync.WaitGroup
	for address, handler := range handlers {
		l, err := network.Listen(address)
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: handler}
		servers = append(servers, server)
		wg.Go(func() { _ = server.Serve(l) })
	}
	var mu sync.Mutex
	var conns []net.Conn
	client := origin.New(origin.Config{Base: &url.URL{Scheme: "http", Host: home}, TLS: func(string, bool) *tls.Config { return &tls.Config{} }, Pace: pace,
		Dial: func(ctx context.Context, n, addr string) (net.Conn, error) {
			c, err := network.DialContext(ctx, n, addr)
			if err == nil {
				mu.Lock()
				conns = append(conns, c)
				mu.Unlock()
			}
			return c, err
		}})
	t.Cleanup(func() {
		for _, server := range servers {
			_ = server.Close()
		}
		for _, c := range conns {
			_ = c.Close()
		}
		wg.Wait()
	})
	return client
}

func (o object) handler(w http.ResponseWriter, r *http.Request) {
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(o.encoded))
}

func fetch(c *origin.Client, o object, lease wire.Lease) (got [][]byte, err error) {
	err = c.FetchParts(context.Background(), lease, func(i uint32) uint32 { return uint32(len(o.plain[i])) },
		func(_ wire.Part, plain []byte) error {
			got = append(got, bytes.Clone(plain))
			return nil
		})
	return got, err
}

func TestPartsArriveDecodedAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObject(10, 50_000)
		got, err := fetch(serve(t, o.handler), o, o.lease())
		if err != nil {
			t.Fatal(err)
		}
		for i := range o.plain {
			if !bytes.Equal(got[i], o.plain[i]) {
				t.Errorf("chunk %d differs", i)
			}
		}
	})
}

func TestBytesBetweenPartsArePassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObject(4, 100_000)
		lease := o.lease()
		lease.Parts = slices.Delete(slices.Clone(o.parts), 1, 3)
		lease.Parts[1].Skip = o.parts[1].Length + o.parts[2].Length
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(o.encoded))
		})
		var got []uint32
		err := c.FetchParts(t.Context(), lease, func(uint32) uint32 { return 100_000 }, func(p wire.Part, plain []byte) error {
			if !bytes.Equal(plain, o.plain[p.Chunk]) {
				t.Errorf("chunk %d came as another", p.Chunk)
			}
			got = append(got, p.Chunk)
			return nil
		})
		if err != nil || !slices.Equal(got, []uint32{0, 3}) {
			t.Errorf("got chunks %v (%v), want 0 and 3", got, err)
		}
	})
}

// TestABodyIsFetchedCompressedOrNot asks an origin that compresses, one that does
// not, and one that sends something else.
func TestABodyIsFetchedCompressedOrNot(t *testing.T) {
	body := bytes.Repeat([]byte("a path much like others/"), 10_000)
	encoded, err := pack.EncodeBody(body)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		answer []byte
		coding string
		ok     bool
	}{
		"compressed": {encoded, pack.BodyEncoding, true}, "as it is": {body, "", true},
		"cut off": {encoded[:100], pack.BodyEncoding, false}, "another coding": {encoded, "br", false}, "more than a body": {body, pack.BodyEncoding, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Range") != "" || r.Header.Get("Accept-Encoding") != pack.BodyEncoding {
					t.Errorf("asked with %v", r.Header)
				}
				if c.coding == "" {
					w.Header().Set("Content-Length", strconv.Itoa(len(c.answer)))
				} else {
					w.Header().Set("Content-Encoding", c.coding)
				}
				_, _ = w.Write(c.answer)
			})
			got, err := client.FetchBody(t.Context(), wire.Lease{URL: "/bodies/x", Body: true, To: int64(len(body))}, int64(len(body)))
			if (err == nil) != c.ok || c.ok && !bytes.Equal(got, body) {
				t.Errorf("%s: got %d bytes (%v)", name, len(got), err)
			}
		})
	}
}

func TestRateIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObject(20, 50_000)
		c := serve(t, o.handler)
		c.SetRate(100_000, 0, false)
		start := time.Now()
		if _, err := fetch(c, o, o.lease()); err != nil {
			t.Fatal(err)
		}
		want := time.Duration(float64(len(o.encoded)) / 100_000 * float64(time.Second))
		if took := time.Since(start); took < want*9/10 || took > want*11/10 {
			t.Errorf("%d bytes at 100 kB/s took %v, want about %v", len(o.encoded), took, want)
		}
	})
}

func TestLiftedRateTakesEffectAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObject(20, 50_000)
		c := serve(t, o.handler)
		c.SetRate(0, 0, false)
		time.AfterFunc(time.Minute, func() { c.SetRate(wire.Unlimited, 0, false) })
		start := time.Now()
		if _, err := fetch(c, o, o.lease()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < time.Minute || took > time.Minute+200*time.Millisecond {
			t.Errorf("took %v, want a minute and at most 200 ms", took)
		}
	})
}

func TestStalledOriginIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObject(4, 50_000)
		release := make(chan struct{})
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes 0-"+strconv.Itoa(len(o.encoded)-1)+"/*")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(o.encoded[:100])
			_ = http.NewResponseController(w).Flush()
			<-release
		})
		defer close(release)
		start := time.Now()
		_, err := fetch(c, o, o.lease())
		if !errors.Is(err, origin.ErrStalled) || time.Since(start) > origin.StallTimeout+time.Second {
			t.Errorf("err = %v after %v, want ErrStalled after %v", err, time.Since(start), origin.StallTimeout)
		}
	})
}

// Where fetches stall again and again it is the line, and what it lost is repeated
// later than anybody waits at first.
func TestOriginIsWaitedForLongerAfterEachStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObject(4, 50_000)
		release, stalls := make(chan struct{}), true
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if !stalls {
				o.handler(w, r)
				return
			}
			w.Header().Set("Content-Range", "bytes 0-"+strconv.Itoa(len(o.encoded)-1)+"/*")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(o.encoded[:100])
			_ = http.NewResponseController(w).Flush()
			<-release
		})
		defer close(release)
		wait := func(want time.Duration) {
			t.Helper()
			start := time.Now()
			_, err := fetch(c, o, o.lease())
			if took := time.Since(start); !errors.Is(err, origin.ErrStalled) || took < want || took > want+time.Second {
				t.Errorf("err = %v after %v, want ErrStalled after %v", err, took, want)
			}
		}
		for _, times := range []time.Duration{1, 2, 4, 8, 8} {
			wait(times * origin.StallTimeout)
		}
		stalls = false
		if _, err := fetch(c, o, o.lease()); err != nil {
			t.Fatal(err)
		}
		stalls = true
		wait(origin.StallTimeout)
	})
}

func TestWrongAnswersAreRefused(t *testing.T) {
	o := newObject(2, 50_000)
	for name, handler := range map[string]http.HandlerFunc{
		"Forbidden":   func(w http.ResponseWriter, r *http.Request) { http.Error(w, "expired", http.StatusForbidden) },
		"WholeObject": func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(append(o.encoded, 'x')) },
		"OtherRange": func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Range", "bytes=1-2")
			o.handler(w, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, err := fetch(serve(t, handler), o, o.lease())
				refused := new(origin.StatusError)
				if !errors.As(err, &refused) {
					t.Errorf("err = %v, want a *StatusError", err)
				}
			})
		})
	}
}

func TestBodyBeyondItsLimitIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the origin was asked") })
		if _, err := c.FetchBody(context.Background(), wire.Lease{URL: "/b", To: 100}, 99); err == nil {
			t.Error("a body over the limit was accepted")
		}
	})
}
