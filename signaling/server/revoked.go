package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/socket"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// revoked are the endpoints whose keys are believed no more, as they were read last, and
// why. The relay asks for each request, and must not wait for the catalog.
type revoked struct {
	by atomic.Pointer[map[wire.EndpointID]string]
}

// read reads them from the catalog. What it returns is not changed any more.
func (r *revoked) read(ctx context.Context, c catalog.Catalog) (map[wire.EndpointID]string, error) {
	list, err := catalog.AllRevoked(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("read who was revoked: %w", err)
	}
	all := make(map[wire.EndpointID]string, len(list))
	for _, one := range list {
		all[wire.EndpointID(one.Endpoint)] = one.Reason
	}
	r.by.Store(&all)
	return all, nil
}

// user reports whether a user of the relay, "endpoint/site", was revoked.
func (r *revoked) user(name string) bool {
	all := r.by.Load()
	if all == nil {
		return false
	}
	id, _, _ := strings.Cut(name, "/")
	_, is := (*all)[wire.EndpointID(id)]
	return is
}

// believed fails where an endpoint's key is believed no more: its tokens last a while.
func (s *Server) believed(ctx context.Context, id wire.EndpointID) error {
	_, err := s.catalog.Revoked(ctx, string(id))
	switch {
	case err == nil:
		return fmt.Errorf("%w: endpoint %s was revoked", credential.ErrToken, id.Short())
	case errors.Is(err, catalog.ErrNotFound):
		return nil
	}
	return fmt.Errorf("%w: %w", socket.ErrUnavailable, err)
}
