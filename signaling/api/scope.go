package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/policy"
)

// scope says what a route is about, and so how those are held to their sites who may
// act at some only. It is declared with the route and checked here, for all of them,
// before its handler runs. What declares nothing is scopeOrganisation.
type scope string

const (
	scopeOpen         scope = "open"         // nobody has to say who they are
	scopeSelf         scope = "self"         // who asks, and nobody else
	scopeShared       scope = "shared"       // what everybody reads, whatever their sites: it names none
	scopeOrganisation scope = "organisation" // all sites: only for who may act at all
	scopePath         scope = "path"         // the site that the path names as {name}
	scopeQuery        scope = "query"        // a list: of the site that ?site= names, or of all that who asks may see
	scopeBody         scope = "body"         // the sites that the body names, see sited
	scopeEndpoint     scope = "endpoint"     // the site of the endpoint that the path names as {id}
	scopeLevel        scope = "level"        // the site that a level of the settings is, or its endpoint's
)

// sited is the body of a request of scopeBody. An empty name stands for all sites.
type sited interface{ sites() []string }

func (n NewEnrolment) sites() []string    { return []string{n.Site} }
func (n NewBrowserToken) sites() []string { return []string{n.Site} }
func (n NewRule) sites() []string         { return []string{n.Site} }
func (n EndedRules) sites() []string      { return []string{n.Site} }

func (n NewDistribution) sites() []string {
	// What a query means may come to be any site, and so may what is rolled back be at any.
	if n.All || n.Target != "" || n.Replaces > 0 || len(n.Sites) == 0 {
		return []string{""}
	}
	return n.Sites
}

// about declares the scope of a route.
func about(sc scope, op huma.Operation) huma.Operation {
	op.Metadata["scope"] = sc
	op.Extensions = map[string]any{"x-role": op.Metadata["role"], "x-scope": string(sc)}
	return op
}

// scopeOf is the scope of a route.
func scopeOf(op huma.Operation) scope {
	if sc, ok := op.Metadata["scope"].(scope); ok {
		return sc
	}
	if op.Metadata["role"] == "" {
		return scopeOpen
	}
	return scopeOrganisation
}

// sitesOf is what the body of a request names; false where it can't name any.
func sitesOf(in any) ([]string, bool) {
	body := reflect.ValueOf(in).Elem().FieldByName("Body")
	if !body.IsValid() {
		return nil, false
	}
	named, ok := body.Interface().(sited)
	if !ok {
		return nil, false
	}
	return named.sites(), true
}

// levelOf is the level of the settings that a request is about, and its subject: of its body,
// or of itself; false where it names none.
func levelOf(in any) (level policy.Level, subject string, ok bool) {
	v := reflect.ValueOf(in).Elem()
	if body := v.FieldByName("Body"); body.IsValid() && body.Kind() == reflect.Struct {
		v = body
	}
	of, about := v.FieldByName("Level"), v.FieldByName("Subject")
	if !of.IsValid() || !about.IsValid() {
		return "", "", false
	}
	level, ok = of.Interface().(policy.Level)
	return level, about.String(), ok
}

// withinInput holds who asks to their sites by what a request holds, once it was read.
func (s *server) withinInput(ctx context.Context, sc scope, in any) error {
	who := asker(ctx)
	switch {
	case who.everywhere():
	case sc == scopeBody:
		sites, _ := sitesOf(in)
		return who.mayAt(sites...)
	case sc == scopeLevel:
		switch level, subject, _ := levelOf(in); level {
		case policy.Site:
			return who.mayAt(subject)
		case policy.Endpoint:
			e, err := s.endpointNamed(ctx, subject)
			if p := new(Problem); missing(err) || errors.As(err, &p) { // several have the name
				return who.mayAt("")
			}
			if err != nil {
				return err
			}
			return who.mayAt(e.Site)
		}
		return who.mayAt("")
	}
	return nil
}

// within holds somebody to their sites, as far as can be said without the body.
func (a Actor) within(sc scope, ctx huma.Context) error {
	switch sc {
	case scopeOrganisation:
		return a.mayAt("")
	case scopePath:
		return a.mayAt(ctx.Param("name"))
	case scopeQuery:
		if site := ctx.Query("site"); site != "" {
			return a.mayAt(site)
		}
	}
	return nil
}

// everywhere reports whether somebody may act at all sites, also later ones.
func (a Actor) everywhere() bool { return len(a.Sites) == 0 }

// sees reports whether something is theirs to see that is about a site, or ("") about all.
func (a Actor) sees(site string) bool {
	return a.everywhere() || site == "" || slices.Contains(a.Sites, site)
}

// mayAt refuses who may not act at all of these sites; an empty name, or none, is all
// there are. The answer is the same whether a site is there or not.
func (a Actor) mayAt(sites ...string) error {
	if a.everywhere() {
		return nil
	}
	beyond := slices.IndexFunc(sites, func(site string) bool { return !slices.Contains(a.Sites, site) })
	if len(sites) > 0 && beyond < 0 {
		return nil
	}
	what := "all sites"
	if len(sites) > 0 && sites[beyond] != "" {
		what = fmt.Sprintf("site %.100q", sites[beyond])
	}
	return &Problem{Status: http.StatusForbidden, Code: "out_of_scope", Detail: fmt.Sprintf("%s may act at %s, and this is about %s", a.Name, list(a.Sites), what),
		Hint: "name one of these sites, or use an account or token for all of them"}
}

// list names a few of many.
func list(names []string) string {
	const few = 5
	text := strings.Join(names[:min(few, len(names))], ", ")
	if len(names) > few {
		text += fmt.Sprintf(" and %d more", len(names)-few)
	}
	return text
}

// registerList adds a route that lists, in pages, what is each about a site, or ("") about
// all. Whatever its handler finds, nobody is told of what is not theirs to see; pages of
// who may see some sites only are shorter by that.
func registerList[I, T any](s *server, op huma.Operation, siteOf func(T) string, handle func(context.Context, *I) (*listed[T], error)) {
	register(s, about(scopeQuery, op), func(ctx context.Context, in *I) (*listed[T], error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, err
		}
		who := asker(ctx)
		out.Body = slices.DeleteFunc(out.Body, func(item T) bool { return !who.sees(siteOf(item)) })
		return out, nil
	})
}

// findSites lists the sites that who asks may see, by name.
func (s *server) findSites(ctx context.Context, q catalog.SitesQuery) ([]catalog.Site, error) {
	who := asker(ctx)
	if who.everywhere() {
		return s.Catalog.FindSites(ctx, q)
	}
	out := []catalog.Site{}
	for _, name := range slices.Sorted(slices.Values(who.Sites)) {
		if name <= q.After || len(out) == q.Limit || !strings.HasPrefix(name, q.Prefix) {
			continue
		}
		found, err := s.Catalog.Site(ctx, name)
		switch {
		case err == nil:
			out = append(out, found)
		case !missing(err):
			return nil, err
		}
	}
	return out, nil
}
