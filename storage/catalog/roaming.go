package catalog

import "context"

// Roaming says who is matched with a site on each connect.
type Roaming interface {
	// SetRoaming has an endpoint be matched anew on each connect, or be fixed to the site at
	// which it enrolled; ErrNotFound where it is not known.
	SetRoaming(ctx context.Context, by, endpoint string, roaming bool) error
}
