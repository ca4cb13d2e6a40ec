package serve_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/kiosk/serve"
)

// ear hears a stream of events; what it was told may be read meanwhile.
type ear struct {
	header http.Header
	mu     sync.Mutex
	heard  strings.Builder
	code   int
}

func (e *ear) Header() http.Header              { return e.header }
func (e *ear) WriteHeader(code int)             { e.code = code }
func (e *ear) Flush()                           {}
func (e *ear) SetReadDeadline(time.Time) error  { return nil }
func (e *ear) SetWriteDeadline(time.Time) error { return nil }
func (e *ear) Write(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heard.Write(b)
}

// take returns what was heard since the last call.
func (e *ear) take() string {
	synctest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.heard.Reset()
	return e.heard.String()
}

func listen(ctx context.Context, h http.Handler) *ear {
	e := &ear{header: http.Header{}}
	go h.ServeHTTP(e, request("/_kiosk/events").WithContext(ctx))
	return e
}

func TestPagesHearOfProgressAndOfEachFlip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		slot := &serve.Slot{}
		var mu sync.Mutex
		have := int64(0)
		h := serve.Handler(serve.Options{Source: slot, Log: slog.New(slog.DiscardHandler), Progress: func() serve.Progress {
			mu.Lock()
			defer mu.Unlock()
			return serve.Progress{Have: have, Want: 100}
		}})
		e := listen(ctx, h)
		steps := []struct {
			do   func()
			want string
		}{
			{func() {}, "event: progress\ndata: {\"have\":0,\"want\":100}\n\n"},
			{func() { time.Sleep(3 * time.Second) }, ""},
			{func() { mu.Lock(); have = 40; mu.Unlock(); time.Sleep(time.Second) }, "event: progress\ndata: {\"have\":40,\"want\":100}\n\n"},
			{func() { slot.Show(serve.Version{Name: "menu", Version: "1"}) }, "event: version\ndata: {\"name\":\"menu\",\"version\":\"1\"}\n\n"},
			{func() { slot.Show(serve.Version{Name: "menu", Version: "1"}) }, ""},
			{func() { slot.Show(serve.Version{Name: "menu", Version: "2"}) }, "event: version\ndata: {\"name\":\"menu\",\"version\":\"2\"}\n\n"},
			{func() { time.Sleep(serve.Heartbeat) }, ": still here\n\n"},
			{slot.Clear, "event: progress\ndata: {\"have\":40,\"want\":100}\n\n"},
		}
		for i, s := range steps {
			s.do()
			if got := e.take(); got != s.want {
				t.Errorf("step %d: heard %q, want %q", i, got, s.want)
			}
		}
		if e.header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("headers %v", e.header)
		}
		stop()
	})
}

func TestPagesThatListenAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		h := handler(&serve.Slot{})
		for range serve.MaxStreams {
			listen(ctx, h)
		}
		synctest.Wait()
		if w := ask(h, request("/_kiosk/events")); w.Code != http.StatusServiceUnavailable {
			t.Errorf("one more than may: %d", w.Code)
		}
		stop()
		synctest.Wait()
		again, end := context.WithCancel(t.Context())
		e := listen(again, h)
		if e.take() == "" {
			t.Error("who comes when the others have gone hears nothing")
		}
		end()
	})
}

func TestStatusIsWhatTheKioskSays(t *testing.T) {
	h := serve.Handler(serve.Options{Source: &serve.Slot{}, Status: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("{}"))
	})})
	if w := ask(h, request("/_kiosk/status")); w.Code != 200 || w.Body.String() != "{}" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}
