package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
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
	register(s, about(scopeEndpoint, operation("POST", "/endpoints/{id}/revocation", "revoke-endpoint", "End an endpoint's sessions and keep it out", catalog.RoleAdmin)),
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
			if s.Places != nil {
				s.Places.Expel(wire.EndpointID(in.ID), site.RevokedText(r.Reason))
			}
			r, err := s.Catalog.Revoked(ctx, in.ID)
			return &reply[catalog.Revocation]{r}, err
		})
	register(s, about(scopeEndpoint, operation("DELETE", "/endpoints/{id}", "remove-endpoint", "Forget an endpoint that is offline", catalog.RoleAdmin)),
		func(ctx context.Context, in *struct {
			ID string `path:"id"`
		}) (*struct{}, error) {
			ep, err := s.Catalog.Endpoint(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			online, err := s.isOnline(ctx, ep)
			if err != nil {
				return nil, err
			}
			if online {
				return nil, &Problem{Status: http.StatusConflict, Code: "online", Detail: "the endpoint is online",
					Hint: "stop its agent, or revoke it first"}
			}
			return &struct{}{}, s.Catalog.RemoveEndpoint(ctx, actor(ctx), in.ID)
		})
}

// isOnline reports whether an endpoint is online, wherever it is.
func (s *server) isOnline(ctx context.Context, ep catalog.Endpoint) (bool, error) {
	if _, err := s.runningOf(ctx, ep.Site); err != nil {
		return false, err
	}
	v, _ := s.known(ep, "")
	return v.Online, nil
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
	list, err := catalog.AllRevoked(ctx, s.Catalog)
	if err != nil {
		return nil, err
	}
	all := make(map[wire.EndpointID]string, len(list))
	for _, r := range list {
		text := r.At.UTC().Format(time.RFC3339)
		if r.Reason != "" {
			text += ": " + r.Reason
		}
		all[wire.EndpointID(r.Endpoint)] = text
	}
	return all, nil
}
