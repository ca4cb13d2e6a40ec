package operator

import (
	"context"
	"fmt"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
)

// Rollout is `sitecast rollout`.
type Rollout struct {
	List     RolloutList     `cmd:"" help:"List distributions in rings."`
	Show     RolloutShow     `cmd:"" help:"Show how far one is, ring by ring, and which sites are late and why."`
	Halt     RolloutHalt     `cmd:"" help:"Halt one: no ring opens, and nothing more of it is fetched."`
	Continue RolloutContinue `cmd:"" help:"Let a halted one go on."`
	Retry    RolloutRetry    `cmd:"" help:"Have endpoints try again that failed to activate it, and no others."`
	Rollback RolloutRollback `cmd:"" help:"Go back to an older version where it went."`
}

// Help is the long help with an example.
func (Rollout) Help() string {
	return `A rollout is a distribution in rings: sitecast distribute --ring. A ring opens when all
rings before it pass their gates: delivered (the share of endpoints that have it, of those
that were online in the last week), failed (the most of those that tried to activate it
that may have failed), wan (the most that the ring's sites may take over the WAN together),
and soak (how long all have been passed). at-once bounds how many
sites of a ring are at it at a time, which bounds what goes over all lines together. halt
is the share of a ring's endpoints that fail from which on everything halts.

Example:
  sitecast distribute till-app@2.1 --all --ring 'canary=tag:canary; delivered>=100%; soak 24h' \
    --ring 'emea=tag:emea; at-once 50' --ring rest=rest
  sitecast rollout show 7`
}

// RolloutList is `sitecast rollout list`.
type RolloutList struct {
	Remote
	JSON bool `name:"json" help:"Print JSON."`
}

// Help is the long help with an example.
func (RolloutList) Help() string { return "Example:\n  sitecast rollout list --json" }

// Run lists the rollouts.
func (c RolloutList) Run(ctx context.Context) error {
	return show(ctx, c.Remote, c.JSON, "rollouts", "/rollouts", "ID\tVERSION\tSTATE\tRINGS\tORDERED\tREASON", func(r api.RolloutView) string {
		return fmt.Sprintf("%d\t%s@%s\t%s\t%d of %d\t%s\t%s", r.ID, r.Name, r.Version, r.State, r.Open, len(r.Rings), whenText(r.Created, "-"), r.Reason)
	})
}

// One names a rollout.
type One struct {
	ID int64 `arg:"" help:"Its number, as sitecast rollout list has it."`
}

// RolloutShow is `sitecast rollout show`.
type RolloutShow struct {
	Remote
	One
	JSON bool `name:"json" help:"Print JSON."`
}

// Help is the long help with an example.
func (RolloutShow) Help() string {
	return "Any distribution can be shown: one with --ready-by says which sites are late, and why.\n\nExample:\n  sitecast rollout show 7"
}

// Run shows a rollout.
func (c RolloutShow) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	v, err := server.rollout(ctx, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		return c.printJSON(v)
	}
	c.say("%s@%s: %s", v.Name, v.Version, v.State)
	if v.Reason != "" {
		c.say("%s", clean(v.Reason))
	}
	if !v.ReadyBy.IsZero() {
		c.say("ready by %s", whenText(v.ReadyBy, "-"))
	}
	if v.Window != "" {
		c.say("fetched in %s", v.Window)
	}
	if len(v.Rings) > 0 {
		t := tabwriter.NewWriter(c.stdout(), 0, 8, 2, ' ', 0)
		fmt.Fprintln(t, "RING\tOPEN\tSITES\tDELIVERED\tACTIVATED\tFAILED\tSTUCK\tGATES\tTARGET")
		for _, r := range v.Rings {
			open := "no"
			if r.Opened {
				open = "yes"
			}
			s := r.Seen
			fmt.Fprintf(t, "%s\t%s\t%d\t%d of %d\t%d of %d\t%d\t%d\t%s\t%s\n", r.Name, open, s.Sites, s.Delivered, s.Endpoints, s.Activated, s.Kiosks, s.Failed, s.Stuck,
				gatesText(r), r.Target)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	for _, m := range v.Missed {
		verb := "will miss its time"
		if m.Late {
			verb = "missed its time"
		}
		c.say("%s %s: %s", m.Site, verb, clean(m.Why))
	}
	return nil
}

// rollout is the one of that number.
func (c *client) rollout(ctx context.Context, id int64) (v api.RolloutView, err error) {
	if err := c.call(ctx, http.MethodGet, fmt.Sprintf("/rollouts/%d", id), nil, nil, &v); err != nil {
		return v, fmt.Errorf("find rollout %d: %w", id, err)
	}
	return v, nil
}

// gatesText writes the gates of a ring as --ring has them.
func gatesText(r api.RingView) string {
	text := fmt.Sprintf("delivered>=%d%% failed<=%d%%", r.Delivered, r.Failed)
	if r.SoakSeconds > 0 {
		text += " soak " + spanText(time.Duration(r.SoakSeconds)*time.Second)
	}
	if r.AtOnce > 0 {
		text += fmt.Sprintf(" at-once %d", r.AtOnce)
	}
	if r.WAN > 0 {
		text += " wan<=" + bits(r.WAN)
	}
	if r.Halt == 0 {
		return text + " halt never"
	}
	return text + fmt.Sprintf(" halt>=%d%%", r.Halt)
}

// RolloutHalt is `sitecast rollout halt`.
type RolloutHalt struct {
	Remote
	One
	Reason string `help:"Why, for those who look at it and the audit log." placeholder:"TEXT"`
}

// Help is the long help with an example.
func (RolloutHalt) Help() string {
	return `No further ring opens, and in open rings endpoints that lack it stop fetching it; those
that have it keep it. Kiosks that have it and do not use it yet, as they wait for a window
or an instant, do not begin to before it goes on; where it is used it stays in use.

Example:
  sitecast rollout halt 7 --reason "the printer does not work"`
}

// Run halts a rollout.
func (c RolloutHalt) Run(ctx context.Context) error {
	return c.steer(ctx, c.ID, "halt", api.Halting{Reason: c.Reason}, "Halted rollout %d. Next: sitecast rollout continue %[1]d, or sitecast rollout rollback %[1]d --to VERSION")
}

// RolloutContinue is `sitecast rollout continue`.
type RolloutContinue struct {
	Remote
	One
}

// Help is the long help with an example.
func (RolloutContinue) Help() string {
	return "What failed until now does not count any more.\n\nExample:\n  sitecast rollout continue 7"
}

// Run lets a rollout go on.
func (c RolloutContinue) Run(ctx context.Context) error {
	return c.steer(ctx, c.ID, "continue", nil, "Rollout %d goes on; what failed until now does not count any more.")
}

// RolloutRetry is `sitecast rollout retry`.
type RolloutRetry struct {
	Remote
	One
}

// Help is the long help with an example.
func (RolloutRetry) Help() string {
	return `Endpoints whose activation of the version failed try it once more, also those that come
back later. It works for every distribution.

Example:
  sitecast rollout retry 7`
}

// Run has the failed try again.
func (c RolloutRetry) Run(ctx context.Context) error {
	return c.steer(ctx, c.ID, "retry", nil, "Endpoints that failed to activate what distribution %d brought try again.")
}

// steer asks for a change of a rollout.
func (r Remote) steer(ctx context.Context, id int64, how string, in any, done string) error {
	server, err := r.client()
	if err != nil {
		return err
	}
	defer server.close()
	if err := server.call(ctx, http.MethodPost, fmt.Sprintf("/rollouts/%d/%s", id, how), nil, in, nil); err != nil {
		return fmt.Errorf("%s rollout %d: %w", how, id, err)
	}
	r.say(done, id)
	return nil
}
