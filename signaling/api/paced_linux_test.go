package api_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/pace"
	"github.com/sitecast/sitecast/signaling/wire"
)

// A hopeful receiver gives an answer a rate when it hears that the answer is paced.
type hopeful struct {
	*httptest.ResponseRecorder
	heard func()
}

func (h hopeful) Flush() {
	h.ResponseRecorder.Flush()
	h.heard()
}

// TestWhoAsksWithoutARateHearsThatItMayGiveOne: a fetcher may have no share of the
// site's rate yet when it asks, and tells its rate only to a sender that paces.
func TestWhoAsksWithoutARateHearsThatItMayGiveOne(t *testing.T) {
	conn := socket(t)
	synctest.Test(t, func(t *testing.T) {
		var pacer *pace.Pacer
		s := newStand(t, func(cfg *api.Config) { pacer = cfg.Pacer })
		object := strings.Repeat("content ", 10_000)
		key := strings.Repeat("ab", wire.PaceKeyBytes/2)
		const patience = 15 * time.Second
		ctx, stop := context.WithTimeout(t.Context(), patience)
		defer stop()
		r := httptest.NewRequestWithContext(pacer.Context(ctx, conn), http.MethodGet,
			s.keys.SignURL(s.stored([]byte(object)), time.Now().Add(time.Minute)), nil)
		r.Header.Set(wire.PaceHeader, key+" 0")
		w := hopeful{httptest.NewRecorder(), func() { pacer.Set(&wire.Pace{Key: key, BytesPerSecond: 1 << 20}) }}
		start := time.Now()
		s.handler.ServeHTTP(w, r)
		if took := time.Since(start); took >= patience || w.Body.String() != object {
			t.Errorf("%d of %d bytes came in %v", w.Body.Len(), len(object), took)
		}
		if w.Header().Get(wire.PacedHeader) == "" {
			t.Error("the answer is not paced")
		}
	})
}

// socket is a connection that the kernel can pace.
func socket(t *testing.T) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
