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
	Site    string `help:"Flows of this site." placeholder:"NAME"`
	Content string `help:"Flows of this content, or of one version of it." placeholder:"NAME[@V]"`
}

// Validate wants a site, a content, or both.
func (s Selector) Validate() error {
	if s.Site == "" && s.Content == "" {
		return errors.New("say which flows: --site NAME, --content NAME[@V], or both")
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
}

// Help is the long help with an example.
func (Pause) Help() string {
	return `Pausing stops all bytes of the flows that match within seconds, also of flows
that begin later, until they are resumed.

Examples:
  sitecast pause --site shop-12
  sitecast pause --content till-app@2.1 --site shop-12`
}

// Validate implements what the parser asks of a command.
func (c Pause) Validate() error { return c.Selector.Validate() }

// Run sets a pause rule.
func (c Pause) Run(ctx context.Context) error {
	which, err := c.parse()
	if err != nil {
		return err
	}
	return setRule(ctx, c.Remote, api.NewRule{Kind: catalog.RulePause, Site: which.Site, Content: which.Name,
		Version: which.Version}, "Paused "+which.String())
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
	return `Ends pauses, and lets flows go on that the server halted because they took more
over the WAN than they need. Find out why before: sitecast flows says how much.

Examples:
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
	rules, err := pagesOf[catalog.Rule](ctx, server, "/rules", nil)
	if err != nil {
		return fmt.Errorf("read rules: %w", err)
	}
	partly := ""
	for _, rule := range rules {
		switch {
		case rule.Kind != catalog.RulePause:
		case rule.Covers(which):
			return fmt.Errorf("%s stays paused: %s paused %s\n  resume that with: sitecast resume%s", which, rule.By, rule.Selector, flags(rule.Selector))
		case rule.Overlaps(which):
			partly += fmt.Sprintf("\nWhat of it is in %s stays paused by %s; resume that with: sitecast resume%s", rule.Selector, rule.By, flags(rule.Selector))
		}
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
	c.say("Resumed %s.%s", which, partly)
	return nil
}

// flags writes a selector as the command line has it.
func flags(s catalog.Selector) string {
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
	Content  string `arg:"" help:"Content, or one version of it." placeholder:"NAME[@V]"`
	Site     string `help:"Only at this site." placeholder:"NAME"`
	Priority string `help:"high, normal or low." enum:"high,normal,low" required:""`
}

// Help is the long help with an example.
func (Prioritize) Help() string {
	return "Example:\n  sitecast prioritize till-app@2.1 --site shop-12 --priority high"
}

// Validate refuses what can't be a content.
func (c Prioritize) Validate() error {
	if c.Content == "" {
		return errors.New("say which content: NAME, or NAME@V")
	}
	_, err := parseContent(c.Content)
	return err
}

// Run sets a priority rule.
func (c Prioritize) Run(ctx context.Context) error {
	ref, err := parseContent(c.Content)
	if err != nil {
		return err
	}
	which := catalog.Selector{Site: c.Site, Name: ref.Name, Version: ref.Version}
	return setRule(ctx, c.Remote, api.NewRule{Kind: catalog.RulePriority, Site: c.Site, Content: ref.Name, Version: ref.Version,
		Priority: wire.Priority(c.Priority)}, "Priority of "+which.String()+" is "+c.Priority)
}
