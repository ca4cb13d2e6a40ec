package operator

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/units"
)

// Overview is `sitecast overview`.
type Overview struct {
	Remote
	JSON bool `name:"json" help:"Print it as JSON."`
}

// Help is the long help with an example.
func (Overview) Help() string {
	return `What there is, how the flows stand, and what wants attention, the worst first: flows that are
halted, can't go on or will be late, endpoints that peers reported or that are in quarantine,
and kiosks that took a version back.

Example:
  sitecast overview`
}

// Run shows it.
func (c Overview) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	var o api.Overview
	if err := server.call(ctx, http.MethodGet, "/overview", nil, nil, &o); err != nil {
		return fmt.Errorf("show how things stand: %w", err)
	}
	if c.JSON {
		return c.printJSON(o)
	}
	c.say("%d sites, %d endpoints (%d online, and %d browsers), %d contents, %d versions", o.Sites, o.Endpoints, o.Online, o.Browsers, o.Contents, o.Versions)
	flows := "flows:"
	for _, state := range slices.Sorted(maps.Keys(o.States)) {
		flows += fmt.Sprintf(" %d %s,", o.States[state], state)
	}
	c.say("%s %s over the WAN, %s between peers", flows, units.Bits(o.WANBPS), units.Bits(o.PeerBPS))
	for _, a := range o.Attention {
		c.say("%-10s  %s", a.Code, clean(a.Text))
	}
	switch {
	case o.AttentionMore > 0:
		c.say("and %d more", o.AttentionMore)
	case len(o.Attention) == 0:
		c.say("nothing wants attention")
	}
	return nil
}
