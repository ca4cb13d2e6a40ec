package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/policy"
)

// maxAltered bounds the sites and endpoints that are named in an [Alteration].
const maxAltered = 100

// SettingsChange changes what a level says. A value that is empty takes back what was set.
type SettingsChange struct {
	Level   policy.Level        `json:"level" enum:"organisation,tag,site,endpoint"`
	Subject string              `json:"subject,omitempty" maxLength:"128" doc:"a tag, a site, or the id or name of an endpoint; nothing for the organisation"`
	Changes []policy.Assignment `json:"changes" minItems:"1" maxItems:"64"`
}

// Alteration is what a change alters of what holds at sites and endpoints.
type Alteration struct {
	DryRun    bool      `json:"dry_run"`   // nothing was changed
	Sites     int       `json:"sites"`     // of which something else holds
	Endpoints int       `json:"endpoints"` // likewise
	Altered   []Altered `json:"altered"`   // the first of them
}

// Altered is a site, or an endpoint, of which something else holds.
type Altered struct {
	Site     string              `json:"site"`
	Endpoint string              `json:"endpoint,omitempty"`
	Name     string              `json:"name,omitempty"` // of the endpoint
	Values   []policy.Difference `json:"values"`
}

// Explained is what holds at a site or an endpoint, and why.
type Explained struct {
	Site     string             `json:"site"`
	Endpoint string             `json:"endpoint,omitempty"`
	Name     string             `json:"name,omitempty"`
	Tags     []string           `json:"tags"` // of either
	Settings []policy.Effective `json:"settings"`
	// Month and MonthBytes are what the site took over the WAN, as counted last.
	Month      string `json:"month,omitempty"`
	MonthBytes int64  `json:"month_bytes"`
}

func (s *server) settings() {
	register(s, operation("GET", "/settings", "list-settings", "List what is set, at all levels", catalog.RoleViewer),
		func(ctx context.Context, in *struct{ PageAfter }) (*listed[policy.Setting], error) {
			book, err := s.Catalog.Policy(ctx, "")
			if err != nil {
				return nil, err
			}
			return pageOf(ctx, slices.Clone(book.Settings), in.PageAfter, settingKey), nil
		})
	register(s, about(scopeShared, operation("GET", "/settings/keys", "list-setting-keys", "List what can be set", catalog.RoleViewer)),
		func(context.Context, *struct{}) (*reply[[]policy.Key], error) {
			return &reply[[]policy.Key]{policy.Keys()}, nil
		})
	register(s, about(scopeLevel, operation("PUT", "/settings", "change-settings", "Set, or take back, what a level says", catalog.RoleOperator)),
		func(ctx context.Context, in *struct {
			DryRun bool `query:"dry_run" doc:"change nothing, and say what would be altered"`
			Body   SettingsChange
		}) (*reply[Alteration], error) {
			return s.changeSettings(ctx, in.Body, in.DryRun)
		})
	register(s, about(scopeLevel, operation("DELETE", "/settings", "unset-settings", "Take back what a level says", catalog.RoleOperator)),
		func(ctx context.Context, in *struct {
			DryRun  bool         `query:"dry_run" doc:"change nothing, and say what would be altered"`
			Level   policy.Level `query:"level" required:"true" enum:"organisation,tag,site,endpoint"`
			Subject string       `query:"subject" maxLength:"128"`
			Keys    []string     `query:"key" required:"true" minItems:"1" maxItems:"64"`
		}) (*reply[Alteration], error) {
			change := SettingsChange{Level: in.Level, Subject: in.Subject}
			for _, key := range in.Keys {
				change.Changes = append(change.Changes, policy.Assignment{Key: key})
			}
			return s.changeSettings(ctx, change, in.DryRun)
		})
	register(s, about(scopeQuery, operation("GET", "/policy", "explain-policy", "Say what holds at a site or endpoint, and why", catalog.RoleViewer)),
		func(ctx context.Context, in *struct {
			Site     string `query:"site" maxLength:"128"`
			Endpoint string `query:"endpoint" maxLength:"128" doc:"id or name"`
		}) (*reply[Explained], error) {
			out, err := s.explain(ctx, in.Site, in.Endpoint)
			return &reply[Explained]{out}, err
		})
	s.tags()
}

func (s *server) tags() {
	register(s, operation("GET", "/tags", "list-tags", "List tags, and who bears them", catalog.RoleViewer),
		func(ctx context.Context, in *struct{ PageAfter }) (*listed[policy.Tagged], error) {
			book, err := s.Catalog.Policy(ctx, "")
			if err != nil {
				return nil, err
			}
			return pageOf(ctx, slices.Clone(book.Tags), in.PageAfter, tagKey), nil
		})
	register(s, operation("PUT", "/tags/{name}", "change-tag", "Make a tag, or change its priority and who bears it", catalog.RoleOperator),
		func(ctx context.Context, in *struct {
			Name   string `path:"name"`
			DryRun bool   `query:"dry_run" doc:"change nothing, and say what would be altered"`
			Body   policy.TagChange
		}) (*reply[Alteration], error) {
			in.Body.Name = in.Name
			return s.changeTag(ctx, in.Body, in.DryRun)
		})
	register(s, operation("DELETE", "/tags/{name}", "drop-tag", "Remove a tag with all that is set for it", catalog.RoleOperator),
		func(ctx context.Context, in *struct {
			Name   string `path:"name"`
			DryRun bool   `query:"dry_run" doc:"change nothing, and say what would be altered"`
		}) (*reply[Alteration], error) {
			book, err := s.Catalog.Policy(ctx, "")
			if err != nil {
				return nil, err
			}
			if err := bearable(book, in.Name); err != nil {
				return nil, err
			}
			out, err := s.alters(ctx, book, book.WithoutTag(in.Name), policy.Scope{Level: policy.Organisation})
			if err == nil && !in.DryRun {
				err = s.Catalog.DropTag(ctx, actor(ctx), in.Name)
			}
			return s.altered(out, in.DryRun, err)
		})
}

// altered is the answer to a change that was made, or would be.
func (s *server) altered(out Alteration, dry bool, err error) (*reply[Alteration], error) {
	if err != nil {
		return nil, err
	}
	if out.DryRun = dry; !dry {
		s.Hub.Changed("")
	}
	return &reply[Alteration]{out}, nil
}

// bearable refuses a tag that is not there.
func bearable(book *policy.Book, tag string) error {
	if slices.ContainsFunc(book.Tags, func(t policy.Tagged) bool { return t.Name == tag }) {
		return nil
	}
	return &Problem{Status: http.StatusNotFound, Code: "not_found", Detail: fmt.Sprintf("there is no tag %.60q", tag),
		Hint: "make it with `sitecast tag add TAG --site NAME`"}
}

func (s *server) changeSettings(ctx context.Context, in SettingsChange, dry bool) (*reply[Alteration], error) {
	scope := policy.Scope{Level: in.Level, Subject: in.Subject}
	changes, err := policy.CheckChanges(scope, in.Changes)
	if err != nil {
		return nil, bad(err.Error(), "`sitecast policy keys` lists what can be set, and how values are written")
	}
	site := ""
	switch scope.Level {
	case policy.Endpoint:
		var e catalog.Endpoint
		if e, err = s.endpointNamed(ctx, scope.Subject); err == nil {
			site, scope.Subject = e.Site, e.ID
		}
	case policy.Site:
		site = scope.Subject
		_, err = s.Catalog.Site(ctx, site)
	}
	if err != nil {
		return nil, err
	}
	book, err := s.Catalog.Policy(ctx, site)
	if err == nil && scope.Level == policy.Tag {
		err = bearable(book, scope.Subject)
	}
	if err != nil {
		return nil, err
	}
	out, err := s.alters(ctx, book, book.With(scope, changes), scope)
	if err == nil && !dry {
		err = s.Catalog.ChangeSettings(ctx, actor(ctx), scope, changes)
	}
	return s.altered(out, dry, err)
}

func (s *server) changeTag(ctx context.Context, change policy.TagChange, dry bool) (*reply[Alteration], error) {
	if err := change.Check(); err != nil {
		return nil, bad(err.Error(), "")
	}
	book, err := s.Catalog.Policy(ctx, "")
	if err != nil {
		return nil, err
	}
	if change.Priority == nil && len(change.AddSites)+len(change.AddEndpoints) == 0 && len(change.RemoveSites)+len(change.RemoveEndpoints) > 0 {
		if err := bearable(book, change.Name); err != nil {
			return nil, err
		}
	}
	for _, site := range change.AddSites {
		if _, err := s.Catalog.Site(ctx, site); err != nil {
			return nil, err
		}
	}
	for _, list := range [][]string{change.AddEndpoints, change.RemoveEndpoints} {
		for i, text := range list {
			e, err := s.endpointNamed(ctx, text)
			if err != nil {
				return nil, err
			}
			list[i] = e.ID
		}
	}
	out, err := s.alters(ctx, book, book.WithTag(change), policy.Scope{Level: policy.Organisation})
	if err == nil && !dry {
		err = s.Catalog.ChangeTag(ctx, actor(ctx), change)
	}
	return s.altered(out, dry, err)
}

// endpointNamed finds an endpoint by its id, or by a name that no other has.
func (s *server) endpointNamed(ctx context.Context, text string) (found catalog.Endpoint, err error) {
	found, err = s.Catalog.Endpoint(ctx, text)
	if !errors.Is(err, catalog.ErrNotFound) {
		return found, err
	}
	n := 0
	err = s.eachEndpoint(ctx, "", func(e catalog.Endpoint) {
		if e.Name == text {
			found, n = e, n+1
		}
	})
	switch {
	case err != nil:
	case n == 0:
		err = fmt.Errorf("endpoint %.60q: %w", text, catalog.ErrNotFound)
	case n > 1:
		err = &Problem{Status: http.StatusConflict, Code: "conflict", Detail: fmt.Sprintf("%d endpoints are named %.60q", n, text),
			Hint: "say its id: `sitecast endpoints --json` lists them"}
	}
	return found, err
}

// eachEndpoint shows every endpoint of a site, or (empty) of all.
func (s *server) eachEndpoint(ctx context.Context, site string, do func(catalog.Endpoint)) error {
	for after := ""; ; {
		page, err := s.Catalog.Endpoints(ctx, site, after, catalog.MaxPage)
		if err != nil {
			return err
		}
		for _, e := range page {
			do(e)
			after = e.ID
		}
		if len(page) < catalog.MaxPage {
			return nil
		}
	}
}

// alters compares two books for all whom a scope is about.
func (s *server) alters(ctx context.Context, before, after *policy.Book, scope policy.Scope) (Alteration, error) {
	out := Alteration{Altered: []Altered{}}
	add := func(n *int, who Altered) {
		if who.Values = before.Alters(after, who.Site, who.Endpoint); len(who.Values) == 0 {
			return
		}
		*n++
		if len(out.Altered) < maxAltered {
			out.Altered = append(out.Altered, who)
		}
	}
	endpoint := func(e catalog.Endpoint) {
		add(&out.Endpoints, Altered{Site: e.Site, Endpoint: e.ID, Name: e.Name})
	}
	switch scope.Level {
	case policy.Endpoint:
		e, err := s.Catalog.Endpoint(ctx, scope.Subject)
		endpoint(e)
		return out, err
	case policy.Site:
		add(&out.Sites, Altered{Site: scope.Subject})
		return out, s.eachEndpoint(ctx, scope.Subject, endpoint)
	}
	for next := ""; ; {
		page, err := s.Catalog.Sites(ctx, next, catalog.MaxPage)
		if err != nil {
			return out, err
		}
		for _, site := range page {
			add(&out.Sites, Altered{Site: site.Name})
			next = site.Name
		}
		if len(page) < catalog.MaxPage {
			return out, s.eachEndpoint(ctx, "", endpoint)
		}
	}
}

// explain says what holds at a site or an endpoint.
func (s *server) explain(ctx context.Context, site, endpoint string) (out Explained, err error) {
	if (site == "") == (endpoint == "") {
		return out, bad("say which site, or which endpoint", "use --site NAME or --endpoint NAME")
	}
	if endpoint != "" {
		e, err := s.endpointNamed(ctx, endpoint)
		if err != nil {
			return out, err
		}
		site, out.Endpoint, out.Name = e.Site, e.ID, e.Name
		if at, online := s.standing(wire.EndpointID(e.ID)); online && at.Site != "" {
			site = at.Site // where it is now
		}
		if err := asker(ctx).mayAt(e.Site, site); err != nil {
			return out, err
		}
	}
	if _, err := s.Catalog.Site(ctx, site); err != nil {
		return out, err
	}
	book, err := s.Catalog.Policy(ctx, site)
	if err != nil {
		return out, err
	}
	spent, err := s.Catalog.Spent(ctx, site)
	out.Site, out.Month, out.MonthBytes = site, spent.Month, spent.Bytes
	out.Settings, out.Tags = book.Explain(site, out.Endpoint), []string{}
	for _, t := range book.Tags {
		if slices.Contains(t.Sites, site) || out.Endpoint != "" && slices.Contains(t.Endpoints, out.Endpoint) {
			out.Tags = append(out.Tags, t.Name)
		}
	}
	return out, err
}
