package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// NewRevocation says why an endpoint is believed no more.
type NewRevocation struct {
	Reason string `json:"reason,omitempty" maxLength:"200"`
}

// errRevoked is what an endpoint is told that was revoked.
func errRevoked() error {
	return &Problem{Status: http.StatusUnauthorized, Code: "revoked", Detail: "this endpoint was revoked",
		Hint: "enrol it again with a new token from `sitecast enrol`: it makes another key"}
}

// revocations is how endpoints are kept out.
func (s *server) revocations() {
	register(s, operation("POST", "/endpoints/{id}/revocation", "revoke-endpoint", "End an endpoint's sessions and keep it out", catalog.RoleAdmin),
		func(ctx context.Context, in *struct {
			ID   string `path:"id"`
			Body NewRevocation
		}) (*reply[catalog.Revocation], error) {
			r := catalog.Revocation{Endpoint: in.ID, At: time.Now(), Reason: in.Body.Reason}
			if !printable(r.Reason) {
				return nil, bad("the reason has characters that can't be printed", "")
			}
			if err := s.Catalog.Revoke(ctx, actor(ctx), r); err != nil {
				return nil, err
			}
			s.Hub.Changed("") // it may have been elsewhere a moment ago
			r, err := s.Catalog.Revoked(ctx, in.ID)
			return &reply[catalog.Revocation]{r}, err
		})
	register(s, operation("DELETE", "/endpoints/{id}", "remove-endpoint", "Forget an endpoint that is offline", catalog.RoleAdmin),
		func(ctx context.Context, in *struct {
			ID string `path:"id"`
		}) (*struct{}, error) {
			ep, err := s.Catalog.Endpoint(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			list, err := s.endpoints(ctx, ep.Site)
			if err != nil {
				return nil, err
			}
			for _, e := range list {
				if e.ID == wire.EndpointID(in.ID) && e.Online {
					return nil, &Problem{Status: http.StatusConflict, Code: "online", Detail: "the endpoint is online",
						Hint: "stop its agent, or revoke it first"}
				}
			}
			return &struct{}{}, s.Catalog.RemoveEndpoint(ctx, actor(ctx), in.ID)
		})
}

// turnAway fails where an endpoint was revoked.
func (s *server) turnAway(ctx context.Context, id wire.EndpointID) error {
	_, err := s.Catalog.Revoked(ctx, string(id))
	switch {
	case err == nil:
		return errRevoked()
	case errors.Is(err, catalog.ErrNotFound):
		return nil
	}
	return err
}

// revoked says of endpoints since when and why they were revoked.
func (s *server) revoked(ctx context.Context) (map[wire.EndpointID]string, error) {
	all, after := map[wire.EndpointID]string{}, ""
	for {
		page, err := s.Catalog.Revocations(ctx, after, catalog.MaxPage)
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			text := r.At.UTC().Format(time.RFC3339)
			if r.Reason != "" {
				text += ": " + r.Reason
			}
			all[wire.EndpointID(r.Endpoint)], after = text, r.Endpoint
		}
		if len(page) < catalog.MaxPage {
			return all, nil
		}
	}
}
