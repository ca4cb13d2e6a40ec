package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// watchInterval is how often a live view asks.
const watchInterval = 500 * time.Millisecond

// Flows is `sitecast flows`.
type Flows struct {
	Remote
	Site    string `help:"Only those of this site."`
	Content string `help:"Only those of this content."`
	Watch   bool   `help:"Show them live until Ctrl-C."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// Help is the long help with an example.
func (Flows) Help() string {
	return "Example:\n  sitecast flows --watch\n  sitecast flows --site shop-12 --json"
}

// Run lists the flows.
func (c Flows) Run(ctx context.Context) error {
	cl, err := c.connect()
	if err != nil {
		return err
	}
	screen := &screen{out: os.Stdout, live: onTerminal()}
	for {
		flows, err := cl.flows(ctx, c.Site, c.Content)
		if err != nil {
			return err
		}
		if c.JSON {
			if err := printJSON(flows); err != nil {
				return err
			}
		} else {
			screen.draw(flowTable(flows))
		}
		if !c.Watch {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchInterval):
		}
	}
}

func (c *client) flows(ctx context.Context, name, contentName string) (flows []site.FlowView, err error) {
	query := url.Values{}
	if name != "" {
		query.Set("site", name)
	}
	if contentName != "" {
		query.Set("content", contentName)
	}
	return flows, c.call(ctx, "GET", "flows", query, nil, &flows)
}

// screen redraws in place on a terminal, and prints anew elsewhere.
type screen struct {
	out   io.Writer
	live  bool
	lines int // drawn last
}

func (s *screen) draw(text string) {
	var b strings.Builder
	if s.live && s.lines > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.lines)
	}
	s.lines = 0
	for line := range strings.Lines(text) {
		if s.live {
			b.WriteString("\x1b[2K")
		}
		b.WriteString(line)
		s.lines++
	}
	if s.live {
		b.WriteString("\x1b[J")
	}
	_, _ = io.WriteString(s.out, b.String()) // a closed terminal ends the command by signal
}

// flowTable draws flows with a bar each.
func flowTable(flows []site.FlowView) string {
	var b strings.Builder
	const row = "%-14s %-20s %-8s %-9s %-20s %5s %6s  %-13s %-13s %-9s %s\n"
	fmt.Fprintf(&b, row, "SITE", "CONTENT", "PRIORITY", "STATE", "", "", "DONE", "WAN", "PEERS", "ETA", "ORIGIN / PEERS / RELAY / REUSED")
	for _, f := range flows {
		got := f.BytesOrigin + f.BytesPeer + f.BytesRelay + f.BytesReused
		percent := "-"
		if f.BytesTotal > 0 {
			percent = fmt.Sprintf("%.0f%%", 100*float64(min(got, f.BytesTotal))/float64(f.BytesTotal))
		}
		fmt.Fprintf(&b, row, clip(f.Site, 14), clip(f.Content+"@"+f.Version, 20), f.Priority, f.State, bar(got, f.BytesTotal, 20), percent,
			fmt.Sprintf("%d/%d", f.Complete, f.Endpoints), rateText(f.WANBPS), rateText(f.PeerBPS), timeText(f.ETASeconds),
			fmt.Sprintf("%s / %s / %s / %s", sizeText(f.BytesOrigin), sizeText(f.BytesPeer), sizeText(f.BytesRelay), sizeText(f.BytesReused)))
		if f.Reason != "" {
			fmt.Fprintf(&b, "  %s\n", f.Reason)
		}
	}
	if len(flows) == 0 {
		b.WriteString("no flows; start one with: sitecast distribute NAME@V --site SITE\n")
	}
	return b.String()
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// Distribute is `sitecast distribute`.
type Distribute struct {
	Remote
	Ref      string   `arg:"" name:"NAME@V" help:"Version to distribute."`
	Site     []string `help:"Site to distribute to; may be repeated." xor:"where" sep:"none"`
	All      bool     `help:"Distribute to every site, also later ones." xor:"where"`
	Priority string   `help:"high, normal or low." enum:"high,normal,low" default:"normal"`
	Wait     bool     `help:"Show progress and return when every endpoint online at those sites has the content."`
}

// Help is the long help with an example.
func (Distribute) Help() string {
	return "With --wait the exit code is 1, with the reason, when the content can't arrive everywhere.\n\n" +
		"Example:\n  sitecast distribute pos-app@4.2 --site shop-12 --site shop-13 --wait"
}

// Run distributes.
func (c Distribute) Run(ctx context.Context) error {
	ref, err := content.ParseRef(c.Ref)
	if err != nil {
		return usage(err)
	}
	if c.All == (len(c.Site) > 0) {
		return usage(errors.New("say where: --site NAME (may be repeated) or --all"))
	}
	cl, err := c.connect()
	if err != nil {
		return err
	}
	order := api.NewDistribution{Name: ref.Name, Version: ref.Version, Sites: c.Site, All: c.All, Priority: wire.Priority(c.Priority)}
	if err := cl.call(ctx, "POST", "distributions", nil, order, nil); err != nil {
		return err
	}
	if !c.Wait {
		fmt.Printf("ordered %s; watch it with: sitecast flows --watch\n", ref)
		return nil
	}
	return c.wait(ctx, cl, ref)
}

const (
	// appearWithin is how long a new flow may take to appear.
	appearWithin = 10 * time.Second
	// onlineWithin is how long --wait waits for anybody to come online.
	onlineWithin = 5 * time.Second
	// failedFor is how long a flow must stay failed before --wait gives up:
	// endpoints try again by themselves.
	failedFor = 15 * time.Second
)

// wait shows progress until everybody online has the content, or can't get it.
func (c Distribute) wait(ctx context.Context, cl *client, ref content.Ref) error {
	sites := c.Site
	if c.All {
		all, err := cl.sites(ctx)
		if err != nil {
			return err
		}
		for _, s := range all {
			sites = append(sites, s.Name)
		}
	}
	progress := newProgress()
	defer progress.end()
	begun, failed := time.Now(), time.Time{}
	for {
		flows, err := cl.flows(ctx, "", ref.Name)
		if err != nil {
			return err
		}
		mine := flowsOf(flows, ref, sites)
		progress.show(mine)
		done, why := judge(mine, len(sites), time.Since(begun))
		switch {
		case done:
			progress.end()
			fmt.Printf("%s is complete at %d site(s)\n", ref, len(mine))
			return nil
		case why == "":
			failed = time.Time{}
		case failed.IsZero():
			failed = time.Now()
		}
		if why != "" && (time.Since(failed) >= failedFor || why == nobodyOnline) {
			return errors.New(why)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(watchInterval):
		}
	}
}

func flowsOf(flows []site.FlowView, ref content.Ref, sites []string) []site.FlowView {
	var out []site.FlowView
	for _, name := range sites {
		for _, f := range flows {
			if f.Site == name && f.Content == ref.Name && f.Version == ref.Version {
				out = append(out, f)
			}
		}
	}
	return out
}

const nobodyOnline = "no endpoint is online at these sites: start their agents, or leave --wait away"

// judge says whether all is done, or why it can't be.
func judge(flows []site.FlowView, sites int, waited time.Duration) (done bool, why string) {
	if len(flows) < sites {
		if waited > appearWithin {
			return false, "a newer version was distributed to some of these sites"
		}
		return false, ""
	}
	online, complete := 0, 0
	for _, f := range flows {
		online += f.Endpoints
		complete += f.Complete
		if f.State == site.StateFailed {
			why = f.Site + ": " + f.Reason
		}
	}
	switch {
	case online == 0 && waited > onlineWithin:
		return false, nobodyOnline
	case online == 0:
		return false, ""
	}
	return complete == online, why
}

// usageError is a mistake in how a command was called.
type usageError struct{ error }

func usage(err error) error { return usageError{err} }

// IsUsage reports whether err is a mistake in how a command was called; the exit
// code is 2 then.
func IsUsage(err error) bool { return errors.As(err, new(usageError)) }

// selection is what pause and resume apply to.
type selection struct {
	Site    string `help:"Everything at this site."`
	Content string `help:"Everything of this content, or one version of it." placeholder:"NAME[@V]"`
}

// parse splits the selection; with neither flag it would mean everything.
func (s selection) parse() (name, contentName, version string, err error) {
	if s.Site == "" && s.Content == "" {
		return "", "", "", usage(errors.New("say what: --site NAME, --content NAME[@V], or both"))
	}
	contentName, version, err = splitRef(s.Content)
	return s.Site, contentName, version, err
}

func splitRef(s string) (name, version string, err error) {
	name, version, has := strings.Cut(s, "@")
	if has {
		if _, err := content.ParseRef(s); err != nil {
			return "", "", usage(err)
		}
	}
	return name, version, nil
}

// Pause is `sitecast pause`.
type Pause struct {
	Remote
	selection
}

// Help is the long help with an example.
func (Pause) Help() string {
	return "The pause also holds for later flows that match, until it is ended with resume.\n\nExample:\n  sitecast pause --site shop-12"
}

// Run pauses.
func (c Pause) Run(ctx context.Context) error {
	name, contentName, version, err := c.parse()
	if err != nil {
		return err
	}
	return c.rule(ctx, api.NewRule{Kind: catalog.RulePause, Site: name, Content: contentName, Version: version}, "paused")
}

func (r Remote) rule(ctx context.Context, rule api.NewRule, done string) error {
	cl, err := r.connect()
	if err != nil {
		return err
	}
	var change api.Change
	if err := cl.call(ctx, "POST", "rules", nil, rule, &change); err != nil {
		return err
	}
	which := catalog.Selector{Site: rule.Site, Name: rule.Content, Version: rule.Version}
	fmt.Printf("%s %s (generation %d)\n", done, which, change.Generation)
	return nil
}

// Resume is `sitecast resume`.
type Resume struct {
	Remote
	selection
}

// Help is the long help with an example.
func (Resume) Help() string { return "Example:\n  sitecast resume --site shop-12" }

// Run resumes.
func (c Resume) Run(ctx context.Context) error {
	name, contentName, version, err := c.parse()
	if err != nil {
		return err
	}
	cl, err := c.connect()
	if err != nil {
		return err
	}
	var change api.Change
	if err := cl.call(ctx, "POST", "rules/resume", nil, api.EndedRules{Site: name, Content: contentName, Version: version}, &change); err != nil {
		return err
	}
	fmt.Printf("ended %d pause(s) of %s\n", change.Removed, catalog.Selector{Site: name, Name: contentName, Version: version})
	return nil
}

// Prioritize is `sitecast prioritize`.
type Prioritize struct {
	Remote
	Ref      string `arg:"" name:"NAME[@V]" help:"Content or version."`
	Site     string `help:"Only at this site."`
	Priority string `help:"high, normal or low." enum:"high,normal,low" required:""`
}

// Help is the long help with an example.
func (Prioritize) Help() string {
	return "Example:\n  sitecast prioritize pos-app --site shop-12 --priority high"
}

// Run sets the priority.
func (c Prioritize) Run(ctx context.Context) error {
	name, version, err := splitRef(c.Ref)
	if err != nil {
		return err
	}
	return c.rule(ctx, api.NewRule{Kind: catalog.RulePriority, Site: c.Site, Content: name, Version: version,
		Priority: wire.Priority(c.Priority)}, c.Priority+" priority for")
}

// Cap is `sitecast cap`.
type Cap struct {
	Remote
	Site string `help:"Site to cap." required:""`
	WAN  string `name:"wan" help:"A rate such as 5mbit or 500kbit, or none." required:"" placeholder:"RATE"`
}

// Help is the long help with an example.
func (Cap) Help() string { return "Example:\n  sitecast cap --site shop-12 --wan 5mbit" }

// Run sets the cap.
func (c Cap) Run(ctx context.Context) error {
	limit, err := parseRate(c.WAN)
	if err != nil {
		return usage(err)
	}
	cl, err := c.connect()
	if err != nil {
		return err
	}
	if err := cl.call(ctx, "PATCH", "sites/"+url.PathEscape(c.Site), nil, api.SiteChange{CapBytesPerSecond: &limit}, nil); err != nil {
		return err
	}
	fmt.Printf("site %s: WAN cap %s\n", c.Site, capText(limit))
	return nil
}
