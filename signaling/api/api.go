// Package api is the server's HTTP side: the API for operators and endpoints
// under /api/v1 (OpenAPI 3.1, problem+json), and the origin's objects. It checks
// who asks, validates, writes to the catalog, and tells the sites what changed; it
// decides nothing about them.
package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/catalog"
)

// Config is what the API is made of.
type Config struct {
	Catalog catalog.Catalog
	Keys    *credential.Keys
	Objects blob.Store
	Hub     *site.Hub
	Socket  http.Handler // endpoints' signaling
	Metrics http.Handler
	Served  func(bytes int) // told of object bytes as they are served
	Pin     string          // for enrolment tokens; see wire.EnrolToken
	Log     *slog.Logger
}

// Limits.
const (
	maxBodyBytes   = 1 << 20
	requestTimeout = 30 * time.Second
	// uploadTimeout bounds one object's upload.
	uploadTimeout = 30 * time.Minute
	// openPerMinute bounds requests without credentials from one address.
	openPerMinute = 600
)

type server struct {
	Config
	router chi.Router
	api    huma.API
	open   *addressLimit
}

// New returns the handler of everything the server answers over HTTP.
func New(cfg Config) http.Handler {
	s := &server{Config: cfg, router: chi.NewRouter(), open: newAddressLimit(openPerMinute, time.Minute)}
	s.router.Use(middleware.Recoverer)
	config := huma.DefaultConfig("Sitecast", "1")
	config.CreateHooks = nil // they add the request's Host header to answers
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "/api/v1/openapi", "", ""
	s.api = humachi.New(s.router, config)
	s.sites()
	s.trust()
	s.enrolment()
	s.versions()
	s.control()
	s.objects()
	s.health()
	s.router.Handle("GET /api/v1/signal", cfg.Socket)
	return s.router
}

func (s *server) health() {
	s.router.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	s.router.Get("/readyz", func(w http.ResponseWriter, r *http.Request) {
		if _, err := s.Catalog.Sites(r.Context(), "", 1); err != nil {
			http.Error(w, "the catalog can't be read", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
	s.router.Handle("GET /metrics", s.Metrics)
	s.router.Get("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("This is a Sitecast server. Its API is described at /api/v1/openapi.json.\n"))
	})
}

// operation declares a route; role is who may use it, "" for everybody.
func operation(method, path, id, summary, role string) huma.Operation {
	op := huma.Operation{OperationID: id, Method: method, Path: "/api/v1" + path, Summary: summary,
		MaxBodyBytes: maxBodyBytes, Metadata: map[string]any{"role": role}}
	if role == "" {
		op.Security = []map[string][]string{}
	}
	return op
}

// register adds a route with its checks.
func register[I, O any](s *server, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	role, _ := op.Metadata["role"].(string)
	if role == "" {
		op.Middlewares = append(op.Middlewares, s.openOnly)
	} else {
		op.Middlewares = append(op.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
			actor, err := s.authorize(ctx.Context(), ctx.Header("Authorization"), role)
			if err != nil {
				s.write(ctx, err)
				return
			}
			next(huma.WithValue(ctx, actorKey{}, actor))
		})
	}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		ctx, stop := context.WithTimeout(ctx, requestTimeout)
		defer stop()
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.problem(err)
		}
		return out, nil
	})
}

func (s *server) write(ctx huma.Context, err error) {
	p := s.problem(err)
	_ = huma.WriteErr(s.api, ctx, p.Status, p.Detail, p) // the client went away
}

// reply is an answer with a JSON body.
type reply[T any] struct{ Body T }

// Problem is an error as the API tells it (RFC 9457), with a stable code and a
// hint about what to do.
type Problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail,omitempty"`
	Code   string `json:"code"`
	Hint   string `json:"hint,omitempty"`
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus makes a Problem an answer of huma's.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// huma makes its own errors (validation, unknown media types) by this variable.
func init() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		for _, err := range errs {
			if p := new(Problem); errors.As(err, &p) {
				return p
			}
			msg += ": " + err.Error()
		}
		return &Problem{Status: status, Title: http.StatusText(status), Detail: msg, Code: "invalid"}
	}
}

func bad(detail, hint string) error {
	return &Problem{Status: http.StatusUnprocessableEntity, Detail: detail, Code: "invalid", Hint: hint}
}

// problem turns an error into an answer. What has no code goes to the log, and
// the caller learns only that something went wrong.
func (s *server) problem(err error) *Problem {
	p := new(Problem)
	switch {
	case errors.As(err, &p):
	case errors.Is(err, catalog.ErrNotFound), errors.Is(err, blob.ErrNotFound):
		p = &Problem{Status: http.StatusNotFound, Detail: err.Error(), Code: "not_found"}
	case errors.Is(err, catalog.ErrConflict):
		p = &Problem{Status: http.StatusConflict, Detail: err.Error(), Code: "conflict"}
	case errors.Is(err, catalog.ErrSpent):
		p = &Problem{Status: http.StatusForbidden, Detail: catalog.ErrSpent.Error(), Code: "enrolment_spent",
			Hint: "make a new token with `sitecast enrol --site NAME`"}
	case errors.Is(err, credential.ErrToken):
		p = &Problem{Status: http.StatusUnauthorized, Detail: err.Error(), Code: "unauthorized"}
	case errors.Is(err, credential.ErrRootOffline):
		p = &Problem{Status: http.StatusConflict, Detail: err.Error(), Code: "root_offline",
			Hint: "sign the trust document where the root key is kept"}
	case errors.Is(err, context.DeadlineExceeded):
		p = &Problem{Status: http.StatusServiceUnavailable, Detail: "the server did not answer in time", Code: "timeout"}
	default:
		s.Log.Error("request failed", "err", err)
		p = &Problem{Status: http.StatusInternalServerError, Detail: "something went wrong on the server; its log says what", Code: "internal"}
	}
	p.Title = http.StatusText(p.Status)
	return p
}
