package lab

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// holders are who holds the governor of each site, by the names of sites.
type holders struct {
	mu sync.Mutex
	by map[string]string // the short ID of the holder
}

// listening is a handler of the server's log that hears who is appointed: no
// operator is shown it.
type listening struct {
	slog.Handler
	to   *holders
	site string
}

func (h listening) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.Handler.Enabled(ctx, level)
}

func (h listening) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		if a.Key == "site" {
			h.site = a.Value.String()
		}
	}
	h.Handler = h.Handler.WithAttrs(attrs)
	return h
}

func (h listening) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "governor appointed" {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "holder" {
				h.to.mu.Lock()
				defer h.to.mu.Unlock()
				h.to.by[h.site] = a.Value.String()
			}
			return a.Key != "holder"
		})
	}
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// Holder is the endpoint that holds the governor of a site's line.
func (l *Lab) Holder(s *Site) *Endpoint {
	l.t.Helper()
	l.holders.mu.Lock()
	id := l.holders.by[s.Name]
	l.holders.mu.Unlock()
	for _, seen := range l.Endpoints(s) {
		for _, e := range s.Endpoints {
			if id != "" && strings.HasPrefix(string(seen.ID), id) && e.Name == seen.Name {
				return e
			}
		}
	}
	l.t.Fatalf("nobody of %s holds its governor", s.Name)
	panic("not reached")
}

// Second is what the endpoints of a site took over the WAN in one second, signaling
// among it.
type Second struct {
	Bytes int64
	Of    map[*Endpoint]int64
}

// Watch counts what a site takes, second by second, until the caller asks for it.
func (l *Lab) Watch(s *Site) (stop func() []Second) {
	end, ended := make(chan struct{}), make(chan struct{})
	var seconds []Second
	go func() {
		defer close(ended)
		before := l.took(s)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-end:
				return
			case <-ticker.C:
			}
			now, second := l.took(s), Second{Of: map[*Endpoint]int64{}}
			for _, e := range s.Endpoints {
				second.Of[e] = now[e] - before[e]
				second.Bytes += second.Of[e]
			}
			seconds, before = append(seconds, second), now
		}
	}()
	return func() []Second {
		close(end)
		<-ended
		return seconds
	}
}

func (l *Lab) took(s *Site) map[*Endpoint]int64 {
	out := map[*Endpoint]int64{}
	for _, e := range s.Endpoints {
		out[e] = l.WAN.Received(e.Host)
	}
	return out
}
