package operator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/evidence"
	"github.com/sitecast/sitecast/storage/catalog"
)

// Network is `sitecast network`.
type Network struct {
	List   NetworkList   `cmd:"" help:"List the map of networks."`
	Set    NetworkSet    `cmd:"" help:"Say at which site a network is."`
	Remove NetworkRemove `cmd:"" help:"Take a network off the map."`
	Import NetworkImport `cmd:"" help:"Import networks from a CSV file, all of them or none."`
	Export NetworkExport `cmd:"" help:"Print the map as CSV."`
}

// NetworkList is `sitecast network list`.
type NetworkList struct {
	Remote
	Site string `help:"Only this site's." placeholder:"NAME"`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Help is the long help with an example.
func (NetworkList) Help() string {
	return `Endpoints that roam are at the site where these networks say they are, and one that is
fixed to a site is in quarantine where they say that it is at another. Ranges given with
sitecast site create --cidr are among them.

Example:
  sitecast network list --site shop-12`
}

// Run lists the map.
func (c NetworkList) Run(ctx context.Context) error {
	all, err := c.networks(ctx)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(n catalog.Network) bool { return c.Site != "" && n.Site != c.Site })
	if c.JSON {
		return c.printJSON(all)
	}
	t := tabwriter.NewWriter(c.stdout(), 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "NETWORK\tKIND\tSITE")
	for _, n := range all {
		fmt.Fprintf(t, "%s\t%s\t%s\n", n.CIDR, n.Kind, n.Site)
	}
	return t.Flush()
}

// networks reads the map.
func (r Remote) networks(ctx context.Context) ([]catalog.Network, error) {
	server, err := r.client()
	if err != nil {
		return nil, err
	}
	defer server.close()
	all, err := pagesOf[catalog.Network](ctx, server, "/networks", nil)
	if err != nil {
		return nil, fmt.Errorf("list networks: %w", err)
	}
	return all, nil
}

// OneNetwork names a network of the map.
type OneNetwork struct {
	CIDR   string `arg:"" name:"cidr" help:"Network, as 10.12.0.0/16, or an address." placeholder:"CIDR"`
	Site   string `help:"Site where it is." required:"" placeholder:"NAME"`
	Kind   string `help:"lan: endpoints of the site have addresses in it. egress: the server sees them under its addresses." enum:"lan,egress" default:"lan"`
	DryRun bool   `help:"Say what would change, and change nothing."`
	JSON   bool   `name:"json" help:"Print what changed as JSON."`
}

// Validate refuses what can't be a network.
func (o OneNetwork) Validate() error {
	_, err := catalog.Network{CIDR: o.CIDR, Site: o.Site, Kind: o.Kind}.Normal()
	return err
}

func (o OneNetwork) apply(ctx context.Context, r Remote, method string) error {
	server, err := r.client()
	if err != nil {
		return err
	}
	defer server.close()
	query := url.Values{"cidr": {o.CIDR}, "site": {o.Site}, "kind": {o.Kind}, "dry_run": {fmt.Sprint(o.DryRun)}}
	var change api.NetworkChange
	if err := server.call(ctx, method, "/networks", query, nil, &change); err != nil {
		return fmt.Errorf("change the map of networks: %w", err)
	}
	return r.sayChange(change, o.JSON)
}

// NetworkSet is `sitecast network set`.
type NetworkSet struct {
	Remote
	OneNetwork
}

// Help is the long help with examples.
func (NetworkSet) Help() string {
	return `The longest network that holds an endpoint's own, or its public address, counts. The
same private LAN may be at several sites, as 192.168.1.0/24 often is: then endpoints are
told apart by the public address, which is set with --kind egress. Where a site's egress
is on the map, its LANs count only together with it: give it, where the site's networks
could be anybody's, as those of homes are.

Endpoints in quarantine for want of this network go on within seconds.

Examples:
  sitecast network set 10.12.0.0/16 --site shop-12
  sitecast network set 203.0.113.7 --kind egress --site shop-12
  sitecast network set 10.13.0.0/16 --site shop-13 --dry-run`
}

// Validate implements what the parser asks of a command.
func (c NetworkSet) Validate() error { return c.OneNetwork.Validate() }

// homes are the networks that routers for homes come with.
var homes = netip.MustParsePrefix("192.168.0.0/16")

// Run sets the network.
func (c NetworkSet) Run(ctx context.Context) error {
	if err := c.apply(ctx, c.Remote, http.MethodPut); err != nil {
		return err
	}
	n, err := catalog.Network{CIDR: c.CIDR, Site: c.Site, Kind: c.Kind}.Normal()
	if err != nil {
		return err
	}
	if p := netip.MustParsePrefix(n.CIDR); c.JSON || n.Kind != catalog.NetworkLAN || !homes.Overlaps(p) {
		return nil
	}
	all, err := c.networks(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(n catalog.Network) bool { return n.Kind == catalog.NetworkEgress && n.Site == c.Site }) {
		c.say("Homes have such networks, too: set the public address of %s (--kind egress), so that both have to agree.", c.Site)
	}
	return nil
}

// NetworkRemove is `sitecast network remove`.
type NetworkRemove struct {
	Remote
	OneNetwork
}

// Help is the long help with an example.
func (NetworkRemove) Help() string {
	return "Example:\n  sitecast network remove 10.12.0.0/16 --site shop-12"
}

// Validate implements what the parser asks of a command.
func (c NetworkRemove) Validate() error { return c.OneNetwork.Validate() }

// Run takes the network off the map.
func (c NetworkRemove) Run(ctx context.Context) error {
	return c.apply(ctx, c.Remote, http.MethodDelete)
}

// NetworkImport is `sitecast network import`.
type NetworkImport struct {
	Remote
	File    string `arg:"" help:"File with the header cidr,site,kind; - for standard input." placeholder:"FILE.csv"`
	Replace bool   `help:"Take off the map what is not in the file."`
	DryRun  bool   `help:"Say what would change, and change nothing."`
	JSON    bool   `name:"json" help:"Print what changed as JSON."`
}

// Help is the long help with examples.
func (NetworkImport) Help() string {
	return `The kind is lan, also where it is left out, or egress. Nothing is imported when any
line is bad, and each of them is told.

Examples:
  sitecast network import networks.csv --dry-run
  sitecast network export > networks.csv`
}

// Run imports the file.
func (c NetworkImport) Run(ctx context.Context) error {
	text, err := readCSV(c.File)
	if err != nil {
		return err
	}
	if _, err := evidence.ReadCSV(text); err != nil {
		return fmt.Errorf("import %s: %w", c.File, err)
	}
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	query := url.Values{"replace": {fmt.Sprint(c.Replace)}, "dry_run": {fmt.Sprint(c.DryRun)}}
	req, err := server.request(ctx, http.MethodPost, "/networks/import", query, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "text/csv")
	var change api.NetworkChange
	if err := server.do(req, &change); err != nil {
		return fmt.Errorf("import %s: %w", c.File, err)
	}
	return c.sayChange(change, c.JSON)
}

// readCSV reads a file that is not longer than one may be.
func readCSV(path string) ([]byte, error) {
	from := io.Reader(os.Stdin)
	if path != "-" {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s is not there; sitecast network export shows how such a file looks", path)
		}
		if err != nil {
			return nil, err
		}
		defer f.Close()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, evidence.MaxCSVBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return text, nil
}

// NetworkExport is `sitecast network export`.
type NetworkExport struct{ Remote }

// Help is the long help with an example.
func (NetworkExport) Help() string { return "Example:\n  sitecast network export > networks.csv" }

// Run prints the map.
func (c NetworkExport) Run(ctx context.Context) error {
	all, err := c.networks(ctx)
	if err != nil {
		return err
	}
	_, err = c.stdout().Write(evidence.WriteCSV(all))
	return err
}

// maxMoves is how many endpoints are told one by one that are elsewhere by a change.
const maxMoves = 20

// sayChange tells what became of the map of networks, or would.
func (r Remote) sayChange(c api.NetworkChange, asJSON bool) error {
	if asJSON {
		return r.printJSON(c)
	}
	for _, n := range c.Added {
		r.say("+ %s", n)
	}
	for _, n := range c.Removed {
		r.say("- %s", n)
	}
	verb := "Changed"
	if c.DryRun {
		verb = "Would change"
	}
	r.say("%s: %d networks put in, %d taken out; endpoints online that are elsewhere then: %d", verb, len(c.Added), len(c.Removed), len(c.Moves))
	for _, m := range c.Moves[:min(len(c.Moves), maxMoves)] {
		r.say("  %s: %s -> %s (%s)", clean(m.Name), placeText(m.From), placeText(m.To), clean(m.Detail))
	}
	if more := len(c.Moves) - maxMoves; more > 0 {
		r.say("  and %d more", more)
	}
	return nil
}

func placeText(site string) string {
	if site == "" {
		return "quarantine"
	}
	return site
}

// quarantined prints the networks in quarantine, and what to do.
func (c Endpoints) quarantined(ctx context.Context, server *client) error {
	var all []evidence.Quarantined
	if err := server.call(ctx, http.MethodGet, "/quarantine", nil, nil, &all); err != nil {
		return fmt.Errorf("list what is in quarantine: %w", err)
	}
	if len(all) == 0 {
		c.say("Nobody is in quarantine.")
		return nil
	}
	for _, q := range all {
		of := strings.Join(q.Networks, " ")
		if of == "" {
			of = "no network of its own"
		}
		if q.Public != "" {
			of += " behind " + q.Public
		}
		names := clean(strings.Join(q.Names, ", "))
		if more := q.Endpoints - len(q.Names); more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		c.say("%s: %d endpoints since %s (%s)", of, q.Endpoints, q.Since.Local().Format(time.DateTime), names)
		c.say("  why: %s", clean(q.Detail))
		for _, way := range q.Settle {
			c.say("  do:  %s", way)
		}
	}
	return nil
}
