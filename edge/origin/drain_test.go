package origin_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

var errStopped = errors.New("the flow is paused")

// stop fetches o with somebody who takes the first part for a second, is stopped in
// that time, and goes on with what there is.
func stop(t *testing.T, handler http.HandlerFunc, o object) (parts int, took time.Duration, again error) {
	client := serve(t, handler)
	ctx, cancel := context.WithCancelCause(t.Context())
	start := time.Now()
	time.AfterFunc(time.Second/2, func() { cancel(errStopped) })
	err := client.FetchParts(ctx, o.lease(), func(i uint32) uint32 { return uint32(len(o.plain[i])) },
		func(p wire.Part, plain []byte) error {
			if !bytes.Equal(plain, o.plain[p.Chunk]) {
				t.Errorf("chunk %d differs", p.Chunk)
			}
			if parts++; parts == 1 {
				<-ctx.Done()
			}
			return nil
		})
	if parts < len(o.parts) && !errors.Is(err, errStopped) {
		t.Errorf("got %v, want why it was stopped", err)
	}
	took = time.Since(start) - time.Second/2
	_, again = fetch(client, o, o.lease())
	return parts, took, again
}

// TestWhoIsStoppedGetsWhatHadCome: it crossed the WAN, and would have to again.
func TestWhoIsStoppedGetsWhatHadCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObject(20, 3000)
		parts, _, again := stop(t, o.handler, o)
		if parts != len(o.parts) {
			t.Errorf("got %d of the %d parts that had come", parts, len(o.parts))
		}
		if again != nil {
			t.Errorf("the next fetch: %v", again)
		}
	})
}

// TestWhoIsStoppedDoesNotGoOn: what is on its way yet does not matter.
func TestWhoIsStoppedDoesNotGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObject(200, 3000)
		slow := func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes 0-"+strconv.Itoa(len(o.encoded)-1)+"/*")
			w.WriteHeader(http.StatusPartialContent)
			for sent := 0; sent < len(o.encoded); sent += 3000 {
				if _, err := w.Write(o.encoded[sent:min(sent+3000, len(o.encoded))]); err != nil {
					return
				}
				_ = http.NewResponseController(w).Flush()
				time.Sleep(30 * time.Millisecond)
			}
		}
		parts, took, again := stop(t, slow, o)
		if parts < 10 || parts == len(o.parts) {
			t.Errorf("got %d of %d parts, want those of half a second", parts, len(o.parts))
		}
		if took > 200*time.Millisecond {
			t.Errorf("it took %v to end", took)
		}
		if again != nil {
			t.Errorf("the next fetch: %v", again)
		}
	})
}
