package operator

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/policy"
)

// Report is `sitecast report`.
type Report struct {
	Remote
	From    string `help:"First day, as 2026-11-01 (default: 30 days before the last)." placeholder:"DAY"`
	To      string `help:"Last day (default: today, at the site where it begins first)." placeholder:"DAY"`
	By      string `help:"What each line is about: site, content, day, or all of it." enum:"site,content,day,all" default:"site" placeholder:"WHAT"`
	Site    string `help:"Of this site only." placeholder:"NAME"`
	Content string `help:"Of this content only." placeholder:"NAME"`
	Tariff  string `help:"What bytes over the WAN cost (default: what is set as wan_tariff)." placeholder:"0.08EUR/GB"`
	JSON    bool   `name:"json" help:"Print a JSON array." xor:"format"`
	CSV     bool   `name:"csv" help:"Print CSV." xor:"format"`
}

// Help is the long help with an example.
func (Report) Help() string {
	return `For each site, content or day: how often an endpoint completed a version, the bytes of
content by where they came from, what crossed the WAN, and what did not because
endpoints shared it. Days are those of each site's own clock.

WAN is what came from the origin, as it crossed, and twice what came through relays
beyond the WAN, as that leaves the site and comes back. SAVED is what would have
crossed besides, had each endpoint fetched for itself what it got from others; what
endpoints held before (REUSED) is no saving. MAX is the most that sharing can save:
(n-1)/n where n endpoints of a site need the same, so nothing where there is one. What
things cost is said where a tariff is known: sitecast set wan_tariff=0.08EUR/GB.

Examples:
  sitecast report
  sitecast report --from 2026-11-01 --to 2026-11-30 --by day --site shop-12
  sitecast report --by content --tariff 0.08EUR/GB
  sitecast report --by day --csv > november.csv`
}

// Validate refuses what the server would, too.
func (c Report) Validate() error {
	for _, day := range []string{c.From, c.To} {
		if day != "" {
			if err := catalog.CheckDay(day); err != nil {
				return err
			}
		}
	}
	if c.Tariff == "" {
		return nil
	}
	_, err := policy.ParseTariff(c.Tariff)
	return err
}

func (c Report) query() url.Values {
	q := url.Values{"by": {c.By}}
	for name, value := range map[string]string{"from": c.From, "to": c.To, "site": c.Site, "content": c.Content, "tariff": c.Tariff} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// Run prints the report.
func (c Report) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	rows, err := pagesOf[api.ReportRow](ctx, server, "/reports", c.query())
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	switch {
	case c.JSON:
		return c.printJSON(rows)
	case c.CSV:
		_, err := c.stdout().Write(api.WriteReport(rows))
		return err
	}
	if len(rows) == 0 {
		c.say("Nothing was received on these days.")
		return nil
	}
	t := tabwriter.NewWriter(c.stdout(), 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, strings.ToUpper(c.By)+"\tENDPOINTS\tORIGIN\tPEERS\tRELAY\tREUSED\tWAN\tSAVED\tSHARE\tMAX\tSPENT\tSAVED")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%.1f %%\t%.1f %%\t%s\n", r.Key, r.Endpoints, bytesText(r.BytesOrigin), bytesText(r.BytesPeer),
			bytesText(r.BytesRelay), bytesText(r.BytesReused), bytesText(r.WANBytes), signed(r.SavedBytes), 100*r.SavedShare, 100*r.MaxShare, moneyText(r.Money))
	}
	return t.Flush()
}

// signed is a number of bytes that may be negative.
func signed(n int64) string {
	if n < 0 {
		return "-" + bytesText(-n)
	}
	return bytesText(n)
}

// moneyText are two cells: what was spent, and what was saved.
func moneyText(money []api.Money) string {
	if len(money) == 0 {
		return "-\t-"
	}
	var spent, saved []string
	for _, m := range money {
		spent = append(spent, fmt.Sprintf("%.2f %s", m.Spent, m.Currency))
		saved = append(saved, fmt.Sprintf("%.2f %s", m.Saved, m.Currency))
	}
	return strings.Join(spent, " + ") + "\t" + strings.Join(saved, " + ")
}
