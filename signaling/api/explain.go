package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sitecast/sitecast/signaling/reason"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

type explainQuery struct {
	Site      string `query:"site" required:"true" minLength:"1" maxLength:"100"`
	Content   string `query:"content" required:"true" minLength:"1" maxLength:"100"`
	Version   string `query:"version" maxLength:"100" doc:"absent: the newest at the site"`
	Endpoint  string `query:"endpoint" maxLength:"255" doc:"id or name of one whose story is to be told, too"`
	Endpoints bool   `query:"endpoints" doc:"tell those of all endpoints, up to 100, those first who lack something"`
}

// stories adds why flows and endpoints move or do not.
func (s *server) stories() {
	register(s, about(scopeQuery, operation("GET", "/flows/explain", "explain-flow", "Say why a flow moves or does not, and how that came about", catalog.RoleViewer)),
		func(ctx context.Context, in *explainQuery) (*reply[reason.FlowStory], error) {
			story, err := s.flowStory(ctx, *in)
			return &reply[reason.FlowStory]{story}, err
		})
	register(s, about(scopeQuery, operation("GET", "/endpoints/explain", "explain-endpoint", "Say where an endpoint is, and why what it shall have moves or does not", catalog.RoleViewer)),
		func(ctx context.Context, in *struct {
			Endpoint string `query:"endpoint" required:"true" minLength:"1" maxLength:"255" doc:"its id"`
		}) (*reply[reason.EndpointStory], error) {
			story, err := s.endpointStory(ctx, in.Endpoint)
			return &reply[reason.EndpointStory]{story}, err
		})
}

// flowStory asks a site for the story of a flow.
func (s *server) flowStory(ctx context.Context, q explainQuery) (story reason.FlowStory, err error) {
	if _, err := s.Catalog.Site(ctx, q.Site); err != nil {
		return story, err
	}
	owner := s.Hub.Site(q.Site)
	if owner == nil {
		return story, site.ErrStopped
	}
	ctx, stop := context.WithTimeout(ctx, viewTimeout)
	defer stop()
	ref := content.Ref{Name: q.Content, Version: q.Version}
	story, err = owner.Explain(ctx, site.Question{Ref: ref, Endpoint: q.Endpoint, All: q.Endpoints})
	switch {
	case errors.Is(err, site.ErrNoFlow):
		return story, &Problem{Status: http.StatusNotFound, Code: "not_found", Detail: fmt.Sprintf("%.100s is not distributed to %s, and was not since this server began", q.Content, q.Site),
			Hint: "sitecast flows --site " + q.Site + " lists what is; sitecast distribute NAME@V --site " + q.Site + " orders it"}
	case err == nil && q.Endpoint != "" && len(story.Endpoints) == 0:
		return story, &Problem{Status: http.StatusNotFound, Code: "not_found", Detail: fmt.Sprintf("no endpoint called %.60q had a part in it since this server began", q.Endpoint),
			Hint: "sitecast endpoints --site " + q.Site + " lists them; sitecast explain --endpoint says where one is"}
	}
	return story, err
}

// endpointStory says where an endpoint is, and why its flows move or do not. Nobody learns
// of one at a site that is not theirs.
func (s *server) endpointStory(ctx context.Context, id string) (story reason.EndpointStory, err error) {
	v, err := s.find(ctx, id)
	if err != nil {
		return story, err
	}
	if !asker(ctx).sees(cmp.Or(v.Site, v.Enrolled, quarantine)) {
		return story, fmt.Errorf("endpoint %.80q: %w", id, catalog.ErrNotFound)
	}
	is, since := reason.Reason{Code: reason.Offline}, v.LastSeen
	rev, err := s.Catalog.Revoked(ctx, id)
	switch {
	case err == nil:
		is, since = reason.Reason{Code: reason.Revoked, What: cmp.Or(rev.Reason, "no reason was given")}, rev.At
	case !missing(err):
		return story, err
	case v.Quarantined:
		is, since = reason.Reason{Code: reason.Quarantined, What: v.Evidence}, v.Since
	case v.Online:
		is, since = reason.Reason{Code: reason.Online, What: v.Site}, v.Since
	}
	story = reason.EndpointStory{Endpoint: id, Name: v.Name, Site: v.Site, Enrolled: v.Enrolled, Evidence: v.Evidence,
		Why: is.Why(since, nil, reason.Subject{Site: v.Site, Endpoint: v.Name}), Flows: []reason.PartStory{}}
	owner := s.Hub.Live(v.Site)
	if owner == nil {
		return story, nil
	}
	ctx, stop := context.WithTimeout(ctx, viewTimeout)
	defer stop()
	story.Flows, err = owner.ExplainEndpoint(ctx, wire.EndpointID(id))
	for _, p := range story.Flows { // the site knows when it left, the catalog when it came
		if is.Code == reason.Offline && p.Why.Code == is.Code && p.Why.Since.After(story.Why.Since) {
			story.Why.Since = p.Why.Since
		}
	}
	return story, err
}

// find returns an endpoint that enrolled, or a page that is online, as it is shown now.
func (s *server) find(ctx context.Context, id string) (v site.EndpointView, err error) {
	e, err := s.Catalog.Endpoint(ctx, id)
	if err != nil && !missing(err) {
		return v, err
	}
	if err != nil {
		if lookErr := s.board.LookAtRunning(ctx); lookErr != nil {
			return v, lookErr
		}
		for _, name := range s.Hub.Running() {
			if v, online := s.board.Site(name).Online(id); online {
				return v.At(time.Now()), nil
			}
		}
		return v, err
	}
	where := e.Site
	if at, online := s.standing(wire.EndpointID(id)); online && at.Site != "" {
		where = at.Site
	}
	if s.Hub.Live(where) != nil {
		if err := s.board.Look(ctx, []string{where}); err != nil {
			return v, err
		}
	}
	v, _ = s.known(e, "")
	return v, nil
}
