package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// Distribute is `sitecast distribute`.
type Distribute struct {
	Remote
	Ref      string   `arg:"" help:"Published version." placeholder:"NAME@V"`
	Site     []string `help:"Site that shall have it (repeatable)." placeholder:"NAME" sep:"none"`
	All      bool     `help:"Every site shall have it, also those created later."`
	Priority string   `help:"high, normal or low." enum:"high,normal,low" default:"normal"`
	ReadyBy  ReadyBy  `name:"ready-by" help:"When it shall be complete at the latest: 2027-03-04T06:00:00+01:00, or from now: 6h. It is then sent no faster than needed." placeholder:"TIME"`
	PreStage int      `name:"pre-stage" help:"Place so many copies at each site ahead of need; distribute it again without this to open it to all." placeholder:"K"`
	Aiming
	Wait    bool          `help:"Show progress, and return when every endpoint online at those sites has it."`
	Timeout time.Duration `help:"With --wait: give up after this time (0: never)." placeholder:"DURATION"`
	Held
}

// Help is the long help with an example.
func (Distribute) Help() string {
	return `Endpoints that are offline get the version when they come back. With --wait the
exit code is 1 when an endpoint that is online can't get it, or when nobody is
online. Pages in browsers are not waited for: they come and go.

With --ready-by it is sent at the least rate that suffices, as long as everything
else that goes to a site has such a time, too; sitecast flows says when it is
expected to be complete, and why when that will be later.

With --pre-stage K only K endpoints of each site get it, those that are usually on
and have room; when one of them stays away, another takes its place.
What endpoints have of the content stays wanted. Distribute the version again
without --pre-stage, and it goes to all, over the LAN.

With --activate hold every endpoint gets it and none uses it, until sitecast activate says
so; with --activate-at each uses it from that instant on, also without a network then.
Until then the version before stays in use, and wanted.

With --tag or --query it goes to the sites that this means now, and to those that
it means later: a site gets it with the tag, and nothing more of it without. A query is
made of tag:TAG, name:PATTERN, tz:PATTERN and all, with and, or, not and parentheses;
--dry-run lists the sites. With --not-before nothing of it is fetched until then.

With --window it goes over the WAN in those hours of the week only, by each site's clock,
where the site's own windows are open, too; what a site holds goes round at any hour. Rules
have ";" between them, and the first counts that covers an hour: "sat 10:00-12:00 closed; sat,sun".
Hours that none covers are closed. What the last distribution of a version says counts:
distribute it again without --window to lift it.

With --ring it goes on in rings: the next one opens when those before it pass their
gates, and where too much fails everything halts. See sitecast rollout --help.

Examples:
  sitecast distribute till-app@2.1 --query 'tag:emea and not tag:pilot or name:store-1*' --dry-run
  sitecast distribute till-app@2.1 --all --ring 'canary=tag:canary; soak 24h' --ring 'rest=rest; at-once 50'
  sitecast distribute till-app@3.0 --all --pre-stage 2
  sitecast distribute till-app@2.1 --site shop-12 --site shop-13 --wait
  sitecast distribute till-app@2.1 --all --ready-by 2027-03-04T06:00:00+01:00
  sitecast distribute till-app@2.1 --site shop-12 --ready-by 6h
  sitecast distribute till-app@2.1 --all --priority low
  sitecast distribute till-app@2.1 --all --window 'mon-fri 22:00-05:00'
  sitecast distribute prices@7 --all --activate hold
  sitecast distribute prices@7 --all --activate-at 2026-12-01T03:00:00+01:00`
}

// Validate wants sites, or all.
func (c Distribute) Validate() error {
	if err := c.where(len(c.Site) > 0, c.All); err != nil {
		return err
	}
	if c.Wait && (c.DryRun || c.inRings() || c.NotBefore != ReadyBy{}) {
		return errors.New("--wait is for what begins now and everywhere: `sitecast rollout show` says how far the rest is")
	}
	if _, err := content.ParseRef(c.Ref); err != nil {
		return err
	}
	if c.PreStage < 0 || c.PreStage > catalog.MaxReplicas {
		return fmt.Errorf("--pre-stage: want 1 to %d copies", catalog.MaxReplicas)
	}
	now := time.Now()
	if err := catalog.CheckReadyBy(c.ReadyBy.time(now), now); err != nil {
		return fmt.Errorf("--ready-by: %w", err)
	}
	return c.Held.Validate()
}

// Run orders the version and, if told to, waits for it.
func (c Distribute) Run(ctx context.Context) error {
	ref, err := content.ParseRef(c.Ref)
	if err != nil {
		return err
	}
	c.Site = slices.Compact(slices.Sorted(slices.Values(c.Site)))
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	in := api.NewDistribution{Name: ref.Name, Version: ref.Version, Sites: c.Site, All: c.All, Priority: wire.Priority(c.Priority),
		ReadyBy: c.ReadyBy.time(time.Now()), PreStage: c.PreStage}
	used, err := c.order(ctx, server, &in)
	if err != nil {
		return fmt.Errorf("sign the instant of activation: %w", err)
	}
	if err := c.aim(&in); err != nil {
		return err
	}
	if c.DryRun {
		return c.preview(ctx, server, c.Remote, in)
	}
	var change api.Change
	if err := server.call(ctx, http.MethodPost, "/distributions", nil, in, &change); err != nil {
		return fmt.Errorf("distribute %s: %w", ref, err)
	}
	where := strings.Join(c.Site, ", ")
	switch {
	case c.All:
		where = "all sites"
	case in.Target != "":
		where = "the sites that " + in.Target + " means"
	}
	where += ringsText(in.Rings)
	if change.Proposal > 0 {
		return c.proposed(ref, where, change.Proposal)
	}
	if at := in.NotBefore; !at.IsZero() {
		where += ", not before " + clockText(time.Now(), at)
	}
	if in.Window != "" {
		where += ", fetched in " + in.Window
	}
	if by := in.ReadyBy; !by.IsZero() {
		where += ", to be ready by " + clockText(time.Now(), by)
	}
	if c.PreStage > 0 {
		where += fmt.Sprintf(", in %d copies ahead of need", c.PreStage)
	}
	c.say("Ordered %s to %s%s.", ref, where, used)
	if c.inRings() {
		c.say("Next: sitecast rollout show %d", change.Distribution)
	}
	if !c.Wait {
		return nil
	}
	return c.wait(ctx, server, ref)
}

// wait shows the flows until they are complete or can't become so.
func (c Distribute) wait(ctx context.Context, server *client, ref content.Ref) error {
	limit, stop := within(ctx, c.Timeout)
	defer stop()
	tick := time.NewTicker(waitEvery)
	defer tick.Stop()
	sites := c.Site
	if target := c.target(); target != "" {
		in := api.NewDistribution{Name: ref.Name, Version: ref.Version, Target: target, Priority: wire.Normal}
		var now api.Change
		if err := server.call(limit, http.MethodPost, "/distributions", url.Values{"dry_run": {"true"}}, in, &now); err != nil {
			return fmt.Errorf("list the sites to wait for: %w", err)
		}
		for _, m := range now.Sites {
			sites = append(sites, m.Site)
		}
	}
	if c.All { // those there are now; a flow may come a moment later
		list, err := server.sites(limit)
		if final(err) {
			return fmt.Errorf("wait for %s: %w", ref, err)
		}
		for _, s := range list {
			sites = append(sites, s.Name)
		}
	}
	w := &wait{ref: ref, sites: sites, open: c.PreStage == 0, moved: time.Now()}
	screen := newScreen(c.stderr())
	for {
		flows, err := server.flows(limit, "", ref.Name)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("interrupted; the distribution of %s goes on", ref)
		case limit.Err() != nil:
			return fmt.Errorf("%s did not arrive everywhere within %v; the distribution goes on", ref, c.Timeout)
		case final(err):
			return fmt.Errorf("wait for %s: %w", ref, err)
		}
		now := time.Now()
		var done bool
		var ended error
		var lines []string
		if err != nil { // the server is away for a moment
			lines = strings.Split(err.Error(), "\n")
		} else {
			done, ended = w.look(now, flows)
			lines = w.lines(now)
		}
		last := done || ended != nil
		screen.show(now, lines, last)
		if last {
			return ended
		}
		select {
		case <-limit.Done():
		case <-tick.C:
		}
	}
}
