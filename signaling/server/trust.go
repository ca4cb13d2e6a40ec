package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/storage/content"
)

// firstTrust makes a trust document that the root key signs, where the newest is of another
// root key or there is none. After a root key was replaced nobody may publish until an
// operator says so: what the old key signed may be of whoever had it.
func (s *Server) firstTrust(ctx context.Context) error {
	serial, document, err := s.catalog.Trust(ctx)
	if err != nil {
		return err
	}
	by := "first start"
	if serial > 0 {
		_, err := content.OpenTrust(document, s.keys.RootPublic)
		if !errors.Is(err, content.ErrUntrusted) {
			return err
		}
		by = "start with another root key"
		s.log.Warn("the organisation has another root key: add publishers again, sign versions anew, and enrol endpoints again with new tokens")
	}
	if s.keys.Root == nil {
		return fmt.Errorf("make the first trust document: %w", credential.ErrRootOffline)
	}
	signed, err := content.SignTrust(content.TrustDocument{Serial: serial + 1, Created: time.Now()}, s.keys.Root)
	if err != nil {
		return err
	}
	return s.catalog.PutTrust(ctx, by, serial+1, signed)
}
