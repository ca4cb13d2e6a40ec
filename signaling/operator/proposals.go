package operator

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// proposed says that a distribution waits for somebody else.
func (c Distribute) proposed(ref content.Ref, where string, id int64) error {
	if c.Wait {
		return fmt.Errorf("%s waits for somebody else's approval as proposal %d, so nothing moves yet\n  they run: sitecast approve %d", ref, id, id)
	}
	c.say("Proposed %s to %s. Somebody else approves it with: sitecast approve %d", ref, where, id)
	return nil
}

// Approve is `sitecast approve`.
type Approve struct {
	Remote
	ID int64 `arg:"" help:"Number of the proposal, as sitecast proposals lists it."`
}

// Help is the long help with an example.
func (Approve) Help() string {
	return `Approves what somebody else proposed (sitecast proposals): a distribution to all sites or
a query, a rollback or an activation. It is done then, and a rollback goes to where the
bad version is by then. Who made a token counts as who uses it.

Example:
  sitecast approve 7`
}

// Run approves the proposal.
func (c Approve) Run(ctx context.Context) error {
	if err := c.decide(ctx, c.ID, "approve"); err != nil {
		return err
	}
	c.say("Approved proposal %d: it is ordered.", c.ID)
	return nil
}

// Reject is `sitecast reject`.
type Reject struct {
	Remote
	ID int64 `arg:"" help:"Number of the proposal, as sitecast proposals lists it."`
}

// Help is the long help with an example.
func (Reject) Help() string { return "Example:\n  sitecast reject 7" }

// Run rejects the proposal.
func (c Reject) Run(ctx context.Context) error {
	if err := c.decide(ctx, c.ID, "reject"); err != nil {
		return err
	}
	c.say("Rejected proposal %d.", c.ID)
	return nil
}

func (r Remote) decide(ctx context.Context, id int64, how string) error {
	server, err := r.client()
	if err != nil {
		return err
	}
	defer server.close()
	if err := server.call(ctx, http.MethodPost, fmt.Sprintf("/proposals/%d/%s", id, how), nil, nil, nil); err != nil {
		return fmt.Errorf("%s proposal %d: %w", how, id, err)
	}
	return nil
}

// Proposals is `sitecast proposals`.
type Proposals struct {
	Remote
	JSON bool `name:"json" help:"Print JSON."`
}

// Help is the long help with an example.
func (Proposals) Help() string { return "Example:\n  sitecast proposals --json" }

// Run lists the proposals.
func (c Proposals) Run(ctx context.Context) error {
	return show(ctx, c.Remote, c.JSON, "proposals", "/proposals", "ID\tVERSION\tPRIORITY\tBY\tPROPOSED\tWHAT", func(p catalog.Proposal) string {
		d := p.Distribution
		return fmt.Sprintf("%d\t%s@%s\t%s\t%s\t%s\t%s", p.ID, d.Name, d.Version, cmp.Or(d.Priority, "-"), p.By, whenText(p.Created, "-"), p)
	})
}

// FourEyes is `sitecast four-eyes`.
type FourEyes struct {
	Remote
	State string `arg:"" optional:"" help:"on or off (default: say which it is)." enum:"on,off," default:"" placeholder:"on|off"`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Help is the long help with an example.
func (FourEyes) Help() string {
	return `While it is on, what brings a version to all sites or to a query, or into use there, waits
until somebody else approves it: distribute with --all, --tag or --query, rollback with
--all or of a distribution, activate with --all. What stops a version does not wait: pause,
block, purge, halting a rollout, activate --hold. Nor does what names its sites.

Example:
  sitecast four-eyes on`
}

// Run shows or changes the setting.
func (c FourEyes) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	var got api.FourEyes
	if c.State == "" {
		err = server.call(ctx, http.MethodGet, "/four-eyes", nil, nil, &got)
	} else {
		err = server.call(ctx, http.MethodPut, "/four-eyes", nil, api.FourEyes{On: c.State == "on"}, &got)
	}
	if err != nil {
		return fmt.Errorf("four eyes: %w", err)
	}
	if c.JSON {
		return c.printJSON(got)
	}
	if got.On {
		c.say("on: what brings a version to all sites or a query, or into use there, waits until somebody else approves it.")
		return nil
	}
	c.say("off")
	return nil
}
