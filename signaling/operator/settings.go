package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/policy"
)

// Where says at which level something is set.
type Where struct {
	Org      bool   `help:"For the whole organisation."`
	Tag      string `help:"For all sites and endpoints that bear this tag." placeholder:"TAG"`
	Site     string `help:"For this site." placeholder:"NAME"`
	Endpoint string `help:"For this endpoint: its id, or a name that no other has." placeholder:"NAME"`
}

// scope is the level that the flags name.
func (w Where) scope() (policy.Scope, error) {
	var all []policy.Scope
	if w.Org {
		all = append(all, policy.Scope{Level: policy.Organisation})
	}
	for level, subject := range map[policy.Level]string{policy.Tag: w.Tag, policy.Site: w.Site, policy.Endpoint: w.Endpoint} {
		if subject != "" {
			all = append(all, policy.Scope{Level: level, Subject: subject})
		}
	}
	if len(all) != 1 {
		return policy.Scope{}, errors.New("say for whom, one of: --org, --tag TAG, --site NAME, --endpoint NAME")
	}
	return all[0], nil
}

// Set is `sitecast set`.
type Set struct {
	Remote
	Where
	Values []string `arg:"" help:"What to set, as wan_cap=5mbit." placeholder:"KEY=VALUE"`
	DryRun bool     `help:"Change nothing, and say for which sites and endpoints another value would hold."`
	JSON   bool     `name:"json" help:"Print what is altered as JSON."`
}

// Help is the long help with examples.
func (Set) Help() string {
	return `What an endpoint has set holds before what its site has, that before tags, those
before the organisation. Of several tags the one with the highest priority counts.
sitecast policy keys lists what can be set; sitecast policy explain says what holds.

Examples:
  sitecast set --org wan_cap=20mbit
  sitecast set --tag rural wan_rate=6mbit 'wan_cap_hours=mon-sat 08:00-20:00 1mbit; * none'
  sitecast set --site shop-12 'windows=* 22:00-06:00 open; * closed' --dry-run
  sitecast set --endpoint till-4 endpoint_allowance=5GB cache_quota=20GB`
}

// changes are what the arguments say.
func (c Set) changes() ([]policy.Assignment, error) {
	var out []policy.Assignment
	for _, text := range c.Values {
		key, value, ok := strings.Cut(text, "=")
		if !ok || strings.TrimSpace(value) == "" {
			return nil, fmt.Errorf("%.60q: want KEY=VALUE, as wan_cap=5mbit; sitecast unset takes a setting back", text)
		}
		out = append(out, policy.Assignment{Key: strings.TrimSpace(key), Value: value})
	}
	return out, nil
}

// Validate refuses what can't be set.
func (c Set) Validate() error {
	scope, err := c.scope()
	if err != nil {
		return err
	}
	changes, err := c.changes()
	if err == nil {
		_, err = policy.CheckChanges(scope, changes)
	}
	return err
}

// Run sets it.
func (c Set) Run(ctx context.Context) error {
	changes, err := c.changes()
	if err != nil {
		return err
	}
	return changeSettings(ctx, c.Remote, c.Where, changes, c.DryRun, c.JSON)
}

// Unset is `sitecast unset`.
type Unset struct {
	Remote
	Where
	Keys   []string `arg:"" help:"What to take back, as wan_cap." placeholder:"KEY"`
	DryRun bool     `help:"Change nothing, and say for which sites and endpoints another value would hold."`
	JSON   bool     `name:"json" help:"Print what is altered as JSON."`
}

// Help is the long help with an example.
func (Unset) Help() string { return "Example:\n  sitecast unset --site shop-12 wan_cap windows" }

// changes are what the arguments say.
func (c Unset) changes() (out []policy.Assignment) {
	for _, key := range c.Keys {
		out = append(out, policy.Assignment{Key: key})
	}
	return out
}

// Validate refuses what can't be set.
func (c Unset) Validate() error {
	scope, err := c.scope()
	if err == nil {
		_, err = policy.CheckChanges(scope, c.changes())
	}
	return err
}

// Run takes it back.
func (c Unset) Run(ctx context.Context) error {
	return changeSettings(ctx, c.Remote, c.Where, c.changes(), c.DryRun, c.JSON)
}

// changeSettings changes settings and prints what that alters.
func changeSettings(ctx context.Context, r Remote, where Where, changes []policy.Assignment, dry, asJSON bool) error {
	scope, err := where.scope()
	if err != nil {
		return err
	}
	in := api.SettingsChange{Level: scope.Level, Subject: scope.Subject, Changes: changes}
	return r.alter(ctx, http.MethodPut, "/settings", in, dry, asJSON, "change the settings of the "+scope.String())
}

// alter makes a change, or a trial of one, and prints what it alters; what says so in an
// error.
func (r Remote) alter(ctx context.Context, method, path string, in any, dry, asJSON bool, what string) error {
	server, err := r.client()
	if err != nil {
		return err
	}
	defer server.close()
	query := url.Values{}
	if dry {
		query.Set("dry_run", "true")
	}
	var out api.Alteration
	if err := server.call(ctx, method, path, query, in, &out); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if asJSON {
		return r.printJSON(out)
	}
	return r.writeAlteration(out)
}

func (r Remote) writeAlteration(out api.Alteration) error {
	verb := "Done. Another value holds"
	if out.DryRun {
		verb = "Nothing was changed. Another value would hold"
	}
	r.say("%s at %d sites and %d endpoints.", verb, out.Sites, out.Endpoints)
	if len(out.Altered) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(r.stdout(), 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "SITE\tENDPOINT\tKEY\tBEFORE\tAFTER")
	for _, who := range out.Altered {
		for _, v := range who.Values {
			fmt.Fprintf(t, "%s\t%s\t%s\t%v\t%v\n", who.Site, nameOf(who.Name, who.Endpoint), v.Key, v.Before, v.After)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if more := out.Sites + out.Endpoints - len(out.Altered); more > 0 {
		r.say("and %d more", more)
	}
	return nil
}

// nameOf is an endpoint's name, or its id where it has none.
func nameOf(name, id string) string {
	if name == "" {
		return id
	}
	return name
}

// Policy is `sitecast policy`.
type Policy struct {
	Explain PolicyExplain `cmd:"" help:"Say what holds at a site or endpoint, which level says so, and what it overrides."`
	Keys    PolicyKeys    `cmd:"" help:"List what can be set."`
	List    PolicyList    `cmd:"" help:"List what is set, at all levels."`
}

// PolicyExplain is `sitecast policy explain`.
type PolicyExplain struct {
	Remote
	Site     string `help:"A site." placeholder:"NAME"`
	Endpoint string `help:"An endpoint: its id, or a name that no other has." placeholder:"NAME"`
	JSON     bool   `name:"json" help:"Print JSON."`
}

// Help is the long help with examples.
func (PolicyExplain) Help() string {
	return "Examples:\n  sitecast policy explain --site shop-12\n  sitecast policy explain --endpoint till-4 --json"
}

// Validate wants one of both.
func (c PolicyExplain) Validate() error {
	if (c.Site == "") == (c.Endpoint == "") {
		return errors.New("say which: --site NAME or --endpoint NAME")
	}
	return nil
}

// Run prints what holds.
func (c PolicyExplain) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	query := url.Values{}
	for name, value := range map[string]string{"site": c.Site, "endpoint": c.Endpoint} {
		if value != "" {
			query.Set(name, value)
		}
	}
	var out api.Explained
	if err := server.call(ctx, http.MethodGet, "/policy", query, nil, &out); err != nil {
		return fmt.Errorf("explain what holds: %w", err)
	}
	if c.JSON {
		return c.printJSON(out)
	}
	who := "Site " + out.Site
	if out.Endpoint != "" {
		who = fmt.Sprintf("Endpoint %s at site %s", nameOf(out.Name, out.Endpoint), out.Site)
	}
	if len(out.Tags) > 0 {
		who += ", tags " + strings.Join(out.Tags, " ")
	}
	if out.Month != "" {
		who += fmt.Sprintf("; the site took %s over the WAN in %s", bytesText(out.MonthBytes), out.Month)
	}
	c.say("%s", who)
	t := tabwriter.NewWriter(c.stdout(), 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "KEY\tVALUE\tSET BY\tOVERRIDDEN")
	for _, e := range out.Settings {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", e.Key, e.Value, e.Scope, overriddenText(e))
	}
	return t.Flush()
}

// overriddenText is what weaker levels say, but for the default, which holds nowhere else.
func overriddenText(e policy.Effective) string {
	var parts []string
	for _, o := range e.Overridden {
		if o.Level != policy.Default {
			parts = append(parts, o.String())
		}
	}
	if e.Conflict != "" {
		parts = append(parts, e.Conflict)
	}
	return strings.Join(parts, "; ")
}

// PolicyKeys is `sitecast policy keys`. It asks no server.
type PolicyKeys struct {
	JSON bool `name:"json" help:"Print JSON."`

	Remote `kong:"-"`
}

// Help is the long help with an example.
func (PolicyKeys) Help() string { return "Example:\n  sitecast policy keys" }

// Run prints the settings.
func (c PolicyKeys) Run(context.Context) error {
	if c.JSON {
		return c.printJSON(policy.Keys())
	}
	t := tabwriter.NewWriter(c.stdout(), 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "KEY\tDEFAULT\tVALUE\tWHAT IT IS")
	for _, k := range policy.Keys() {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", k.Name, k.Default, k.Bounds, k.Help)
	}
	return t.Flush()
}

// PolicyList is `sitecast policy list`.
type PolicyList struct {
	Remote
	JSON bool `name:"json" help:"Print JSON."`
}

// Help is the long help with an example.
func (PolicyList) Help() string { return "Example:\n  sitecast policy list --json" }

// Run lists what is set.
func (c PolicyList) Run(ctx context.Context) error {
	return show(ctx, c.Remote, c.JSON, "settings", "/settings", "LEVEL\tKEY\tVALUE", func(s policy.Setting) string {
		return fmt.Sprintf("%s\t%s\t%s", s.Scope, s.Key, s.Value)
	})
}
