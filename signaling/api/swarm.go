package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// swarms adds what is drawn of a site. Both are asked for each second or two by who looks at it.
func (s *server) swarms() {
	register(s, about(scopePath, operation("GET", "/sites/{name}/swarm", "show-swarm", "Show who is online at a site, their links, and what moves", catalog.RoleViewer)),
		func(ctx context.Context, in *struct {
			Name string `path:"name"`
		}) (*reply[site.SwarmView], error) {
			return atSite(ctx, s, in.Name, (*site.Site).Swarm)
		})
	register(s, about(scopePath, operation("GET", "/sites/{name}/chunks", "show-chunks", "Show which chunks of a flow each endpoint holds", catalog.RoleViewer)),
		func(ctx context.Context, in *struct {
			Name    string `path:"name"`
			Content string `query:"content" required:"true" minLength:"1" maxLength:"100"`
			Version string `query:"version" maxLength:"100" doc:"absent: the newest at the site"`
		}) (*reply[site.ChunkMap], error) {
			out, err := atSite(ctx, s, in.Name, func(owner *site.Site, ctx context.Context) (site.ChunkMap, error) {
				return owner.Chunks(ctx, content.Ref{Name: in.Content, Version: in.Version})
			})
			if errors.Is(err, site.ErrNoFlow) {
				err = &Problem{Status: http.StatusNotFound, Code: "not_found", Detail: fmt.Sprintf("%.100s is not distributed to %s", in.Content, in.Name),
					Hint: "sitecast flows --site " + in.Name + " lists what is"}
			}
			return out, err
		})
}

// atSite asks the loop of a site.
func atSite[T any](ctx context.Context, s *server, name string, ask func(*site.Site, context.Context) (T, error)) (*reply[T], error) {
	if _, err := s.Catalog.Site(ctx, name); err != nil {
		return nil, err
	}
	owner := s.Hub.Site(name)
	if owner == nil {
		return nil, site.ErrStopped
	}
	ctx, stop := context.WithTimeout(ctx, viewTimeout)
	defer stop()
	out, err := ask(owner, ctx)
	if err != nil {
		return nil, err
	}
	return &reply[T]{out}, nil
}
