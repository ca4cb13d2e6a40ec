// Package oidc lets a provider of OpenID Connect vouch for operators: the authorisation
// code flow with PKCE, state and nonce. What a person may do follows from a claim of the
// provider, by a table of the server's. It begins no session and keeps nothing.
package oidc

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// Paths at which the server sends people to the provider, and takes them back.
const (
	PathLogin    = "/oidc/login"
	PathCallback = "/oidc/callback"
)

// DefaultRoleClaim is the claim that roles follow from, unless told otherwise.
const DefaultRoleClaim = "groups"

// Limits.
const (
	httpTimeout   = 10 * time.Second
	maxSubject    = 255 // bytes, by the specification
	maxTitle      = 100 // bytes
	maxValues     = 1000
	maxCode       = 4 << 10
	maxAnswer     = 1 << 20
	pendingFields = 3
)

// Config says which provider, and what its word is worth.
type Config struct {
	Issuer       string // URL
	ClientID     string
	ClientSecret string   // empty for a public client
	Public       *url.URL // of this server
	Scopes       []string // asked for besides "openid"
	RoleClaim    string   // its name, with dots where it is within others; empty: DefaultRoleClaim
	Roles        []Mapping
	HTTP         *http.Client // nil: one of its own
}

// Mapping gives who has a value of the claim a role, at one site or (Site is empty) all.
type Mapping struct{ Value, Role, Site string }

// ParseMapping reads VALUE=ROLE or VALUE=ROLE:SITE.
func ParseMapping(text string) (m Mapping, err error) {
	at := strings.LastIndex(text, "=") // values may be names of directories, which have some
	if at < 1 {
		return m, fmt.Errorf("%.100q: want VALUE=ROLE or VALUE=ROLE:SITE, such as till-team=operator:shop-12", text)
	}
	m.Value = text[:at]
	var held bool
	m.Role, m.Site, held = strings.Cut(text[at+1:], ":")
	err = catalog.CheckRole(m.Role)
	if held {
		err = errors.Join(err, content.CheckName(m.Site))
	}
	if err != nil {
		return m, fmt.Errorf("%.100q: %w", text, err)
	}
	return m, nil
}

// Refusals.
var (
	// ErrRefused means that the provider's answer proves nothing. The reason is wrapped for
	// the log.
	ErrRefused = errors.New("the log-in elsewhere did not succeed")
	// ErrNoRole means that somebody is known to the provider, and no operator here.
	ErrNoRole = errors.New("nothing that the provider says of this account makes it an operator here")
	// ErrAway means that the provider can't be reached, which may pass.
	ErrAway = errors.New("the provider of log-ins can't be reached")
)

// Provider is a provider of OpenID Connect. It is asked for its addresses and keys when
// it is needed first, so that a server starts while its provider is away.
type Provider struct {
	// Set by New, then constant.
	cfg  Config
	http *http.Client

	// mu guards the rest.
	mu    sync.Mutex
	known *oidc.Provider
}

// New checks a configuration.
func New(cfg Config) (*Provider, error) {
	issuer, err := url.Parse(cfg.Issuer)
	if err != nil || issuer.Host == "" || issuer.Scheme != "https" && issuer.Scheme != "http" {
		return nil, fmt.Errorf("issuer %.200q is not a URL such as https://id.example", cfg.Issuer)
	}
	if issuer.Scheme == "http" && issuer.Hostname() != "127.0.0.1" && issuer.Hostname() != "localhost" && issuer.Hostname() != "::1" {
		return nil, fmt.Errorf("issuer %s: plain http is for loopback only, as anybody on the way could log in", cfg.Issuer)
	}
	if cfg.ClientID == "" {
		return nil, errors.New("the provider knows this server by a client id: give one")
	}
	if len(cfg.Roles) == 0 {
		return nil, errors.New("nobody would be an operator: say which values of the claim give which role")
	}
	if cfg.RoleClaim == "" {
		cfg.RoleClaim = DefaultRoleClaim
	}
	client := http.Client{Timeout: httpTimeout}
	if cfg.HTTP != nil {
		client = *cfg.HTTP
	}
	client.Transport = bounded{cmp.Or[http.RoundTripper](client.Transport, http.DefaultTransport)}
	return &Provider{cfg: cfg, http: &client}, nil
}

// bounded bounds what is read of an answer: the libraries read all there is.
type bounded struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, maxAnswer), answer.Body}
	return answer, nil
}

// Title is how people know the provider.
func (p *Provider) Title() string {
	at, err := url.Parse(p.cfg.Issuer)
	if err != nil {
		return p.cfg.Issuer
	}
	return at.Host
}

// find asks the provider for its addresses, once.
func (p *Provider) find(ctx context.Context) (*oidc.Provider, oauth2.Config, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		// Its keys are asked for again later, after this request.
		known, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.http), p.cfg.Issuer)
		if err != nil {
			return nil, oauth2.Config{}, fmt.Errorf("%w: %w", ErrAway, err)
		}
		p.known = known
	}
	return p.known, oauth2.Config{ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, Endpoint: p.known.Endpoint(),
		RedirectURL: p.cfg.Public.JoinPath(PathCallback).String(), Scopes: append([]string{oidc.ScopeOpenID}, p.cfg.Scopes...)}, nil
}

// Begin returns where to send somebody, and what their browser has to bring back: for
// nobody but them, and for some minutes.
func (p *Provider) Begin(ctx context.Context) (to, pending string, err error) {
	_, config, err := p.find(ctx)
	if err != nil {
		return "", "", err
	}
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	to = config.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))
	return to, strings.Join([]string{state, nonce, verifier}, "."), nil
}

// Finish checks what the provider sends somebody back with, and returns the account that
// it vouches for.
func (p *Provider) Finish(ctx context.Context, pending string, back url.Values) (o catalog.Operator, err error) {
	fields := strings.Split(pending, ".")
	if len(pending) > maxCode || len(fields) != pendingFields {
		return o, fmt.Errorf("%w: this browser did not begin it, or too long ago", ErrRefused)
	}
	state, nonce, verifier := fields[0], fields[1], fields[2]
	if subtle.ConstantTimeCompare([]byte(back.Get("state")), []byte(state)) != 1 {
		return o, fmt.Errorf("%w: it belongs to another attempt", ErrRefused)
	}
	code := back.Get("code")
	if code == "" || len(code) > maxCode {
		return o, fmt.Errorf("%w: the provider says %.100q", ErrRefused, back.Get("error"))
	}
	known, config, err := p.find(ctx)
	if err != nil {
		return o, err
	}
	ctx = oidc.ClientContext(ctx, p.http)
	token, err := config.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return o, fmt.Errorf("%w: trade the code: %w", ErrRefused, err)
	}
	raw, _ := token.Extra("id_token").(string)
	proof, err := known.VerifierContext(ctx, &oidc.Config{ClientID: p.cfg.ClientID}).Verify(ctx, raw)
	if err != nil {
		return o, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if subtle.ConstantTimeCompare([]byte(proof.Nonce), []byte(nonce)) != 1 {
		return o, fmt.Errorf("%w: the nonce is that of another attempt", ErrRefused)
	}
	var claims map[string]any
	if err := proof.Claims(&claims); err != nil {
		return o, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return p.cfg.account(proof.Issuer, proof.Subject, claims)
}

// account is what claims come to.
func (c Config) account(issuer, subject string, claims map[string]any) (o catalog.Operator, err error) {
	if subject == "" || len(subject) > maxSubject || strings.ContainsFunc(subject, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return o, fmt.Errorf("%w: its subject can't be one", ErrRefused)
	}
	o = catalog.Operator{Name: catalog.ForeignPrefix + subject, Issuer: issuer}
	for _, name := range []string{"email", "preferred_username", "name"} {
		if text, _ := claims[name].(string); text != "" && len(text) <= maxTitle && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			o.Title = text
			break
		}
	}
	o.Role, o.Sites = c.granted(values(claims, c.RoleClaim))
	if o.Role == "" {
		return o, ErrNoRole
	}
	return o, catalog.CheckScope(o.Sites)
}

// granted is the highest role that values give, at the sites for which they give it.
func (c Config) granted(values []string) (role string, sites []string) {
	everywhere := false
	for _, m := range c.Roles {
		switch {
		case !slices.Contains(values, m.Value), role != "" && !catalog.Allows(m.Role, role):
			continue
		case m.Role != role:
			role, sites, everywhere = m.Role, nil, false
		}
		if everywhere = everywhere || m.Site == ""; !everywhere && !slices.Contains(sites, m.Site) {
			sites = append(sites, m.Site)
		}
	}
	if everywhere {
		sites = nil
	}
	slices.Sort(sites)
	return role, sites
}

// values reads a claim: one text, or a list of them.
func values(claims map[string]any, name string) (out []string) {
	var found any = claims
	for _, step := range strings.Split(name, ".") {
		within, _ := found.(map[string]any)
		found = within[step]
	}
	switch v := found.(type) {
	case string:
		return []string{v}
	case []any:
		for _, item := range v[:min(len(v), maxValues)] {
			if text, ok := item.(string); ok {
				out = append(out, text)
			}
		}
	}
	return out
}
