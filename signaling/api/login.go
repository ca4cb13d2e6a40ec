package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/storage/catalog"
)

// Login is a name and a password.
type Login struct {
	Name     string `json:"name" maxLength:"100"`
	Password string `json:"password" maxLength:"1024"`
}

// PasswordChange is how somebody changes their own password.
type PasswordChange struct {
	Old string `json:"old" maxLength:"1024"`
	New string `json:"new" maxLength:"1024"`
}

// withCookie is an answer that sets a cookie, or ends it.
type withCookie[T any] struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      T
}

// Cookies of sessions. The prefix binds a cookie to this host over TLS (RFC 6265bis).
// Over plain http, which is for loopback, browsers would not keep it.
const (
	secureCookie = "__Host-sitecast"
	plainCookie  = "sitecast"
)

// PathInvite is where an invitation is accepted.
const PathInvite = "/invite"

// InviteURL is where an invitation with a secret is accepted, once.
func InviteURL(public *url.URL, secret []byte) string {
	at := public.JoinPath(PathInvite)
	at.RawQuery = url.Values{"token": {credential.SecretText(secret)}}.Encode()
	return at.String()
}

// NewInvitation makes an invitation and its secret.
func NewInvitation(name, role string, sites []string, now time.Time) (secret []byte, i catalog.Invite) {
	secret, hash := credential.NewSecret()
	return secret, catalog.Invite{Hash: hash, Name: name, Role: role, Sites: sites, Created: now, Expires: now.Add(catalog.InviteLife)}
}

// plainLoopback reports whether a request came to this machine without TLS.
func plainLoopback(r *http.Request) bool {
	if r.TLS != nil {
		return false
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// cookie is that of a session.
func cookie(r *http.Request, value string) http.Cookie {
	c := http.Cookie{Name: secureCookie, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if plainLoopback(r) {
		c.Name, c.Secure = plainCookie, false
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// bySession returns who the cookie of a request speaks for.
func (s *server) bySession(r *http.Request) (who Actor, err error) {
	found := r.CookiesNamed(cookie(r, "").Name)
	if len(found) != 1 { // of several, one was slipped in
		return who, unauthorized()
	}
	secret, err := credential.ParseSecret(found[0].Value)
	if err != nil {
		return who, unauthorized()
	}
	now := time.Now()
	session, o, err := s.Catalog.Session(r.Context(), credential.Hash(secret), now)
	if missing(err) {
		return who, unauthorized()
	}
	if err != nil {
		return who, err
	}
	s.noteUse(r.Context(), now, session.Used, session.Hash, s.Catalog.SessionUsed)
	who = Actor{Name: o.Name, Title: o.Title, Role: o.Role, Sites: o.Sites, via: "session", person: o.Name, session: session.Hash, local: o.Password != ""}
	if o.Title != "" {
		who.via += " of " + o.Title
	}
	return who, nil
}

// login checks a password and begins a session. What it answers, and when, does not
// tell whether there is such an account.
func (s *server) login(ctx context.Context, r *http.Request, in Login) (http.Cookie, error) {
	if !s.logins.allow(r.RemoteAddr, in.Name, time.Now()) {
		return http.Cookie{}, tooMany("to log in")
	}
	o, err := s.Catalog.Operator(ctx, in.Name)
	if err != nil && !missing(err) {
		return http.Cookie{}, err
	}
	right, err := s.passwords.Verify(ctx, o.Password, in.Password)
	switch {
	case errors.Is(err, credential.ErrBusy):
		return http.Cookie{}, tooMany("to log in, by all together")
	case err != nil:
		return http.Cookie{}, err
	case !right:
		s.Log.InfoContext(r.Context(), "a log-in was refused", "address", r.RemoteAddr)
		return http.Cookie{}, &Problem{Status: http.StatusUnauthorized, Code: "wrong_login", Detail: "name or password is wrong",
			Hint: "try again, or have an admin invite you anew (sitecast operator invite NAME)"}
	}
	return s.begin(ctx, r, o.Name)
}

// begin begins a session of an account.
func (s *server) begin(ctx context.Context, r *http.Request, name string) (http.Cookie, error) {
	secret, hash := credential.NewSecret()
	now := time.Now()
	ctx = catalog.WithFrom(ctx, from(r, "log-in"))
	if err := s.Catalog.Begin(ctx, catalog.Session{Hash: hash, Operator: name, Created: now, Used: now}); err != nil {
		return http.Cookie{}, err
	}
	return cookie(r, credential.SecretText(secret)), nil
}

// accept makes an account by an invitation, or lets its person in again.
func (s *server) accept(ctx context.Context, r *http.Request, token, name, password string) (http.Cookie, error) {
	i, err := s.invitation(ctx, token)
	if err != nil {
		return http.Cookie{}, err
	}
	if i.Name == "" {
		if err := catalog.CheckOperatorName(name); err != nil {
			return http.Cookie{}, bad(err.Error(), "choose another name")
		}
	}
	if err := credential.CheckPassword(password); err != nil {
		return http.Cookie{}, bad(err.Error(), "choose another password: some words in a row are good")
	}
	hash, err := s.passwords.Hash(ctx, password)
	if errors.Is(err, credential.ErrBusy) {
		return http.Cookie{}, tooMany("to log in, by all together")
	}
	if err != nil {
		return http.Cookie{}, err
	}
	o, err := s.Catalog.Accept(catalog.WithFrom(ctx, from(r, "invitation")), i.Hash, name, hash, time.Now())
	if err != nil {
		return http.Cookie{}, err
	}
	return s.begin(ctx, r, o.Name)
}

// invitation finds the one that a link names.
func (s *server) invitation(ctx context.Context, token string) (i catalog.Invite, err error) {
	secret, err := credential.ParseSecret(token)
	if err == nil {
		i, err = s.Catalog.Invite(ctx, credential.Hash(secret), time.Now())
	}
	if missing(err) || errors.Is(err, credential.ErrToken) {
		err = &Problem{Status: http.StatusNotFound, Code: "invitation_spent", Detail: "this invitation was used, has expired, or never was",
			Hint: "have an admin make another, with `sitecast operator invite NAME`"}
	}
	return i, err
}

// sessions are the routes by which people log in and out.
func (s *server) sessions() {
	register(s, about(scopeOpen, operation("POST", "/login", "login", "Begin a session", "")),
		func(ctx context.Context, in *struct{ Body Login }) (*withCookie[struct{}], error) {
			c, err := s.login(ctx, requestOf(ctx), in.Body)
			return &withCookie[struct{}]{SetCookie: c}, err
		})
	register(s, about(scopeSelf, operation("POST", "/logout", "logout", "End the session", catalog.RoleViewer)),
		func(ctx context.Context, _ *struct{}) (*withCookie[struct{}], error) {
			if err := s.logout(ctx); err != nil {
				return nil, err
			}
			return &withCookie[struct{}]{SetCookie: cookie(requestOf(ctx), "")}, nil
		})
	register(s, about(scopeSelf, operation("GET", "/me", "show-me", "Say who asks", catalog.RoleViewer)),
		func(ctx context.Context, _ *struct{}) (*reply[Actor], error) {
			return &reply[Actor]{asker(ctx)}, nil
		})
	register(s, about(scopeSelf, operation("POST", "/password", "change-password", "Change the own password, which ends all own sessions", catalog.RoleViewer)),
		func(ctx context.Context, in *struct{ Body PasswordChange }) (*struct{}, error) {
			return nil, s.changePassword(ctx, in.Body)
		})
}

func (s *server) logout(ctx context.Context) error {
	who := asker(ctx)
	if who.session == nil {
		return bad("there is no session to end", "a token is revoked with `sitecast token revoke`")
	}
	if err := s.Catalog.EndSession(ctx, who.session); err != nil && !missing(err) {
		return err
	}
	return nil
}

func (s *server) changePassword(ctx context.Context, in PasswordChange) error {
	who, r := asker(ctx), requestOf(ctx)
	if who.session == nil || !who.local {
		return bad("who asks has no password here", "log in with the account whose password shall change")
	}
	if !s.logins.allow(r.RemoteAddr, who.Name, time.Now()) {
		return tooMany("to change the password")
	}
	if err := credential.CheckPassword(in.New); err != nil {
		return bad(err.Error(), "choose another password: some words in a row are good")
	}
	o, err := s.Catalog.Operator(ctx, who.Name)
	if err != nil {
		return err
	}
	right, err := s.passwords.Verify(ctx, o.Password, in.Old)
	if err == nil && !right {
		err = &Problem{Status: http.StatusForbidden, Code: "wrong_login", Detail: "the old password is wrong", Hint: "try again"}
	}
	if err != nil {
		return err
	}
	hash, err := s.passwords.Hash(ctx, in.New)
	if err != nil {
		return err
	}
	return s.Catalog.SetPassword(ctx, who.Name, who.Name, hash)
}

type requestKey struct{}

// requestOf is the request that a handler of [register] answers.
func requestOf(ctx context.Context) *http.Request {
	r, _ := ctx.Value(requestKey{}).(*http.Request)
	return r
}

// Bounds on attempts to log in, in each window: of one address for one account, of one
// address, and for one account from everywhere. The last is high: nobody shall be locked
// out by a stranger who tries.
const (
	loginWindow     = 5 * time.Minute
	loginsOfPair    = 10
	loginsOfAddress = 60
	loginsOfAccount = 300
	// loginsCounted bounds what is remembered of them.
	loginsCounted = 100_000
)

// attempts counts log-ins.
type attempts struct {
	// mu guards the rest.
	mu    sync.Mutex
	begun time.Time
	count map[string]int
}

// allow counts an attempt, and says whether it may be made.
func (a *attempts) allow(addr, account string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Sub(a.begun) >= loginWindow || a.count == nil {
		a.begun, a.count = now, map[string]int{}
	}
	from := network(addr).String()
	for _, limit := range []struct {
		of   string
		most int
	}{{from, loginsOfAddress}, {from + " " + account, loginsOfPair}, {" " + account, loginsOfAccount}} {
		n, known := a.count[limit.of]
		if n >= limit.most || !known && len(a.count) >= loginsCounted {
			return false
		}
		a.count[limit.of] = n + 1
	}
	return true
}

// sameOrigin refuses what pages of other web origins have a browser send to change
// something, with whatever cookies it has for this server: but for the few routes that
// are theirs to use, which go by no cookie.
func (s *server) sameOrigin() func(http.Handler) http.Handler {
	own := http.NewCrossOriginProtection()
	if s.PublicURL != nil { // behind what changes the Host header
		if err := own.AddTrustedOrigin((&url.URL{Scheme: s.PublicURL.Scheme, Host: s.PublicURL.Host}).String()); err != nil {
			s.Log.Warn("pages of the public URL may be refused", "err", err)
		}
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if pagesUse(r.URL.Path) == "" && own.Check(r) != nil {
				s.fail(w, r, &Problem{Status: http.StatusForbidden, Code: "cross_origin", Detail: "a page of another web origin may not do this",
					Hint: "open this server's own pages, or use an API token outside of a browser"})
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
