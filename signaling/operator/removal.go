package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// Remove is `sitecast remove`.
type Remove struct {
	Remote
	Ref  string `arg:"" help:"Published version." placeholder:"NAME@V"`
	JSON bool   `name:"json" help:"Print a JSON object."`
}

// Help is the long help with an example.
func (Remove) Help() string {
	return `Has the server forget the version. What no other version needs of its packs is
deleted a day later. It is refused, with the reason, while a site shall have the
version and no newer one superseded it there, while a site keeps copies of it,
while it is pinned, while another version comes as patches to it, and while a page
has it fetched. What endpoints hold of it they keep: that is for sitecast purge.
The name is not used again: NAME@V never means other bytes.

Examples:
  sitecast remove till-app@1.9
  sitecast remove till-app@1.9 --json`
}

// Validate wants a version.
func (c Remove) Validate() error {
	_, err := content.ParseRef(c.Ref)
	return err
}

// Run removes the version.
func (c Remove) Run(ctx context.Context) error {
	ref, err := content.ParseRef(c.Ref)
	if err != nil {
		return err
	}
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	var removed api.Removed
	if err := server.call(ctx, http.MethodDelete, versionPath(ref), nil, nil, &removed); err != nil {
		return fmt.Errorf("remove %s: %w", ref, err)
	}
	if c.JSON {
		return c.printJSON(removed)
	}
	c.say("Removed %s.", ref)
	return nil
}

// versionPath is where a version is in the API.
func versionPath(ref content.Ref) string {
	return "/versions/" + url.PathEscape(ref.Name) + "/" + url.PathEscape(ref.Version)
}

// Retention is `sitecast retention`.
type Retention struct {
	Remote
	Rule    string        `arg:"" optional:"" enum:",off" default:"" help:"off: keep all versions." placeholder:"off"`
	Keep    int           `help:"Keep the newest N versions of each content." placeholder:"N"`
	Younger time.Duration `help:"And all that are younger." placeholder:"DURATION"`
	JSON    bool          `name:"json" help:"Print a JSON object."`
}

// Help is the long help with an example.
func (Retention) Help() string {
	return `Says which versions the server keeps though nothing needs them, and without flags
shows it, together with what lies at the origin. Others are removed, within an hour,
unless sitecast remove would refuse it. At first all are kept.

A pack is deleted when no version needs a chunk of it. Until then the chunks that none
needs stay in it: those are the dead bytes.

Examples:
  sitecast retention
  sitecast retention --keep 5 --younger 720h
  sitecast retention off`
}

// rule is what is asked for.
func (c Retention) rule() catalog.Retention {
	return catalog.Retention{Keep: c.Keep, Younger: c.Younger}
}

// Validate refuses what makes no sense.
func (c Retention) Validate() error {
	if c.Rule != "" && c.rule() != (catalog.Retention{}) {
		return errors.New("say off, or --keep N, not both")
	}
	return c.rule().Check()
}

// Run sets the rule, or shows it.
func (c Retention) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	var kept api.Kept
	if rule := c.rule(); c.Rule != "" || rule != (catalog.Retention{}) {
		in := api.Retention{Keep: rule.Keep, YoungerSeconds: int64(rule.Younger / time.Second)}
		err = server.call(ctx, http.MethodPut, "/retention", nil, in, &kept)
	} else {
		err = server.call(ctx, http.MethodGet, "/retention", nil, nil, &kept)
	}
	if err != nil {
		return fmt.Errorf("retention: %w", err)
	}
	if c.JSON {
		return c.printJSON(kept)
	}
	c.say("Rule: %s.", catalog.Retention{Keep: kept.Keep, Younger: time.Duration(kept.YoungerSeconds) * time.Second})
	if at := kept.Origin; !at.At.IsZero() {
		c.say("At the origin (counted %s): %d versions, %s in %d packs.", clockText(time.Now(), at.At), at.Versions, bytesText(at.Bytes), at.Packs)
		c.say("Of that no version needs %s; %d packs hold some of both. Objects that no version names: %d.", bytesText(at.Dead), at.Partly, at.Unused)
	}
	return nil
}
