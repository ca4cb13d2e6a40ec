package operator

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/catalog"
)

// Site is `sitecast site`.
type Site struct {
	Create SiteCreate `cmd:"" help:"Create a site."`
	List   SiteList   `cmd:"" help:"List all sites."`
	Show   SiteShow   `cmd:"" help:"Show one site."`
	Set    SiteSet    `cmd:"" help:"Change a site."`
}

// SiteCreate is `sitecast site create`.
type SiteCreate struct {
	Remote
	JSON bool     `name:"json" help:"Print JSON."`
	Name string   `arg:"" help:"Name of the site."`
	CIDR []string `name:"cidr" help:"Network of the site; may be repeated." sep:"none"`
	TZ   string   `name:"tz" help:"Time zone of the site, such as Europe/Berlin."`
}

// Help is the long help with an example.
func (SiteCreate) Help() string {
	return "Example:\n  sitecast site create shop-12 --cidr 10.12.0.0/16"
}

// Run creates the site.
func (c SiteCreate) Run(ctx context.Context) error {
	cl, err := c.connect()
	if err != nil {
		return err
	}
	var made catalog.Site
	if err := cl.call(ctx, "POST", "sites", nil, api.NewSite{Name: c.Name, CIDRs: c.CIDR, TZ: c.TZ}, &made); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(made)
	}
	fmt.Printf("created site %s; let endpoints in with: sitecast enrol --site %s\n", made.Name, made.Name)
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
	cl, err := c.connect()
	if err != nil {
		return err
	}
	sites, err := cl.sites(ctx)
	if err != nil || c.JSON {
		return printUnless(err, sites)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "SITE\tNETWORKS\tWAN CAP\tCREATED")
	for _, s := range sites {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", s.Name, strings.Join(s.CIDRs, " "), capText(s.Cap), s.Created.Format(time.DateTime))
	}
	return w.Flush()
}

func (c *client) sites(ctx context.Context) (all []catalog.Site, err error) {
	all = []catalog.Site{}
	for {
		var page []catalog.Site
		query := url.Values{}
		if len(all) > 0 {
			query.Set("after", all[len(all)-1].Name)
		}
		if err := c.call(ctx, "GET", "sites", query, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < catalog.MaxPage {
			return all, nil
		}
	}
}

func capText(limit int64) string {
	if limit == catalog.NoCap {
		return "none"
	}
	return rateText(limit * 8)
}

// SiteShow is `sitecast site show`.
type SiteShow struct {
	Remote
	JSON bool   `name:"json" help:"Print JSON."`
	Name string `arg:"" help:"Name of the site."`
}

// Help is the long help with an example.
func (SiteShow) Help() string { return "Example:\n  sitecast site show shop-12" }

// Run shows the site.
func (c SiteShow) Run(ctx context.Context) error {
	cl, err := c.connect()
	if err != nil {
		return err
	}
	var s catalog.Site
	if err := cl.call(ctx, "GET", "sites/"+url.PathEscape(c.Name), nil, nil, &s); err != nil || c.JSON {
		return printUnless(err, s)
	}
	fmt.Printf("site      %s\nnetworks  %s\ntime zone %s\nWAN cap   %s\ncreated   %s\n", s.Name, strings.Join(s.CIDRs, " "), s.TZ,
		capText(s.Cap), s.Created.Format(time.DateTime))
	return nil
}

// SiteSet is `sitecast site set`.
type SiteSet struct {
	Remote
	Name string `arg:"" help:"Name of the site."`
	WAN  string `name:"wan" help:"Cap on the site's use of the WAN: a rate such as 5mbit, or none." required:"" placeholder:"RATE"`
}

// Help is the long help with an example.
func (SiteSet) Help() string { return "Example:\n  sitecast site set shop-12 --wan 5mbit" }

// Run changes the site.
func (c SiteSet) Run(ctx context.Context) error {
	return Cap{Remote: c.Remote, Site: c.Name, WAN: c.WAN}.Run(ctx)
}

// Enrol is `sitecast enrol`.
type Enrol struct {
	Remote
	Site string        `help:"Site that endpoints enrol at." required:""`
	Uses int           `help:"How many endpoints may enrol with the token." default:"1"`
	TTL  time.Duration `name:"ttl" help:"How long the token is good for." default:"24h"`
}

// Help is the long help with an example.
func (Enrol) Help() string {
	return "Prints an enrolment token and nothing else.\n\nExample:\n  sitecast enrol --site shop-12 --uses 20 > shop-12.token"
}

// Run makes the token.
func (c Enrol) Run(ctx context.Context) error {
	cl, err := c.connect()
	if err != nil {
		return err
	}
	var made api.MadeEnrolment
	req := api.NewEnrolment{Site: c.Site, Uses: c.Uses, TTLSeconds: int64(c.TTL / time.Second)}
	if err := cl.call(ctx, "POST", "enrolments", nil, req, &made); err != nil {
		return err
	}
	fmt.Println(made.Token)
	return nil
}

// Endpoints is `sitecast endpoints`.
type Endpoints struct {
	Remote
	Site string `help:"Only those of this site."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Help is the long help with an example.
func (Endpoints) Help() string { return "Example:\n  sitecast endpoints --site shop-12" }

// Run lists the endpoints.
func (c Endpoints) Run(ctx context.Context) error {
	cl, err := c.connect()
	if err != nil {
		return err
	}
	query := url.Values{}
	if c.Site != "" {
		query.Set("site", c.Site)
	}
	var list []site.EndpointView
	if err := cl.call(ctx, "GET", "endpoints", query, nil, &list); err != nil || c.JSON {
		return printUnless(err, list)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ENDPOINT\tNAME\tSITE\tKIND\tONLINE\tLINKS\tHOLDS\tLAST SEEN")
	for _, e := range list {
		online := "no"
		if e.Online {
			online = "yes"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", e.ID.Short(), e.Name, e.Site, e.Kind, online, e.Links,
			strings.Join(e.Holds, " "), e.LastSeen.Local().Format(time.DateTime))
	}
	return w.Flush()
}
