package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// Cap is `sitecast cap`.
type Cap struct {
	Remote
	Site       string `help:"Site to cap; with --content that flow." placeholder:"NAME"`
	Content    string `help:"Cap each flow of this content, or of one version of it." placeholder:"NAME[@V]"`
	Everywhere bool   `help:"Cap each site."`
	Together   bool   `help:"With --everywhere: what all sites take together. It is divided among those that fetch."`
	WAN        Rate   `name:"wan" help:"Most that may be taken over the WAN, as 5mbit or 500kbit, or none." required:"" placeholder:"RATE"`
	Lasting
	JSON bool `name:"json" help:"Print a rule and what became of it as a JSON object."`
}

// Help is the long help with an example.
func (Cap) Help() string {
	return `With --site alone and no time or reason it is a setting of the site. All else are rules
beside that, and the least of all that hold counts: --everywhere for what each site takes,
--content for what each flow of it takes at each site. They are not split: each site, or flow,
takes so much at most. --everywhere --together bounds what all sites take together: those that
fetch have equal parts of it, and what one does not take is for the others. With none the rules within what is named end, and with --site alone the
site's setting, too. What endpoints exchange on the LAN is never capped.

Examples:
  sitecast cap --site shop-12 --wan 5mbit
  sitecast cap --site shop-12 --wan none
  sitecast cap --everywhere --together --wan 200mbit
  sitecast cap --content till-app --wan 500kbit --until 2027-03-04T06:00:00+01:00
  sitecast cap --everywhere --wan 2mbit --for 2h --reason "the provider has trouble"`
}

// selector is what is meant.
func (c Cap) selector() Selector {
	return Selector{Site: c.Site, Content: c.Content, Everywhere: c.Everywhere}
}

// Validate refuses what can't be a site or a content.
func (c Cap) Validate() error {
	if c.selector() == (Selector{}) {
		return errors.New("say what to cap: --site NAME, --content NAME[@V], both, or --everywhere")
	}
	if c.Together && (!c.Everywhere || c.WAN == 0) {
		return errors.New("--together bounds what all sites take: say --everywhere, and a rate above 0 or none")
	}
	if c.WAN == NoRate && c.given() {
		return errors.New("--wan none ends caps: leave out --for, --until and --reason")
	}
	var site error
	if c.Site != "" {
		site = content.CheckName(c.Site)
	}
	return errors.Join(site, c.selector().Validate(), c.Lasting.Validate())
}

// setting reports whether the site's own cap is meant.
func (c Cap) setting() bool { return c.Site != "" && c.Content == "" && !c.given() }

// Run sets the cap.
func (c Cap) Run(ctx context.Context) error {
	which, err := c.selector().parse()
	switch {
	case err != nil:
		return err
	case c.WAN == NoRate:
		return c.end(ctx, which)
	case c.setting():
		return setCap(ctx, c.Remote, c.Site, c.WAN)
	}
	limit, rule := c.WAN.BytesPerSecond(), c.rule(catalog.RuleCap, which)
	rule.Cap = &limit
	if c.Together {
		rule.Kind = catalog.RuleBudget
		return setAndWatch(ctx, c.Remote, rule, c.JSON, fmt.Sprintf("All sites together may take %s over the WAN%s", c.WAN, c.text()))
	}
	return setAndWatch(ctx, c.Remote, rule, c.JSON, fmt.Sprintf("WAN cap of %s: %s%s", which, c.WAN, c.text()))
}

// end ends the caps within what is meant, and tells of those that go on.
func (c Cap) end(ctx context.Context, which catalog.Selector) error {
	if c.setting() {
		if err := setCap(ctx, c.Remote, c.Site, NoRate); err != nil {
			return err
		}
	}
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	var change api.Change
	err = server.call(ctx, http.MethodPost, "/rules/uncap", nil, api.EndedRules{Site: which.Site, Content: which.Name, Version: which.Version, Together: c.Together}, &change)
	if err != nil {
		return fmt.Errorf("end caps: %w", err)
	}
	if c.Together {
		c.say("Ended bounds on what all sites take together: %d.", change.Removed)
		return nil
	}
	left, _, err := server.still(ctx, catalog.RuleCap, "cap --wan none", which)
	if err != nil {
		return err
	}
	if left != "" {
		c.say("Caps of %s that go on:\n%s", which, left)
	}
	if change.Removed > 0 || !c.setting() {
		text := ""
		if change.Removed > 0 {
			came, err := server.ended(ctx, change.Generation)
			if err != nil { // what was asked for is done
				fmt.Fprintf(c.stderr(), "What became of it can't be read: %v\n", err)
			}
			text = endedText(came, ", first effect after ")
		}
		c.say("Ended caps of %s: %d.%s", which, change.Removed, text)
	}
	if c.Everywhere {
		c.say("Caps that are settings of sites stay: see sitecast site list.")
	}
	return nil
}
