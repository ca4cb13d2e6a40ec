package api

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/storage/catalog"
)

// Actor is who asks: a person, by a session, or a program, by a token.
type Actor struct {
	Name  string   `json:"name"`
	Title string   `json:"title,omitempty" doc:"what the person is called"`
	Role  string   `json:"role"`
	Sites []string `json:"sites,omitempty" doc:"may act at these; absent: at all"`

	via     string // for the audit log
	person  string // who is behind it: of a token, who made it
	session []byte // hash of the session; nil without one
	local   bool   // has a password here
}

type actorKey struct{}

// asker is who asks, the zero value where nobody has to say.
func asker(ctx context.Context) Actor {
	who, _ := ctx.Value(actorKey{}).(Actor)
	return who
}

// actor is the name of who asks, for the audit log.
func actor(ctx context.Context) string { return asker(ctx).Name }

func unauthorized() error {
	return &Problem{Status: http.StatusUnauthorized, Code: "unauthorized", Detail: "no valid API token or session",
		Hint: "log in at /login, or pass the file with a token by --token-file (the server's first one is admin.token in its data folder)"}
}

// identify returns who a request comes from: by its token, else by its session.
func (s *server) identify(r *http.Request) (who Actor, err error) {
	if header := r.Header.Get("Authorization"); header != "" {
		return s.byToken(r.Context(), header)
	}
	return s.bySession(r)
}

func (s *server) byToken(ctx context.Context, header string) (who Actor, err error) {
	bearer, ok := strings.CutPrefix(header, "Bearer ")
	if !ok {
		return who, unauthorized()
	}
	secret, err := credential.ParseAPIToken(bearer)
	if err != nil {
		return who, unauthorized()
	}
	token, err := s.Catalog.Token(ctx, credential.Hash(secret))
	now := time.Now()
	switch {
	case missing(err):
		return who, unauthorized()
	case err != nil:
		return who, err
	case !token.Expires.IsZero() && !now.Before(token.Expires):
		return who, unauthorized()
	}
	s.noteUse(ctx, now, token.Used, token.Hash, s.Catalog.TokenUsed)
	return Actor{Name: token.Name, Role: token.Role, Sites: token.Sites, via: "token " + token.ID(), person: cmp.Or(token.By, token.Name)}, nil
}

// noteUse notes now and then that a token or session is used. Nobody is kept from
// anything because that fails.
func (s *server) noteUse(ctx context.Context, now, before time.Time, hash []byte, note func(context.Context, []byte, time.Time) error) {
	if now.Sub(before) < catalog.UsedEvery {
		return
	}
	if err := note(ctx, hash, now); err != nil && ctx.Err() == nil {
		s.Log.WarnContext(ctx, "could not note when a token or session was used", "err", err)
	}
}

// admit lets in who may act as role, and returns the context to act in.
func (s *server) admit(r *http.Request, role string) (context.Context, Actor, error) {
	who, err := s.identify(r)
	if err != nil {
		return nil, who, err
	}
	if !catalog.Allows(who.Role, role) {
		return nil, who, &Problem{Status: http.StatusForbidden, Code: "forbidden", Detail: who.Name + " has role " + who.Role + ", which may not do this",
			Hint: "use an account or token with role " + role}
	}
	return context.WithValue(coming(r, who.via), actorKey{}, who), who, nil
}

// coming is the context of a request with what handlers and the audit log need of it.
func coming(r *http.Request, via string) context.Context {
	return catalog.WithFrom(context.WithValue(r.Context(), requestKey{}, r), from(r, via))
}

// maxAgent bounds what is noted of a program's name, in bytes.
const maxAgent = 120

// from is where a request comes from, for the audit log.
func from(r *http.Request, via string) catalog.From {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = "" // in memory
	}
	agent := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return -1
		}
		return c
	}, r.UserAgent())
	return catalog.From{Address: host, Via: via, Agent: agent[:min(len(agent), maxAgent)]}
}

// require is for plain routes about the whole organisation.
func (s *server) require(role string, next http.HandlerFunc) http.HandlerFunc {
	return s.requireAt(role, func(*http.Request) string { return "" }, next)
}

// requireAt is for plain routes about a site that the request names, or ("") about all.
func (s *server) requireAt(role string, site func(*http.Request) string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, who, err := s.admit(r, role)
		if err == nil {
			err = who.mayAt(site(r))
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		next(w, r.WithContext(ctx))
	}
}

// missing reports whether something is not there.
func missing(err error) bool { return errors.Is(err, catalog.ErrNotFound) }

// openOnly bounds what an address may ask without credentials.
func (s *server) openOnly(ctx huma.Context, next func(huma.Context)) {
	if err := s.allowed(ctx.RemoteAddr()); err != nil {
		ctx.SetHeader("Retry-After", "60")
		s.write(ctx, err)
		return
	}
	r, _ := humachi.Unwrap(ctx)
	next(huma.WithContext(ctx, coming(r, "")))
}

// allowed refuses an address that asked too much without credentials.
func (s *server) allowed(addr string) error {
	if s.open.allow(addr, time.Now()) {
		return nil
	}
	return &Problem{Status: http.StatusTooManyRequests, Code: "too_many_requests", Detail: "too many requests from this address", Hint: "wait a minute"}
}

// addressLimit counts requests by network in windows of fixed length.
type addressLimit struct {
	limit  int
	window time.Duration

	// mu guards the rest.
	mu    sync.Mutex
	begun time.Time
	count map[netip.Prefix]int
}

func newAddressLimit(limit int, window time.Duration) *addressLimit {
	return &addressLimit{limit: limit, window: window, count: map[netip.Prefix]int{}}
}

// network is who is counted as one: an IPv4 address, or the smallest network that
// is given out over IPv6, whose addresses are all at its holder's disposal.
func network(addr string) netip.Prefix {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return netip.Prefix{} // all that can't be told apart
	}
	ip := at.Addr().Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	return netip.PrefixFrom(ip, bits).Masked()
}

func (l *addressLimit) allow(addr string, now time.Time) bool {
	from := network(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.begun) >= l.window {
		l.begun, l.count = now, map[netip.Prefix]int{}
	}
	if _, known := l.count[from]; !known && len(l.count) >= maxBuckets {
		from = netip.Prefix{} // those that are not remembered share what one may ask
	}
	l.count[from]++
	return l.count[from] <= l.limit
}
