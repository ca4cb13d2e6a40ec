package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// Link is `sitecast link`.
type Link struct {
	Remote
	Content string        `arg:"" help:"Content, or one version of it." placeholder:"NAME[@V]"`
	Site    string        `help:"Site whose endpoints the browser joins." required:"" placeholder:"NAME"`
	TTL     time.Duration `name:"ttl" help:"How long the token in it may be used, 30 days at most." default:"1h" placeholder:"DURATION"`
	Origin  string        `help:"Web origin of another server's pages: prints the token alone, for that server to hand out." placeholder:"URL"`
	JSON    bool          `name:"json" help:"Print token, when it ends, URL, and what pages of other origins name as trust, as JSON."`
	And     []string      `name:"and" help:"Further content that pages may take part in (repeatable)." placeholder:"NAME[@V]"`
}

// Help is the long help with an example.
func (Link) Help() string {
	return `Prints the URL of the server's download page, with a browser token in it, and nothing
else. Whoever opens it joins the site as an endpoint for this content alone, until the
token ends: it can't be taken back. The token stands behind the # of the URL, which
browsers send to no server. Without a version it is the one that the site shall have,
else the newest that was published. With --origin it is the token alone; --json adds
the digest that such pages give to join() as trust. It stays the same.

Examples:
  sitecast link promo-films --site shop-12 --ttl 8h
  sitecast link till-app@2.1 --site shop-12 --origin https://intranet.example
  sitecast link till-app --site shop-12 --origin https://intranet.example --json`
}

// named is what the command names.
func (c Link) named() ([]wire.Named, error) {
	var out []wire.Named
	for _, text := range append([]string{c.Content}, c.And...) {
		ref, err := parseContent(text)
		if err != nil {
			return nil, err
		}
		out = append(out, wire.Named(ref))
	}
	return out, wire.CheckNamed(out)
}

// Validate refuses a token nobody could use.
func (c Link) Validate() error {
	if c.TTL < time.Second || c.TTL > api.MaxBrowserTTL {
		return fmt.Errorf("--ttl %v: give 1s to %v", c.TTL, api.MaxBrowserTTL)
	}
	if c.Content == "" {
		return errors.New("say which content: NAME, or NAME@V")
	}
	if c.Origin != "" {
		if _, err := wire.ParseOrigin(c.Origin); err != nil {
			return fmt.Errorf("--origin: %w", err)
		}
	}
	_, err := c.named()
	return errors.Join(err, content.CheckName(c.Site))
}

// Run prints the URL, or the token.
func (c Link) Run(ctx context.Context) error {
	contents, err := c.named()
	if err != nil {
		return err
	}
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	in := api.NewBrowserToken{Site: c.Site, Contents: contents, Origin: c.Origin, TTLSeconds: int64(c.TTL / time.Second)}
	var made api.MadeBrowserToken
	if err := server.call(ctx, http.MethodPost, "/browser-tokens", nil, in, &made); err != nil {
		return fmt.Errorf("make a browser token for %s at %s: %w", c.Content, c.Site, err)
	}
	if c.JSON {
		return c.printJSON(made)
	}
	if c.Origin != "" {
		c.say("%s", made.Token)
		return nil
	}
	c.say("%s", made.URL)
	return nil
}
