package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// Selector says which flows a command is about.
type Selector struct {
	Site       string `help:"Flows of this site." placeholder:"NAME"`
	Content    string `help:"Flows of this content, or of one version of it." placeholder:"NAME[@V]"`
	Everywhere bool   `help:"All flows at all sites."`
}

// Validate wants a site, a content, or both, or everything.
func (s Selector) Validate() error {
	switch named := s.Site != "" || s.Content != ""; {
	case !named && !s.Everywhere:
		return errors.New("say which flows: --site NAME, --content NAME[@V], both, or --everywhere")
	case named && s.Everywhere:
		return errors.New("--everywhere is about all flows: leave out --site and --content")
	}
	if s.Content == "" {
		return nil
	}
	_, err := s.parse()
	return err
}

// parse returns the selector as the catalog has it.
func (s Selector) parse() (catalog.Selector, error) {
	ref, err := parseContent(s.Content)
	return catalog.Selector{Site: s.Site, Name: ref.Name, Version: ref.Version}, err
}

// parseContent reads NAME or NAME@V; the empty string is any content.
func parseContent(s string) (content.Ref, error) {
	if strings.Contains(s, "@") {
		return content.ParseRef(s)
	}
	if s == "" {
		return content.Ref{}, nil
	}
	return content.Ref{Name: s}, content.CheckName(s)
}

// Pause is `sitecast pause`.
type Pause struct {
	Remote
	Selector
	Lasting
	JSON bool `name:"json" help:"Print the rule and what became of it as a JSON object."`
}

// Help is the long help with an example.
func (Pause) Help() string {
	return `Pausing stops all bytes of the flows that match within seconds, also of flows
that begin later, until they are resumed, or for a time. The command waits up to 3 s and says
when the last byte came in. Endpoints that are offline obey when they are back.

Examples:
  sitecast pause --site shop-12
  sitecast pause --content till-app@2.1 --site shop-12
  sitecast pause --everywhere --for 2h --reason "card terminals are slow"`
}

// Validate implements what the parser asks of a command.
func (c Pause) Validate() error { return errors.Join(c.Selector.Validate(), c.Lasting.Validate()) }

// Run sets a pause rule.
func (c Pause) Run(ctx context.Context) error {
	which, err := c.parse()
	if err != nil {
		return err
	}
	return setAndWatch(ctx, c.Remote, c.rule(catalog.RulePause, which), c.JSON, "Paused "+which.String()+c.text())
}

func setRule(ctx context.Context, r Remote, rule api.NewRule, done string) error {
	server, err := r.client()
	if err != nil {
		return err
	}
	defer server.close()
	var change api.Change
	if err := server.call(ctx, http.MethodPost, "/rules", nil, rule, &change); err != nil {
		return fmt.Errorf("%s: %w", rule.Kind, err)
	}
	r.say("%s (generation %d).", done, change.Generation)
	return nil
}

// endRules ends rules within a selection.
func (c *client) endRules(ctx context.Context, path string, which catalog.Selector) (change api.Change, err error) {
	in := api.EndedRules{Site: which.Site, Content: which.Name, Version: which.Version}
	err = c.call(ctx, http.MethodPost, path, nil, in, &change)
	return change, err
}

// Resume is `sitecast resume`.
type Resume struct {
	Remote
	Selector
}

// Help is the long help with an example.
func (Resume) Help() string {
	return `Ends the pauses within what is named, and lets flows go on that the server halted
because they took more over the WAN than they need. Find out why before: sitecast flows says how
much. A pause of more than is named stays: nothing moves at a paused site before its pause is
ended. What goes on pausing is said, with the command that ends it. The command waits up to 3 s
and says when endpoints that are online had it, and when the first bytes came in.

Examples:
  sitecast resume --everywhere
  sitecast resume --site shop-12
  sitecast resume --site shop-12 --content till-app`
}

// Validate implements what the parser asks of a command.
func (c Resume) Validate() error { return c.Selector.Validate() }

// Run ends the pause rules within the selection. It fails when a wider rule goes
// on pausing all that was meant to resume, and tells of those that pause a part.
func (c Resume) Run(ctx context.Context) error {
	which, err := c.parse()
	if err != nil {
		return err
	}
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	change, err := server.endRules(ctx, "/rules/resume", which)
	if err != nil {
		return fmt.Errorf("resume flows: %w", err)
	}
	partly, all, err := server.still(ctx, catalog.RulePause, "resume", which)
	if err != nil {
		return err
	}
	if all {
		return fmt.Errorf("%s stays paused:\n%s", which, partly)
	}
	if partly != "" {
		partly = "\nSome of it stays paused:\n" + partly
	}
	if change.Released > 0 {
		c.say("Flows that go on after they were halted: %d. What they take over the WAN is counted anew.", change.Released)
	}
	if change.Removed == 0 && change.Released > 0 && partly == "" {
		return nil
	}
	if change.Removed == 0 {
		c.say("Nothing was paused by a rule about %s.%s", which, partly)
		return nil
	}
	came, err := server.ended(ctx, change.Generation)
	if err != nil { // what was asked for is done
		fmt.Fprintf(c.stderr(), "What became of it can't be read: %v\n", err)
	}
	c.say("Resumed %s.%s%s", which, endedText(came, ", first bytes came after "), partly)
	return nil
}

// flags writes a selector as the command line has it.
func flags(s catalog.Selector) string {
	if s == (catalog.Selector{}) {
		return " --everywhere"
	}
	text := ""
	if s.Site != "" {
		text += " --site " + s.Site
	}
	if s.Name != "" {
		text += " --content " + s.Name
	}
	if s.Version != "" {
		text += "@" + s.Version
	}
	return text
}

// Prioritize is `sitecast prioritize`.
type Prioritize struct {
	Remote
	Content    string `arg:"" optional:"" help:"Content, or one version of it." placeholder:"NAME[@V]"`
	Site       string `help:"Only at this site; without a content all flows there." placeholder:"NAME"`
	Everywhere bool   `help:"All flows at all sites."`
	Priority   string `help:"high, normal or low." enum:"high,normal,low" required:""`
	Lasting
	JSON bool `name:"json" help:"Print the rule and what became of it as a JSON object."`
}

// Help is the long help with an example.
func (Prioritize) Help() string {
	return `What was said last about a flow counts, however wide it is. With --for or --until it
is as before afterwards: what was said before that, or with the distribution.

Examples:
  sitecast prioritize till-app@2.1 --site shop-12 --priority high
  sitecast prioritize --site shop-12 --priority low --for 2h --reason "stocktaking"`
}

// selector is what is meant.
func (c Prioritize) selector() Selector {
	return Selector{Site: c.Site, Content: c.Content, Everywhere: c.Everywhere}
}

// Validate refuses what can't be a content.
func (c Prioritize) Validate() error {
	if c.selector() == (Selector{}) {
		return errors.New("say which content: NAME, or NAME@V; or --site NAME or --everywhere for all flows there")
	}
	return errors.Join(c.selector().Validate(), c.Lasting.Validate())
}

// Run sets a priority rule.
func (c Prioritize) Run(ctx context.Context) error {
	which, err := c.selector().parse()
	if err != nil {
		return err
	}
	rule := c.rule(catalog.RulePriority, which)
	rule.Priority = wire.Priority(c.Priority)
	return setAndWatch(ctx, c.Remote, rule, c.JSON, "Priority of "+which.String()+" is "+c.Priority+c.text())
}
