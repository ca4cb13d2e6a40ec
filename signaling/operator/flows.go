package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/content"
)

// watchEvery is how often what is watched is asked for.
const watchEvery = time.Second

// barWidth is the width of a progress bar in characters.
const barWidth = 20

// Flows is `sitecast flows`.
type Flows struct {
	Remote
	Site    string `help:"Only this site." placeholder:"NAME"`
	Content string `help:"Only this content." placeholder:"NAME"`
	Watch   bool   `help:"Go on showing until interrupted."`
	JSON    bool   `name:"json" help:"Print a JSON array (with --watch one a line, each second)."`
}

// Help is the long help with an example.
func (Flows) Help() string {
	return "Examples:\n  sitecast flows --watch\n  sitecast flows --site shop-12 --json"
}

// Validate refuses what can't be a content.
func (c Flows) Validate() error {
	if c.Content == "" {
		return nil
	}
	return content.CheckName(c.Content)
}

// Run shows flows, once or until ctx ends.
func (c Flows) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	if c.Watch {
		return c.watch(ctx, server)
	}
	flows, err := server.flows(ctx, c.Site, c.Content)
	if err != nil {
		return fmt.Errorf("list flows: %w", err)
	}
	if c.JSON {
		return c.printJSON(flows)
	}
	if len(flows) == 0 {
		c.say("No flows. Order a published version to a site with: sitecast distribute NAME@V --site NAME")
		return nil
	}
	return writeFlows(c.stdout(), flows)
}

// watch shows flows until ctx ends. A server that is away for a moment is said
// to be, and waited for.
func (c Flows) watch(ctx context.Context, server *client) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	screen := newScreen(c.stdout())
	shown := ""
	events := &feed{server: server, site: c.Site, content: c.Content}
	listening, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { events.run(listening) })
	defer wg.Wait()
	defer stop()
	for {
		flows, err := events.look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case final(err):
			return fmt.Errorf("list flows: %w", err)
		case c.JSON && err != nil: // the output is for a program
			if err.Error() != shown {
				fmt.Fprintln(c.stderr(), err)
			}
			shown = err.Error()
		case c.JSON:
			shown = ""
			if err := json.NewEncoder(c.stdout()).Encode(flows); err != nil {
				return err
			}
		default:
			lines := flowLines(flows)
			if err != nil {
				lines = strings.Split(err.Error(), "\n")
			}
			// A log gets a line for what changed, a terminal is drawn each time.
			if now := strings.Join(lines, "\n"); screen.term || now != shown {
				screen.draw(lines)
				shown = now
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (c *client) flows(ctx context.Context, site_, content string) ([]site.FlowView, error) {
	return pagesOf[site.FlowView](ctx, c, "/flows", filter(site_, content))
}

func filter(site, content string) url.Values {
	query := url.Values{}
	if site != "" {
		query.Set("site", site)
	}
	if content != "" {
		query.Set("content", content)
	}
	return query
}

// flowLines is the table of flows, line by line.
func flowLines(flows []site.FlowView) []string {
	var b strings.Builder
	if err := writeFlows(&b, flows); err != nil {
		return []string{err.Error()}
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

func writeFlows(w io.Writer, flows []site.FlowView) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "SITE\tCONTENT\tSTATE\tDONE\t\tENDPOINTS\tORIGIN\tPEERS\tRELAY\tREUSED\tWAN RATE\tPEER RATE\tETA")
	for _, f := range flows {
		done := fraction(f)
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%3.0f%%\t%d/%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Site, f.Content+"@"+f.Version, stateText(f),
			bar(done, barWidth), done*100, f.Complete, f.Endpoints, bytesText(f.BytesOrigin), bytesText(f.BytesPeer),
			bytesText(f.BytesRelay), bytesText(f.BytesReused), bits(f.WANBPS), bits(f.PeerBPS), eta(f))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	now := time.Now()
	for _, f := range flows {
		if ready := readyText(now, f); ready != "" && !f.ReadyBy.IsZero() {
			fmt.Fprintf(w, "%s at %s: %s\n", f.Content, f.Site, clean(ready))
		}
		if f.Held {
			fmt.Fprintf(w, "%s@%s at %s: %s\n", f.Content, f.Version, f.Site, heldText(f))
		}
		if f.Reason != "" {
			fmt.Fprintf(w, "%s at %s: %s\n", f.Content, f.Site, clean(f.Reason))
		}
		if r := receiptText(f.Receipt); r != "" {
			fmt.Fprintf(w, "%s at %s: %s\n", f.Content, f.Site, r)
		}
	}
	return nil
}

// receiptText says briefly what a flow was to others.
func receiptText(r *site.ReceiptView) string {
	switch {
	case r == nil:
		return ""
	case r.AddedDelayP95 == nil:
		return fmt.Sprintf("stood back %.0f %% of the time", 100*r.YieldShare)
	}
	return fmt.Sprintf("added delay p95 %.1f ms, stood back %.0f %% of the time", *r.AddedDelayP95, 100*r.YieldShare)
}

func stateText(f site.FlowView) string {
	if f.Priority != "" && f.Priority != "normal" {
		return f.State + " (" + string(f.Priority) + ")"
	}
	return f.State
}

// fraction is how much of a flow its endpoints have. It is 1 only when they have
// all of it.
func fraction(f site.FlowView) float64 {
	if f.State == site.StateComplete {
		return 1
	}
	if f.BytesTotal <= 0 {
		return 0
	}
	have := f.BytesOrigin + f.BytesPeer + f.BytesRelay + f.BytesReused
	return min(float64(have)/float64(f.BytesTotal), 0.99)
}

func eta(f site.FlowView) string {
	if f.ETASeconds <= 0 || f.State != site.StateRunning {
		return "-"
	}
	return (time.Duration(f.ETASeconds) * time.Second).String()
}

// Endpoints is `sitecast endpoints`.
type Endpoints struct {
	Remote
	Site        string `help:"Only this site." placeholder:"NAME"`
	Quarantined bool   `help:"Only who is in quarantine, by network, and what to do about it."`
	JSON        bool   `name:"json" help:"Print a JSON array."`
}

// Help is the long help with an example.
func (Endpoints) Help() string {
	return "Examples:\n  sitecast endpoints --site shop-12 --json\n  sitecast endpoints --quarantined"
}

// Run lists endpoints.
func (c Endpoints) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	if c.Quarantined && !c.JSON && c.Site == "" {
		return c.quarantined(ctx, server)
	}
	endpoints, err := server.endpoints(ctx, c.Site)
	if err != nil {
		return fmt.Errorf("list endpoints: %w", err)
	}
	if c.Quarantined {
		endpoints = slices.DeleteFunc(endpoints, func(e site.EndpointView) bool { return !e.Quarantined })
	}
	if c.JSON {
		return c.printJSON(endpoints)
	}
	if len(endpoints) == 0 {
		c.say("No endpoints. Make a token with `sitecast enrol --site NAME` and start an agent with it.")
		return nil
	}
	return writeEndpoints(c.stdout(), endpoints)
}

func (c *client) endpoints(ctx context.Context, name string) ([]site.EndpointView, error) {
	return pagesOf[site.EndpointView](ctx, c, "/endpoints", filter(name, ""))
}

func writeEndpoints(w io.Writer, endpoints []site.EndpointView) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tSITE\tKIND\tSTATE\tLAST SEEN\tLINKS\tSOFTWARE\tHOLDS\tID")
	for _, e := range endpoints {
		state, seen := "offline", e.LastSeen.Local().Format(time.DateTime)
		if e.Online {
			state, seen = "online", "now"
		}
		if e.Revoked != "" {
			state = "revoked"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", clean(e.Name), siteText(e), clean(e.Kind), state, seen, e.Links, clean(e.Version),
			strings.Join(e.Holds, " "), e.ID.Short())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, e := range endpoints {
		if e.Quarantined || e.Enrolled != "" && e.Enrolled != e.Site {
			fmt.Fprintln(w, clean(e.Name+": "+siteText(e)+", because "+e.Evidence+"; it enrolled at "+e.Enrolled))
		}
		if e.Activation != nil {
			fmt.Fprintln(w, clean(e.Name+" at "+e.Site+": "+e.Activation.Text()))
		}
	}
	return nil
}

// siteText is where an endpoint is.
func siteText(e site.EndpointView) string {
	if e.Quarantined {
		return placeText("")
	}
	return e.Site
}
