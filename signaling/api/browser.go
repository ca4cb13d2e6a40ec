package api

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// NewBrowserToken is what is needed to let pages of one web origin take part in some
// contents at a site.
type NewBrowserToken struct {
	Site       string       `json:"site"`
	Contents   []wire.Named `json:"contents" minItems:"1" maxItems:"16" doc:"without a version: the one that the site shall have, else the newest that was published"`
	Origin     string       `json:"origin,omitempty" maxLength:"280" doc:"web origin of the pages, as https://shop.example:8443; absent: that of this server's own page"`
	TTLSeconds int64        `json:"ttl_seconds,omitempty" minimum:"1" maximum:"2592000" default:"3600"`
}

// MadeBrowserToken is a new browser token.
type MadeBrowserToken struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
	URL     string    `json:"url,omitempty" doc:"of this server's page for the first content, with the token; absent for another web origin"`
	Trust   string    `json:"trust" doc:"digest of the organisation's root key, which pages of other web origins name when they join"`
}

// PathPage is where the page for a content is.
const PathPage = "/get/"

const (
	// MaxBrowserTTL bounds the life of a browser token: it can't be taken back.
	MaxBrowserTTL = 30 * 24 * time.Hour
	// maxSessionBytes bounds the request that trades a browser token.
	maxSessionBytes = 16 << 10
)

// browserSessionRequest takes what a later release adds, like [sessionRequest].
type browserSessionRequest struct {
	_ struct{} `additionalProperties:"true"`
	wire.BrowserSessionRequest
}

// browsers is how pages become endpoints.
func (s *server) browsers() {
	register(s, about(scopeBody, operation("POST", "/browser-tokens", "create-browser-token", "Let pages of a web origin take part in some contents at a site", catalog.RoleOperator)),
		func(ctx context.Context, in *struct{ Body NewBrowserToken }) (*reply[MadeBrowserToken], error) {
			made, err := s.browserToken(ctx, in.Body)
			return &reply[MadeBrowserToken]{made}, err
		})
	session := operation("POST", strings.TrimPrefix(wire.PathBrowserSession, "/api/v1"), "browser-session",
		"Trade a browser token and a signed nonce for a token", "")
	session.MaxBodyBytes = maxSessionBytes
	register(s, session, func(ctx context.Context, in *struct {
		Origin string `header:"Origin"`
		Body   browserSessionRequest
	}) (*reply[wire.BrowserSessionResponse], error) {
		out, err := s.browserSession(ctx, in.Origin, in.Body.BrowserSessionRequest)
		return &reply[wire.BrowserSessionResponse]{out}, err
	})
}

// browserToken makes a browser token. Nothing of it is kept but that it was made.
func (s *server) browserToken(ctx context.Context, in NewBrowserToken) (made MadeBrowserToken, err error) {
	if err := wire.CheckNamed(in.Contents); err != nil {
		return made, bad(err.Error(), "name each content as NAME, or NAME and a version")
	}
	own, err := wire.ParseOrigin((&url.URL{Scheme: s.PublicURL.Scheme, Host: s.PublicURL.Host}).String())
	if err != nil {
		return made, fmt.Errorf("public URL: %w", err)
	}
	visit := wire.Visit{Origin: own, Contents: in.Contents}
	if in.Origin != "" {
		if visit.Origin, err = wire.ParseOrigin(in.Origin); err != nil {
			return made, bad(err.Error(), "give the origin as browsers show it, https://HOST or https://HOST:PORT")
		}
	}
	if err := s.visitable(ctx, in.Site, in.Contents); err != nil {
		return made, err
	}
	now := time.Now()
	visit.Until = now.Add(time.Duration(in.TTLSeconds) * time.Second).Truncate(time.Second)
	token, err := s.Keys.IssueBrowser(in.Site, visit, now)
	if errors.Is(err, credential.ErrTooLong) {
		return made, bad(err.Error(), "name fewer contents, and make another token for the rest")
	}
	if err != nil {
		return made, err
	}
	names := make([]string, len(in.Contents))
	for i, n := range in.Contents {
		names[i] = n.String()
	}
	err = s.Catalog.Note(ctx, actor(ctx), "create browser token", strings.Join(names, ", ")+" at "+in.Site,
		"for "+visit.Origin+" until "+visit.Until.UTC().Format(time.RFC3339))
	made = MadeBrowserToken{Token: token, Expires: visit.Until, Trust: "sha256-" + base64.StdEncoding.EncodeToString(s.Keys.RootDigest())}
	if visit.Origin == own {
		page := s.PublicURL.JoinPath(PathPage, in.Contents[0].String())
		page.Fragment = token // which no server and no log sees
		made.URL = page.String()
	}
	return made, err
}

// visitable refuses contents that browsers at a site would not get.
func (s *server) visitable(ctx context.Context, site string, contents []wire.Named) error {
	orders, err := s.Catalog.Orders(ctx, site)
	if err != nil {
		return err
	}
	orders.Now = time.Now()
	ordered := catalog.Resolve(orders)
	for _, n := range contents {
		version, err := catalog.Meant(ctx, s.Catalog, ordered, n.Name, n.Version)
		if err != nil {
			return err
		}
		v, err := s.Catalog.Version(ctx, n.Name, version)
		if err != nil {
			return err
		}
		if _, ok := orders.Demand(ordered, n.Name, version, v.Serial); !ok {
			return &Problem{Status: http.StatusConflict, Code: "conflict", Detail: fmt.Sprintf("%s@%s was purged at %s", n.Name, version, site),
				Hint: "distribute it there again first, or name another version"}
		}
	}
	return nil
}

// browserSession makes an endpoint of a page that holds a browser token and a key.
func (s *server) browserSession(ctx context.Context, origin string, req wire.BrowserSessionRequest) (out wire.BrowserSessionResponse, err error) {
	now := time.Now()
	site, visit, err := s.Keys.IdentifyBrowser(req.Token, now)
	if err != nil {
		return out, err
	}
	if origin != visit.Origin {
		return out, &Problem{Status: http.StatusForbidden, Code: wire.CodeWrongOrigin, Detail: "the browser token is for pages of another web origin",
			Hint: "have one made for the origin of this page (sitecast link --origin)"}
	}
	out.Endpoint, out.Site = wire.IDOf(req.Key), site
	if err := s.Keys.Answered(wire.SessionRequest{Endpoint: out.Endpoint, Nonce: req.Nonce, Proof: req.Proof}, req.Key, now); err != nil {
		return out, err
	}
	if out.Token, out.Expires, err = s.Keys.IssueVisitor(out.Endpoint, site, visit, now); err != nil {
		return out, err
	}
	_, out.Trust, err = s.Catalog.Trust(ctx)
	out.Root, out.ServerTime = s.Keys.RootPublic, now
	return out, err
}

// crossOrigin lets pages of any web origin use the few routes that endpoints need besides
// the socket. What they open is proved by what is in the request, and never by a cookie.
func crossOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := pagesUse(r.URL.Path)
		if method == "" {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Expose-Headers", "Content-Range, "+wire.PacedHeader)
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			w.Header().Set("Access-Control-Allow-Methods", method)
			w.Header().Set("Access-Control-Allow-Headers", "Content-Type, Range, "+wire.PaceHeader)
			w.Header().Set("Access-Control-Max-Age", "86400")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// pagesUse is the method that pages of any origin may use at a path, "" for none.
func pagesUse(path string) string {
	switch {
	case path == wire.PathChallenge, path == wire.PathBrowserSession:
		return http.MethodPost
	case strings.HasPrefix(path, "/packs/"), strings.HasPrefix(path, "/bodies/"):
		return http.MethodGet
	}
	return ""
}
