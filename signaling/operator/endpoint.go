package operator

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/site"
)

// Endpoint is `sitecast endpoint`.
type Endpoint struct {
	Set    EndpointSet    `cmd:"" help:"Let an endpoint roam, or fix it to its site."`
	Revoke EndpointRevoke `cmd:"" help:"End an endpoint's sessions and keep its key out."`
	Remove EndpointRemove `cmd:"" help:"Forget an endpoint that is offline."`
}

// EndpointRevoke is `sitecast endpoint revoke`.
type EndpointRevoke struct {
	Remote
	Endpoint string `arg:"" name:"id" help:"The endpoint: its id, the beginning of it, or its name."`
	Reason   string `help:"Why; its operators read it." placeholder:"TEXT"`
}

// Help is the long help with an example.
func (EndpointRevoke) Help() string {
	return `Its sessions end at once, its tokens and relay credentials are refused, and peers drop
their links to it. To let it in again put a new token into its token file and start its
agent anew: it makes another key. Enrolment tokens that it may know are good until they
end: make them with few uses and a short time.

Example:
  sitecast endpoint revoke 4f2a91bc --reason "disk stolen"`
}

// Run revokes the endpoint.
func (c EndpointRevoke) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	e, err := server.endpoint(ctx, c.Endpoint)
	if err != nil {
		return err
	}
	address := "/endpoints/" + url.PathEscape(string(e.ID)) + "/revocation"
	if err := server.call(ctx, http.MethodPost, address, nil, api.NewRevocation{Reason: c.Reason}, nil); err != nil {
		return fmt.Errorf("revoke %s: %w", e.ID.Short(), err)
	}
	c.say("Revoked %s (%s at %s).", e.ID.Short(), clean(e.Name), e.Site)
	return nil
}

// EndpointRemove is `sitecast endpoint remove`.
type EndpointRemove struct {
	Remote
	Endpoint string `arg:"" name:"id" help:"The endpoint: its id, the beginning of it, or its name."`
}

// Help is the long help with an example.
func (EndpointRemove) Help() string {
	return `Takes an endpoint that is gone out of the list. If it was revoked, its key stays so.

Example:
  sitecast endpoint remove 4f2a91bc`
}

// Run removes the endpoint.
func (c EndpointRemove) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	e, err := server.endpoint(ctx, c.Endpoint)
	if err != nil {
		return err
	}
	if err := server.call(ctx, http.MethodDelete, "/endpoints/"+url.PathEscape(string(e.ID)), nil, nil, nil); err != nil {
		return fmt.Errorf("remove %s: %w", e.ID.Short(), err)
	}
	c.say("Removed %s (%s at %s).", e.ID.Short(), clean(e.Name), e.Site)
	return nil
}

// endpoint finds the endpoint that is meant.
func (c *client) endpoint(ctx context.Context, text string) (found site.EndpointView, err error) {
	list, err := c.endpoints(ctx, "")
	if err != nil {
		return found, fmt.Errorf("look for the endpoint: %w", err)
	}
	n := 0
	for _, e := range list {
		if string(e.ID) == text {
			return e, nil
		}
		if len(text) >= leastID && strings.HasPrefix(string(e.ID), text) || e.Name == text {
			found, n = e, n+1
		}
	}
	switch n {
	case 0:
		return found, fmt.Errorf("no endpoint is called %.80q: `sitecast endpoints` lists them", text)
	case 1:
		return found, nil
	}
	return found, fmt.Errorf("%d endpoints are called %.80q: say the id of one, as `sitecast endpoints` shows it", n, text)
}
