package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/sitecast/sitecast/signaling/pair"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

func (s *server) pairs() {
	register(s, about(scopePath, operation("GET", "/sites/{name}/pair", "explain-pair", "Say why two endpoints are linked or not", catalog.RoleViewer)),
		func(ctx context.Context, in *struct {
			Name string `path:"name"`
			A    string `query:"a" required:"true" minLength:"1" maxLength:"255" doc:"name or id of an endpoint"`
			B    string `query:"b" required:"true" minLength:"1" maxLength:"255" doc:"name or id of another"`
		}) (*reply[pair.Report], error) {
			if _, err := s.Catalog.Site(ctx, in.Name); err != nil {
				return nil, err
			}
			list, err := s.endpoints(ctx, in.Name)
			if err != nil {
				return nil, err
			}
			a, err := endOf(list, in.A)
			if err != nil {
				return nil, err
			}
			b, err := endOf(list, in.B)
			if err != nil {
				return nil, err
			}
			if a.ID == b.ID {
				return nil, bad("both are the same endpoint", "name two endpoints of the site")
			}
			owner := s.Hub.Site(in.Name)
			if owner == nil {
				return nil, site.ErrStopped
			}
			ctx, stop := context.WithTimeout(ctx, viewTimeout)
			defer stop()
			report, err := owner.Pair(ctx, a, b)
			return &reply[pair.Report]{report}, err
		})
}

// endOf finds an endpoint by its id, or by its name where only one has it.
func endOf(list []site.EndpointView, text string) (end pair.End, err error) {
	for _, e := range list {
		switch {
		case e.ID == wire.EndpointID(text):
			return pair.End{ID: e.ID, Name: e.Name}, nil
		case e.Name != text:
		case end.ID != "":
			return end, bad(fmt.Sprintf("several endpoints are called %.60q", text), "give the id, as sitecast endpoints --json shows it")
		default:
			end = pair.End{ID: e.ID, Name: e.Name}
		}
	}
	if end.ID == "" {
		return end, &Problem{Status: http.StatusNotFound, Code: "not_found", Detail: fmt.Sprintf("no endpoint of the site is called %.60q", text),
			Hint: "sitecast endpoints lists them"}
	}
	return end, nil
}
