package operator

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/sitecast/sitecast/signaling/api"
)

// EndpointSet is `sitecast endpoint set`.
type EndpointSet struct {
	Remote
	Endpoint string `arg:"" name:"id" help:"The endpoint: its id, the beginning of it, or its name."`
	Roaming  string `help:"on: it is matched with a site by the map of networks whenever it connects; off: it is fixed to the site where it enrolled." enum:"on,off" required:""`
	JSON     bool   `name:"json" help:"Print the endpoint as JSON."`
}

// Help is the long help with an example.
func (EndpointSet) Help() string {
	return `It connects again at once, and is where it belongs by then.

Example:
  sitecast endpoint set laptop-7 --roaming on`
}

// Run changes the endpoint.
func (c EndpointSet) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	e, err := server.endpoint(ctx, c.Endpoint)
	if err != nil {
		return err
	}
	on := c.Roaming == "on"
	var out api.RegisteredEndpoint
	if err := server.call(ctx, http.MethodPatch, "/endpoints/"+url.PathEscape(string(e.ID)), nil, api.EndpointChange{Roaming: &on}, &out); err != nil {
		return fmt.Errorf("change %s: %w", e.ID.Short(), err)
	}
	switch {
	case c.JSON:
		return c.printJSON(out)
	case out.Roaming:
		c.say("%s (%s) roams; it enrolled at %s.", clean(out.Name), e.ID.Short(), out.Site)
	default:
		c.say("%s (%s) is fixed to %s.", clean(out.Name), e.ID.Short(), out.Site)
	}
	return nil
}
