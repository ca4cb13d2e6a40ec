package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// Site is `sitecast site`.
type Site struct {
	Create SiteCreate `cmd:"" help:"Create a site."`
	List   SiteList   `cmd:"" help:"List the sites."`
	Show   SiteShow   `cmd:"" help:"Show a site with its endpoints and flows."`
	Set    SiteSet    `cmd:"" help:"Change a site."`
}

// SiteCreate is `sitecast site create`.
type SiteCreate struct {
	Remote
	Name string   `arg:"" help:"Name of the new site."`
	CIDR []string `name:"cidr" help:"Address range of the site's LAN (repeatable)." placeholder:"CIDR"`
	TZ   string   `name:"tz" help:"Time zone of the site." placeholder:"ZONE"`
}

// Help is the long help with an example.
func (SiteCreate) Help() string {
	return "Example:\n  sitecast site create shop-12 --cidr 10.12.0.0/16 --tz Europe/Berlin"
}

// Validate refuses a name or range that can't be one.
func (c SiteCreate) Validate() error {
	for _, cidr := range c.CIDR {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			return fmt.Errorf("--cidr %q is not a range such as 10.12.0.0/16", cidr)
		}
	}
	return content.CheckName(c.Name)
}

// Run creates the site.
func (c SiteCreate) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	in := api.NewSite{Name: c.Name, CIDRs: c.CIDR, TZ: c.TZ}
	if err := server.call(ctx, http.MethodPost, "/sites", nil, in, nil); err != nil {
		return fmt.Errorf("create site %s: %w", c.Name, err)
	}
	c.say("Created site %s. Next: sitecast enrol --site %s", c.Name, c.Name)
	return nil
}

// SiteList is `sitecast site list`.
type SiteList struct {
	Remote
	JSON bool `name:"json" help:"Print JSON."`
}

// Help is the long help with an example.
func (SiteList) Help() string { return "Example:\n  sitecast site list --json" }

// Run lists the sites.
func (c SiteList) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	sites, err := server.sites(ctx)
	if err != nil {
		return fmt.Errorf("list sites: %w", err)
	}
	if c.JSON {
		return c.printJSON(sites)
	}
	t := tabwriter.NewWriter(c.stdout(), 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tWAN CAP\tRANGES\tCREATED")
	for _, s := range sites {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", s.Name, capText(s), strings.Join(s.CIDRs, " "), s.Created.Local().Format(time.DateTime))
	}
	return t.Flush()
}

// sites reads all sites, page by page.
func (c *client) sites(ctx context.Context) ([]catalog.Site, error) {
	all := []catalog.Site{}
	query := url.Values{}
	for {
		var page []catalog.Site
		if err := c.call(ctx, http.MethodGet, "/sites", query, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < catalog.MaxPage {
			return all, nil
		}
		query.Set("after", page[len(page)-1].Name)
	}
}

func capText(s catalog.Site) string {
	if s.Cap == catalog.NoCap {
		return "none"
	}
	return bits(s.Cap * 8)
}

// SiteShow is `sitecast site show`.
type SiteShow struct {
	Remote
	Name string `arg:"" help:"Name of the site."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Help is the long help with an example.
func (SiteShow) Help() string { return "Example:\n  sitecast site show shop-12" }

// Validate refuses what can't be a site.
func (c SiteShow) Validate() error { return content.CheckName(c.Name) }

// Run shows the site.
func (c SiteShow) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	var found catalog.Site
	if err := server.call(ctx, http.MethodGet, "/sites/"+url.PathEscape(c.Name), nil, nil, &found); err != nil {
		return fmt.Errorf("show site %s: %w", c.Name, err)
	}
	if c.JSON {
		return c.printJSON(found)
	}
	flows, err := server.flows(ctx, c.Name, "")
	if err != nil {
		return fmt.Errorf("show flows of %s: %w", c.Name, err)
	}
	endpoints, err := server.endpoints(ctx, c.Name)
	if err != nil {
		return fmt.Errorf("show endpoints of %s: %w", c.Name, err)
	}
	c.say("Site %s, WAN cap %s, hold-off %v, relay %s, copies kept %s, links over %s, ranges %s\n", found.Name, capText(found),
		time.Duration(found.HoldOffMs)*time.Millisecond, cmp.Or(found.Relay, noRelay), replicasText(found.Replicas), peersOnText(found.PeersOn), strings.Join(found.CIDRs, " "))
	if err := writeFlows(c.stdout(), flows); err != nil {
		return err
	}
	c.say("")
	return writeEndpoints(c.stdout(), endpoints)
}

func replicasText(copies int) string {
	if copies == 0 {
		return "as they come"
	}
	return fmt.Sprint(copies)
}

// SiteSet is `sitecast site set`.
type SiteSet struct {
	Remote
	Name string `arg:"" help:"Name of the site."`
	WAN  *Rate  `name:"wan" help:"Most that the site may take over the WAN, as 5mbit, or none." placeholder:"RATE"`
	// HoldOff is a pointer because 0 ends it.
	HoldOff *time.Duration `name:"hold-off" help:"How long new content waits for a peer that holds it before the WAN is used, as 8s; 0 for not at all." placeholder:"DURATION"`
	// Replicas is a pointer because 0 ends it.
	Replicas *int `name:"replicas" help:"How many copies of each version distributed there the site keeps, while some endpoint has room; 0 for as they come." placeholder:"K"`

	PeersOn []string `name:"peers-on" help:"Networks that links between the site's endpoints may go over, as 10.12.0.0/16,fd00:12::/32, or any." placeholder:"CIDR,..."`

	// TZ is a pointer because an empty one is UTC.
	TZ *string `name:"tz" help:"Time zone by which the site's hours and months are read, as Europe/Berlin." placeholder:"ZONE"`

	Relay           string `help:"Relay that stands at the site, turn:HOST:PORT (turns: where it speaks TLS), or none. One with an address of each kind has both, turn:HOST:PORT,[HOST]:PORT." placeholder:"ADDRESS"`
	RelaySecretFile string `name:"relay-secret-file" help:"File with the secret that the relay was started with." placeholder:"FILE"`
}

// Help is the long help with an example.
func (SiteSet) Help() string {
	return fmt.Sprintf(`With --replicas K endpoints do not evict a version that was distributed to the site, also
a superseded one, while fewer than K others hold it and any has room; and when holders
stay away it is copied again over the LAN, to endpoints that are usually on and have
room to spare. Nothing that was superseded is fetched over the WAN for it, and it is
for the %d such versions distributed last.

With --peers-on endpoints meet in those networks only: they name no other address of
theirs to a peer, use none of a peer's, and end links that are elsewhere; the server
passes no other address on. A relay is no such network, so those who can't meet go
through one.

Examples:
  sitecast site set shop-12 --wan 5mbit
  sitecast site set shop-12 --peers-on 10.12.0.0/16,fd00:12::/32
  sitecast site set shop-12 --hold-off 8s
  sitecast site set shop-12 --replicas 2
  sitecast site set shop-12 --tz Europe/Berlin
  sitecast site set shop-12 --relay turn:10.12.0.5:3478 --relay-secret-file relay.secret
  sitecast site set shop-12 --relay turn:10.12.0.5:3478,[fd00:12::5]:3478 --relay-secret-file relay.secret`, catalog.MaxSuperseded)
}

// Validate wants something to set.
func (c SiteSet) Validate() error {
	if c.WAN == nil && c.HoldOff == nil && c.Replicas == nil && c.PeersOn == nil && c.TZ == nil && c.Relay == "" {
		return errors.New("nothing to set: give --wan RATE, --hold-off DURATION, --replicas K, --peers-on CIDR, --tz ZONE or --relay ADDRESS")
	}
	if c.Relay != "" && (c.Relay == noRelay) != (c.RelaySecretFile == "") {
		return errors.New("--relay needs --relay-secret-file, and --relay none goes without")
	}
	if c.Relay == "" && c.RelaySecretFile != "" {
		return errors.New("--relay-secret-file goes with --relay")
	}
	if c.Replicas != nil {
		if err := catalog.CheckReplicas(*c.Replicas); err != nil {
			return fmt.Errorf("--replicas %d: %w", *c.Replicas, err)
		}
	}
	if err := catalog.CheckPeersOn(c.peersOn()); err != nil {
		return fmt.Errorf("--peers-on: %w", err)
	}
	if c.TZ != nil {
		if err := catalog.CheckZone(*c.TZ); err != nil {
			return fmt.Errorf("--tz: %w", err)
		}
	}
	if c.HoldOff != nil {
		if err := catalog.CheckHoldOff(*c.HoldOff); err != nil {
			return fmt.Errorf("--hold-off %v: %w", *c.HoldOff, err)
		}
	}
	return content.CheckName(c.Name)
}

// anyNetwork ends a bound on the networks of a site's links.
const anyNetwork = "any"

// peersOn are the networks that the flag names.
func (c SiteSet) peersOn() []string {
	if len(c.PeersOn) == 1 && c.PeersOn[0] == anyNetwork {
		return []string{}
	}
	return c.PeersOn
}

func peersOnText(on []string) string { return cmp.Or(strings.Join(on, " "), anyNetwork) }

// Run changes the site.
func (c SiteSet) Run(ctx context.Context) error {
	if c.WAN != nil {
		if err := setCap(ctx, c.Remote, c.Name, *c.WAN); err != nil {
			return err
		}
	}
	if c.HoldOff != nil {
		ms := c.HoldOff.Milliseconds()
		if err := c.change(ctx, c.Name, "set the hold-off of", api.SiteChange{HoldOffMs: &ms}); err != nil {
			return err
		}
		c.say("Hold-off of %s: %v", c.Name, *c.HoldOff)
	}
	if c.Replicas != nil {
		if err := c.change(ctx, c.Name, "set the copies kept at", api.SiteChange{Replicas: c.Replicas}); err != nil {
			return err
		}
		c.say("Copies kept at %s: %s", c.Name, replicasText(*c.Replicas))
	}
	if c.PeersOn != nil {
		on := c.peersOn()
		if err := c.change(ctx, c.Name, "set the networks of links at", api.SiteChange{PeersOn: &on}); err != nil {
			return err
		}
		c.say("Links at %s go over: %s", c.Name, peersOnText(on))
	}
	if c.TZ != nil {
		if err := c.change(ctx, c.Name, "set the time zone of", api.SiteChange{TZ: c.TZ}); err != nil {
			return err
		}
		c.say("Time zone of %s: %s", c.Name, cmp.Or(*c.TZ, "UTC"))
	}
	if c.Relay == "" {
		return nil
	}
	relay, err := c.relay()
	if err != nil {
		return err
	}
	if err := c.change(ctx, c.Name, "set the relay of", api.SiteChange{Relay: &relay}); err != nil {
		return err
	}
	c.say("Relay of %s: %s. Endpoints hear of it when they connect, and within ten minutes.", c.Name, c.Relay)
	return nil
}

// noRelay ends a site's relay.
const noRelay = "none"

// relay is the relay that the flags name.
func (c SiteSet) relay() (api.Relay, error) {
	if c.Relay == noRelay {
		return api.Relay{}, nil
	}
	secret, err := credential.ReadRelaySecret(c.RelaySecretFile)
	return api.Relay{Address: c.Relay, Secret: string(secret)}, err
}

// change changes a site; what says so in an error.
func (r Remote) change(ctx context.Context, site, what string, in api.SiteChange) error {
	server, err := r.client()
	if err != nil {
		return err
	}
	defer server.close()
	if err := server.call(ctx, http.MethodPatch, "/sites/"+url.PathEscape(site), nil, in, nil); err != nil {
		return fmt.Errorf("%s site %s: %w", what, site, err)
	}
	return nil
}

func setCap(ctx context.Context, r Remote, name string, rate Rate) error {
	limit := rate.BytesPerSecond()
	if err := r.change(ctx, name, "cap", api.SiteChange{CapBytesPerSecond: &limit}); err != nil {
		return err
	}
	r.say("WAN cap of %s: %s", name, rate)
	return nil
}

// Enrol is `sitecast enrol`.
type Enrol struct {
	Remote
	Site string        `help:"Site that endpoints join with the token." required:"" placeholder:"NAME"`
	Uses int           `help:"How many endpoints may use the token." default:"1" placeholder:"N"`
	TTL  time.Duration `name:"ttl" help:"How long the token may be used." default:"24h" placeholder:"DURATION"`

	Fixed   bool `help:"Endpoints belong to the site, wherever they are, as tills do; also without this flag." xor:"place"`
	Roaming bool `help:"Endpoints are at the site where their networks say (sitecast network), matched whenever they connect, as laptops do." xor:"place"`
}

// Help is the long help with an example.
func (Enrol) Help() string {
	return "Prints an enrolment token and nothing else.\n\nExamples:\n  sitecast enrol --site shop-12 --uses 20 > shop-12.token\n  sitecast enrol --site office --roaming --uses 200 > laptops.token"
}

// Validate refuses a token nobody could use.
func (c Enrol) Validate() error {
	if c.Uses < 1 || c.TTL < time.Second {
		return errors.New("--uses is at least 1 and --ttl at least 1s")
	}
	return nil
}

// Run prints a token.
func (c Enrol) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	in := api.NewEnrolment{Site: c.Site, Uses: c.Uses, TTLSeconds: int64(c.TTL / time.Second), Roaming: c.Roaming}
	var made api.MadeEnrolment
	if err := server.call(ctx, http.MethodPost, "/enrolments", nil, in, &made); err != nil {
		return fmt.Errorf("make an enrolment token for %s: %w", c.Site, err)
	}
	c.say("%s", made.Token)
	return nil
}
