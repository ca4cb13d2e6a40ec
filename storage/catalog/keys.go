package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// ErrRevoked means that an endpoint's key was revoked: it gets in again only with
// another key.
var ErrRevoked = errors.New("endpoint was revoked")

// MaxRevokeReason bounds what is kept of why, in bytes.
const MaxRevokeReason = 200

// Revocation is an endpoint whose key is not believed any more, also after the endpoint
// was removed.
type Revocation struct {
	Endpoint string    `json:"endpoint"`
	At       time.Time `json:"at"` // in milliseconds
	Reason   string    `json:"reason,omitempty"`
}

// Check reports what is wrong with a revocation.
func (r Revocation) Check() error {
	if len(r.Reason) > MaxRevokeReason {
		return fmt.Errorf("reason of %d bytes, limit %d", len(r.Reason), MaxRevokeReason)
	}
	return nil
}

// Keys is what is done about keys that are not what they should be.
type Keys interface {
	// Resign replaces the signed head of a published version, by one of the same payload,
	// as the caller has verified; ErrNotFound where there is no such version with this id.
	Resign(ctx context.Context, by, name, version string, id content.VersionID, head json.RawMessage) error

	// Revoke has an endpoint be believed no more, which Enrol then refuses with ErrRevoked;
	// ErrNotFound where it is not known. Again, it changes nothing.
	Revoke(ctx context.Context, by string, r Revocation) error
	// Revoked returns the revocation of an endpoint, ErrNotFound where there is none, and
	// Revocations lists them by endpoint.
	Revoked(ctx context.Context, endpoint string) (Revocation, error)
	Revocations(ctx context.Context, after string, limit int) ([]Revocation, error)
	// RemoveEndpoint forgets an endpoint, but not that it was revoked; ErrNotFound where it
	// is not known.
	RemoveEndpoint(ctx context.Context, by, id string) error
}

// AllRevoked reads all revocations.
func AllRevoked(ctx context.Context, c Keys) (all []Revocation, err error) {
	for after := ""; ; after = all[len(all)-1].Endpoint {
		page, err := c.Revocations(ctx, after, MaxPage)
		if all = append(all, page...); err != nil || len(page) < MaxPage {
			return all, err
		}
	}
}
