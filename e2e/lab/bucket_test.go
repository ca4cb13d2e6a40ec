package lab_test

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/storage/blob/s3"
)

// bucketAt is where the bucket's service is on the WAN.
const bucketAt = "198.51.100.30:9000"

// bucket is a bucket on the WAN. It verifies no addresses.
type bucket struct {
	t      *testing.T
	served atomic.Int64 // bytes, to whoever has a signed address
	strays atomic.Int64 // requests for something else than a signed range
	client *http.Transport
	server *http.Server
	wg     sync.WaitGroup
}

// open runs the service and opens the store as a server does.
func (b *bucket) open(wan *memnet.Network) server.Objects {
	backend := s3mem.New()
	if err := backend.CreateBucket(context.Background(), "packs"); err != nil {
		b.t.Fatal(err)
	}
	service := gofakes3.New(backend).Server()
	l, err := wan.Listen(bucketAt)
	if err != nil {
		b.t.Fatal(err)
	}
	b.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("X-Amz-Signature") == "" {
			service.ServeHTTP(w, r)
			return
		}
		if r.Header.Get("Range") == "" || r.Header.Get("Sitecast-Pace") != "" || r.URL.Query().Get("X-Amz-SignedHeaders") != "host;range" {
			b.strays.Add(1)
		}
		service.ServeHTTP(counted{w, &b.served}, r)
	})}
	b.wg.Go(func() { _ = b.server.Serve(l) })
	b.client = &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		return wan.Dialer("198.51.100.31")(ctx, network, addr)
	}}
	at, err := s3.ParseLocation("s3://packs/one?endpoint=http://"+bucketAt, true)
	if err != nil {
		b.t.Fatal(err)
	}
	store, err := s3.Open(context.Background(), at, b.client)
	if err != nil {
		b.t.Fatal(err)
	}
	return store
}

func (b *bucket) close() {
	b.client.CloseIdleConnections()
	_ = b.server.Close()
	b.wg.Wait()
}

type counted struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.n.Add(int64(n))
	return n, err
}

// unsigned is a store whose objects nobody else serves.
type unsigned struct{ server.Objects }

// The bucket serves each byte once for the site, held to the rate by the endpoint alone.
func TestPacksInABucketAreFetchedThereOnce(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "not a secret")
	t.Setenv("AWS_SESSION_TOKEN", "")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	for _, direct := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			const size = 4 * mib
			b := &bucket{t: t}
			l := lab.New(t, lab.Plan{Sites: []int{3}, Path: wan, LAN: time.Millisecond, Objects: func(wan *memnet.Network) server.Objects {
				if direct {
					return b.open(wan)
				}
				return unsigned{b.open(wan)}
			}})
			defer b.close()
			defer l.Close()
			l.Publish("app", "1", size)
			l.Distribute("app@1")
			f := l.AwaitComplete("app", l.Sites[0], 30*time.Second)
			if f.BytesOrigin != size || f.BytesPeer != 2*size || b.strays.Load() > 0 {
				t.Errorf("direct %v: %d bytes from the origin, %d from peers, %d strays", direct, f.BytesOrigin, f.BytesPeer, b.strays.Load())
			}
			fromBucket, fromServer := b.served.Load(), l.Served()
			if !direct {
				fromBucket, fromServer = fromServer, fromBucket
			}
			if fromBucket < size || fromBucket > size*101/100 || fromServer > 64<<10 {
				t.Errorf("direct %v: %d bytes from where packs are, %d from elsewhere, want %d and a body at most", direct, fromBucket, fromServer, size)
			}
			for _, e := range l.Sites[0].Endpoints {
				e.WantDelivered("app", "1", size)
			}
		})
	}
}
