package api

import (
	"context"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// EndpointChange changes what it names of an endpoint.
type EndpointChange struct {
	Roaming *bool `json:"roaming,omitempty" doc:"true: it is matched with a site by the map of networks on each connect; false: it is fixed to the site where it enrolled"`
}

// RegisteredEndpoint is an endpoint as it is registered.
type RegisteredEndpoint struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Site    string `json:"site" doc:"where it enrolled"`
	Roaming bool   `json:"roaming"`
}

// roaming is how endpoints are let go from the site where they enrolled, and fixed to it.
func (s *server) roaming() {
	register(s, about(scopeEndpoint, operation("PATCH", "/endpoints/{id}", "change-endpoint", "Fix an endpoint to its site, or let it roam", catalog.RoleAdmin)),
		func(ctx context.Context, in *struct {
			ID   string `path:"id"`
			Body EndpointChange
		}) (*reply[RegisteredEndpoint], error) {
			ep, err := s.Catalog.Endpoint(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			if on := in.Body.Roaming; on != nil && *on != ep.Roaming {
				// Who roams may be anywhere, and who was anywhere belongs to one site.
				if err := s.Catalog.SetRoaming(ctx, actor(ctx), in.ID, *on); err != nil {
					return nil, err
				}
				if ep.Roaming = *on; s.Places != nil {
					s.Places.PlaceAnew(wire.EndpointID(in.ID), "an operator changed whether it roams")
				}
			}
			return &reply[RegisteredEndpoint]{RegisteredEndpoint{ep.ID, ep.Name, ep.Site, ep.Roaming}}, nil
		})
}

// aboutEndpoint is the site that a request is about by the endpoint of its path; "", which is all
// of them, where nobody knows it: whether it is there is not told to whom it does not concern.
func (s *server) aboutEndpoint(ctx context.Context, id string) (string, error) {
	ep, err := s.Catalog.Endpoint(ctx, id)
	if missing(err) {
		return "", nil
	}
	return ep.Site, err
}
