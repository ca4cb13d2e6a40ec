package server

import (
	"context"
	"fmt"
	"os"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/content"
)

// needs are what the server can't do without, besides its catalog.
func (s *Server) needs() []api.Need {
	return []api.Need{{Name: "packs", Check: s.packsThere}, {Name: "trust", Check: s.trusted}}
}

// packsThere reports why objects can't be read: no object has the digest that is asked for,
// which the store has to be there to say.
func (s *Server) packsThere(ctx context.Context) error {
	if s.cfg.Objects == nil && !inBucket(s.cfg.Packs) {
		if _, err := os.Stat(s.cfg.Packs); err != nil {
			return err
		}
	}
	_, err := s.objects.Has(ctx, content.Digest{})
	return err
}

// trusted reports why endpoints could trust nothing that is published.
func (s *Server) trusted(ctx context.Context) error {
	serial, document, err := s.catalog.Trust(ctx)
	if err != nil {
		return err
	}
	if _, err := content.OpenTrust(document, s.keys.RootPublic); err != nil {
		return fmt.Errorf("trust document %d: %w", serial, err)
	}
	return nil
}
