package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/sitecast/sitecast/signaling/pair"
	"github.com/sitecast/sitecast/signaling/wire/finding"
)

// Pair is `sitecast doctor pair`.
type Pair struct {
	Remote
	A    string `arg:"" help:"Name or id of an endpoint."`
	B    string `arg:"" help:"Name or id of another one of the same site."`
	Site string `help:"Their site." required:"" placeholder:"NAME"`
	JSON bool   `name:"json" help:"Print the report as JSON."`
}

// Help is the long help with an example.
func (Pair) Help() string {
	return `The server asks both endpoints what they saw of their attempts at a link, and says
which way is used, which ways failed, and what to do. The exit code is 0 when they are
linked or need no link, and 1 when something stands between them.

Example:
  sitecast doctor pair --site shop-12 till-1 till-4`
}

// errApart means that two endpoints are not linked that should be.
var errApart = errors.New("something stands between the two: do what the report says, and ask again")

// Run asks and prints.
func (c Pair) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	var r pair.Report
	if err := server.call(ctx, http.MethodGet, "/sites/"+url.PathEscape(c.Site)+"/pair", url.Values{"a": {c.A}, "b": {c.B}}, nil, &r); err != nil {
		return fmt.Errorf("examine %s and %s: %w", c.A, c.B, err)
	}
	if c.JSON {
		err = c.printJSON(r)
	} else {
		_, err = fmt.Fprint(c.stdout(), finding.Text(r.Findings, r.Path, r.Advice))
	}
	if err == nil && !r.Linked && r.Stands() {
		err = errApart
	}
	return err
}
