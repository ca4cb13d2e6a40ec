package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
)

// Kept says which versions a command is about that endpoints hold.
type Kept struct {
	Content string `arg:"" help:"Content, or one version of it." placeholder:"NAME[@V]"`
	Site    string `help:"Only at this site." placeholder:"NAME"`
}

// Validate refuses what can't be a content.
func (k Kept) Validate() error {
	if k.Content == "" {
		return errors.New("say which content: NAME, or NAME@V")
	}
	_, err := parseContent(k.Content)
	return err
}

// selector is what is meant, as the catalog has it.
func (k Kept) selector() (catalog.Selector, error) {
	ref, err := parseContent(k.Content)
	return catalog.Selector{Site: k.Site, Name: ref.Name, Version: ref.Version}, err
}

// rule is one of a kind about what is meant.
func (k Kept) rule(kind string) (api.NewRule, catalog.Selector, error) {
	which, err := k.selector()
	return api.NewRule{Kind: kind, Site: which.Site, Content: which.Name, Version: which.Version}, which, err
}

// end ends the rules of a kind within what is meant. Was is what they made of it.
func (k Kept) end(ctx context.Context, r Remote, path, was string) error {
	which, err := k.selector()
	if err != nil {
		return err
	}
	server, err := r.client()
	if err != nil {
		return err
	}
	defer server.close()
	change, err := server.endRules(ctx, path, which)
	switch {
	case err != nil:
		return fmt.Errorf("have %s not %s any more: %w", which, was, err)
	case change.Removed == 0:
		r.say("Nothing was %s by a rule about %s.", was, which)
	default:
		r.say("Un%s %s.", was, which)
	}
	return nil
}

// Pin is `sitecast pin`.
type Pin struct {
	Remote
	Kept
	For time.Duration `help:"How long (0: until sitecast unpin)." placeholder:"DURATION"`
}

// Help is the long help with an example.
func (Pin) Help() string {
	return `Endpoints keep what they hold of it, whatever room they need: for an audit, or
for a way back. Nothing is fetched because of a pin.

Examples:
  sitecast pin till-app@2.1 --for 720h
  sitecast pin till-app --site shop-12`
}

// Validate implements what the parser asks of a command.
func (c Pin) Validate() error {
	if c.For < 0 || c.For > catalog.MaxPin {
		return fmt.Errorf("--for: want a time of at most %v", catalog.MaxPin)
	}
	return c.Kept.Validate()
}

// Run sets a pin.
func (c Pin) Run(ctx context.Context) error {
	rule, which, err := c.rule(catalog.RulePin)
	if err != nil {
		return err
	}
	done := "Pinned " + which.String()
	if c.For > 0 {
		now := time.Now()
		rule.Expires = now.Add(c.For)
		done += " until " + clockText(now, rule.Expires)
	}
	return setRule(ctx, c.Remote, rule, done)
}

// Unpin is `sitecast unpin`.
type Unpin struct {
	Remote
	Kept
}

// Help is the long help with an example.
func (Unpin) Help() string {
	return `Ends the pins within what is named: a pin of one version when its content is
named, those of single sites when no site is.

Example:
  sitecast unpin till-app@2.1`
}

// Validate implements what the parser asks of a command.
func (c Unpin) Validate() error { return c.Kept.Validate() }

// Run ends pins.
func (c Unpin) Run(ctx context.Context) error { return c.end(ctx, c.Remote, "/rules/unpin", "pinned") }

// Purge is `sitecast purge`.
type Purge struct {
	Remote
	Kept
}

// Help is the long help with an example.
func (Purge) Help() string {
	return `Ends every distribution of it that was made until now, and has endpoints delete
what they hold of it, also those that are offline, once they return. To bring a
version back, distribute it again.

Examples:
  sitecast purge till-app@2.1
  sitecast purge leaked-video --site shop-12`
}

// Validate implements what the parser asks of a command.
func (c Purge) Validate() error { return c.Kept.Validate() }

// Run sets a purge.
func (c Purge) Run(ctx context.Context) error {
	rule, which, err := c.rule(catalog.RulePurge)
	if err != nil {
		return err
	}
	return setRule(ctx, c.Remote, rule, "Purged "+which.String())
}
