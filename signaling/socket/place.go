package socket

import (
	"context"
	"errors"
	"net/netip"

	"github.com/sitecast/sitecast/signaling/wire"
)

// place finds out at which site an endpoint is. At another than its token's the welcome
// is another, too.
func (s *Server) place(ctx context.Context, who Identity, hello wire.Hello, from netip.Addr, welcome *wire.Welcome) (Identity, error) {
	if s.cfg.Place == nil {
		return who, nil
	}
	placed, err := s.cfg.Place(ctx, who, hello, from)
	if err == nil && placed.Site != who.Site {
		*welcome, err = s.cfg.Welcome(ctx, placed)
	}
	if errors.Is(err, ErrUnavailable) {
		s.cfg.Log.Warn("refusing a socket for now", "endpoint", who.ID.Short(), "err", err)
		err = &wire.RefusedError{Code: wire.CodeOverloaded, Detail: "not available now; try again"}
	}
	return placed, err
}
