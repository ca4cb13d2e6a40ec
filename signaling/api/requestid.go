package api

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

// requestIDHeader carries the id of a request: from a proxy that gave it one, and with the
// answer.
const requestIDHeader = "X-Request-Id"

// maxRequestID bounds the id that a proxy gave a request, in bytes.
const maxRequestID = 64

type requestIDKey struct{}

// requestID is the id of the request that a context belongs to; empty: it is of none.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// saneID reports whether an id may stand in logs as it came.
func saneID(id string) bool {
	return id != "" && len(id) <= maxRequestID && !strings.ContainsFunc(id, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.:=+/", r))
	})
}

// Request is one that was answered.
type Request struct {
	Route  string // its pattern; empty: it met none
	Method string
	Status int
	Took   time.Duration
}

// identified gives each request an id, and notes how it was answered.
func (s *server) identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !saneID(id) {
			id = rand.Text()
		}
		w.Header().Set(requestIDHeader, id)
		r = r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
		answer := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		began := time.Now()
		defer func() {
			done := Request{Method: r.Method, Status: answer.Status(), Took: time.Since(began)}
			if done.Status == 0 { // it was taken over, as by a socket, or nothing was said
				done.Status = http.StatusOK
			}
			if route := chi.RouteContext(r.Context()); route != nil {
				done.Route = route.RoutePattern()
			}
			if s.Answered != nil {
				s.Answered(done)
			}
			s.Log.DebugContext(r.Context(), "answered", "method", r.Method, "path", r.URL.Path, "status", done.Status, "took", done.Took)
		}()
		next.ServeHTTP(answer, r)
	})
}

// quoted puts the id of the request into a problem, so that who met it can name it.
func (s *server) quoted(ctx huma.Context, _ string, v any) (any, error) {
	if p, ok := v.(*Problem); ok && p.RequestID == "" {
		copied := *p
		copied.RequestID = requestID(ctx.Context())
		return &copied, nil
	}
	return v, nil
}

// requestLog adds the id of the request to its lines.
type requestLog struct{ slog.Handler }

// Handle implements slog.Handler.
func (h requestLog) Handle(ctx context.Context, r slog.Record) error {
	if id := requestID(ctx); id != "" {
		r.AddAttrs(slog.String("request", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h requestLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestLog{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h requestLog) WithGroup(name string) slog.Handler {
	return requestLog{h.Handler.WithGroup(name)}
}
