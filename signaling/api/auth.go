package api

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/storage/catalog"
)

type actorKey struct{}

// actor is the name of who asks, for the audit log.
func actor(ctx context.Context) string {
	name, _ := ctx.Value(actorKey{}).(string)
	return name
}

// roles in the order of what they may do.
var roles = []string{catalog.RoleViewer, catalog.RoleOperator, catalog.RoleAdmin}

// authorize returns who the bearer token speaks for, if that may act as role.
func (s *server) authorize(ctx context.Context, header, role string) (string, error) {
	unauthorized := &Problem{Status: http.StatusUnauthorized, Code: "unauthorized", Detail: "no valid API token",
		Hint: "pass the file with the token by --token-file (the server's first one is admin.token in its data folder)"}
	bearer, ok := strings.CutPrefix(header, "Bearer ")
	if !ok {
		return "", unauthorized
	}
	secret, err := credential.ParseAPIToken(bearer)
	if err != nil {
		return "", unauthorized
	}
	token, err := s.Catalog.Token(ctx, credential.Hash(secret))
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		return "", unauthorized
	case err != nil:
		return "", err
	case !token.Expires.IsZero() && time.Now().After(token.Expires):
		return "", unauthorized
	}
	if slices.Index(roles, token.Role) < slices.Index(roles, role) {
		return "", &Problem{Status: http.StatusForbidden, Code: "forbidden",
			Detail: "a token with role " + token.Role + " may not do this", Hint: "use a token with role " + role}
	}
	return token.Name, nil
}

// require is authorize for plain routes.
func (s *server) require(role string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name, err := s.authorize(r.Context(), r.Header.Get("Authorization"), role)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		next(w, r.WithContext(context.WithValue(r.Context(), actorKey{}, name)))
	}
}

// openOnly bounds what an address may ask without credentials.
func (s *server) openOnly(ctx huma.Context, next func(huma.Context)) {
	if !s.open.allow(ctx.RemoteAddr(), time.Now()) {
		ctx.SetHeader("Retry-After", "60")
		s.write(ctx, &Problem{Status: http.StatusTooManyRequests, Code: "too_many_requests",
			Detail: "too many requests from this address", Hint: "wait a minute"})
		return
	}
	next(ctx)
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
