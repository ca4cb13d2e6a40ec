package agent

import (
	"context"
	"fmt"

	"github.com/sitecast/sitecast/edge/doctor"
)

// behindPortal says in words that guests have to log on before the network lets the
// server be reached; empty where nothing looks like it. What such a network answers is
// never taken for the server's: its certificate is not the pinned one, and what is
// signed is verified.
func (cfg Config) behindPortal(ctx context.Context) string {
	seen, found := doctor.Portal(ctx, cfg.Dial, cfg.Server)
	if !found {
		return ""
	}
	return fmt.Sprintf("%s: %s; open a browser on this network and log on, the agent goes on by itself", doctor.FaultPortal, seen)
}
