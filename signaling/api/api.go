// Package api is the server's HTTP side: the API for operators and endpoints
// under /api/v1 (OpenAPI 3.1, problem+json), and the origin's objects. It checks
// who asks, validates, writes to the catalog, and tells the sites what changed; it
// decides nothing about them.
package api

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/history"
	"github.com/sitecast/sitecast/signaling/oidc"
	"github.com/sitecast/sitecast/signaling/pace"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/blob/partial"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// Config is what the API is made of.
type Config struct {
	Catalog  catalog.Catalog
	Keys     *credential.Keys
	Objects  blob.Store
	Hub      *site.Hub
	Places   Places       // nil: all are where their tokens say
	Rollouts Rollouts     // sees to distributions in rings; nil: nobody does
	Socket   http.Handler // endpoints' signaling
	Tunnel   http.Handler // for sockets over plain requests
	Metrics  http.Handler
	Board    *board.Board      // what sites show; nil: one of its own
	History  *history.Recorder // what sites showed; nil: it is not kept
	Streams  *Streams          // counts streams of events; nil: nobody does
	Pacer    *pace.Pacer       // paces downloads; never nil
	Served   func(bytes int)   // told of object bytes as they are served
	// Published is told of each version that was published, and must not block; nil:
	// nobody is.
	Published func()
	// Vendor says whether a file at somebody else's URL is as it is said to be; nil: nobody
	// looks. What it finds wrong is an external.ChangedError or AddressError.
	Vendor func(context.Context, catalog.External, *content.Body) error
	// Removed is told of each version that was removed, Fetched lists those that sites
	// fetch, and Occupancy says what lies at the origin; nil: none of it.
	Removed   func(content.Ref)
	Fetched   func(context.Context) ([]content.Ref, error)
	Occupancy func() Occupancy
	// Parts keeps what came of uploads that were interrupted; nil: they begin anew.
	Parts    *partial.Parts
	Resigned func(content.Ref) // told of each version that was signed anew; nil: nobody is
	Pin      func() string     // for enrolment tokens; see wire.EnrolToken
	// PublicURL is where browsers reach the server.
	PublicURL *url.URL
	Passwords *credential.Passwords // nil: of the usual cost
	OIDC      *oidc.Provider        // vouches for operators; nil: nobody does but this server
	Refused   *wire.Refusals        // counts requests that are refused; nil: nobody does
	Limits    Limits                // of requests; zero: the usual ones
	Needs     []Need                // what the server can't do without, besides the catalog
	Answered  func(Request)         // told of each request that was answered; nil: nobody is
	Log       *slog.Logger
}

// Limits.
const (
	maxBodyBytes   = 1 << 20
	requestTimeout = 30 * time.Second
	// bodyTimeout bounds the wait for a request's body, also where nobody reads it
	// but the HTTP server, to find the next request behind it.
	bodyTimeout = 20 * time.Second
	// answerTimeout bounds a request and its answer, so that nobody holds one by
	// reading nothing of it.
	answerTimeout = 2 * time.Minute
	// uploadTimeout bounds one object's upload.
	uploadTimeout = 30 * time.Minute
	// takeTimeout bounds how long who downloads an object may take nothing of it. It
	// is long, because a cap may let an endpoint read slowly.
	takeTimeout = 5 * time.Minute
	// lookUps is how many objects are looked for at a time, for one request.
	lookUps = 16
	// openPerMinute bounds requests without credentials from one address.
	openPerMinute = 600
)

type server struct {
	Config
	Hub    toldHub // hides that of Config
	tell   *tellings
	router chi.Router
	api    huma.API
	open   *addressLimit
	board  *board.Board
	counts counts
	deltas deltas
	gates
	readiness readiness

	passwords *credential.Passwords
	logins    attempts
}

// New returns the handler of everything the server answers over HTTP.
func New(cfg Config) http.Handler { return newServer(cfg).router }

func newServer(cfg Config) *server {
	cfg.Streams = cmp.Or(cfg.Streams, new(Streams))
	told := new(tellings)
	told.through(&cfg)
	s := &server{Config: cfg, Hub: toldHub{cfg.Hub, told}, tell: told, router: chi.NewRouter(), open: newAddressLimit(openPerMinute, time.Minute), board: cmp.Or(cfg.Board, board.New(cfg.Hub)),
		gates: newGates(cfg.Limits), passwords: cmp.Or(cfg.Passwords, credential.NewPasswords(credential.UsualCost))}
	if cfg.Log != nil { // there is none where the API is only described
		s.Log = slog.New(requestLog{cfg.Log.Handler()})
	}
	s.router.Use(tables, s.identified, s.recovered, timely, crossOrigin, s.sameOrigin(), described)
	s.strays()
	config := huma.DefaultConfig("Sitecast", "1")
	config.CreateHooks = nil // they add the request's Host header to answers
	config.Transformers = append(config.Transformers, s.counted, s.quoted)
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "/api/v1/openapi", "", ""
	s.api = humachi.New(s.router, config)
	s.sites()
	s.networks()
	s.pairs()
	s.swarms()
	s.stories()
	s.shown()
	s.trust()
	s.enrolment()
	s.publishers()
	s.revocations()
	s.roaming()
	s.browsers()
	s.versions()
	s.removals()
	s.externals()
	s.control()
	s.activations()
	s.blocks()
	s.endings()
	s.rollouts()
	s.details()
	s.forecasts()
	s.settings()
	s.lists()
	s.reports()
	s.events()
	s.past()
	s.views()
	s.operators()
	s.objects()
	s.readiness.needs = append([]Need{{"database", s.database}}, cfg.Needs...)
	s.health()
	s.pages()
	s.portal()
	s.docs()
	s.accountPages()
	s.oidcPages()
	s.router.Handle("GET /api/v1/signal", cfg.Socket)
	for _, route := range []string{"POST " + wire.PathTunnel, "POST " + wire.PathTunnel + "/{id}", "GET " + wire.PathTunnel + "/{id}", "DELETE " + wire.PathTunnel + "/{id}"} {
		s.router.Handle(route, cfg.Tunnel)
	}
	return s
}

// timely bounds the wait for a body and the time that the answer takes. A route
// that moves much sets its own time.
func timely(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		times, now := http.NewResponseController(w), time.Now()
		if r.ContentLength != 0 {
			_ = times.SetReadDeadline(now.Add(bodyTimeout)) // not all writers can
		}
		_ = times.SetWriteDeadline(now.Add(answerTimeout)) // also of the socket, until it is upgraded
		next.ServeHTTP(w, r)
	})
}

func (s *server) health() {
	s.router.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	s.router.Get("/readyz", s.ready)
	s.router.Handle("GET /metrics", s.Metrics)
}

// operation declares a route; role is who may use it, "" for everybody. What it is about
// is declared by [about].
func operation(method, path, id, summary, role string) huma.Operation {
	op := huma.Operation{OperationID: id, Method: method, Path: "/api/v1" + path, Summary: summary,
		MaxBodyBytes: maxBodyBytes, BodyReadTimeout: bodyTimeout, Metadata: map[string]any{"role": role}}
	if role == "" {
		op.Security = []map[string][]string{}
	}
	return op
}

// register adds a route with its checks.
func register[I, O any](s *server, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	role, _ := op.Metadata["role"].(string)
	describe(&op, role)
	op.Middlewares = append(op.Middlewares, s.fromAddress)
	sc := scopeOf(op)
	op = about(sc, op)
	if sc == scopeOpen {
		op.Middlewares = append(op.Middlewares, s.openOnly)
	} else {
		op.Middlewares = append(op.Middlewares, s.admitted(role, sc), s.rationed, s.once, s.conditional)
	}
	if _, ok := sitesOf(new(I)); sc == scopeBody && !ok {
		panic(op.OperationID + ": its body names no sites")
	}
	if _, _, ok := levelOf(new(I)); sc == scopeLevel && !ok {
		panic(op.OperationID + ": it names no level")
	}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		ctx, stop := context.WithTimeout(ctx, requestTimeout)
		defer stop()
		if err := s.withinInput(ctx, sc, in); err != nil {
			return nil, s.problem(ctx, err)
		}
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
}

// admitted lets only those through who may act as role, and at the sites in question.
func (s *server) admitted(role string, sc scope) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, _ := humachi.Unwrap(ctx)
		inner, who, err := s.admit(r, role)
		if err == nil {
			err = who.within(sc, ctx)
		}
		if err == nil && sc == scopeEndpoint && !who.everywhere() {
			var site string
			if site, err = s.aboutEndpoint(inner, ctx.Param("id")); err == nil {
				err = who.mayAt(site)
			}
		}
		if err != nil {
			s.write(ctx, err)
			return
		}
		next(huma.WithContext(ctx, inner))
	}
}

// reply is an answer with a JSON body.
type reply[T any] struct{ Body T }
