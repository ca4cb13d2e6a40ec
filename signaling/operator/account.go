package operator

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
)

// Accounts is `sitecast operator`.
type Accounts struct {
	Invite AccountInvite `cmd:"" help:"Print a link by which somebody makes an account, or gets into it again."`
	List   AccountList   `cmd:"" help:"List the accounts."`
	Set    AccountSet    `cmd:"" help:"Change what an account may do."`
	Remove AccountRemove `cmd:"" help:"Remove an account and end its sessions."`
}

// AccountInvite is `sitecast operator invite`.
type AccountInvite struct {
	Remote
	Granted
	Name string `arg:"" help:"Name of the account, such as a mail address."`
}

// Help is the long help with an example.
func (AccountInvite) Help() string {
	return `Prints a link and nothing else. Whoever opens it first, within 24 hours, chooses the
account's password. It then has the role and the sites that are given here; who forgot
the password is invited again.

Examples:
  sitecast operator invite anna --role admin
  sitecast operator invite ben@shop.example --role operator --site shop-12`
}

// Validate refuses an account that can't be.
func (c AccountInvite) Validate() error {
	if err := catalog.CheckOperatorName(c.Name); err != nil {
		return err
	}
	return c.check()
}

// Run prints the link.
func (c AccountInvite) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	var made api.MadeInvite
	if err := server.call(ctx, http.MethodPost, "/invites", nil, api.NewInvite{Name: c.Name, Role: c.Role, Sites: c.Site}, &made); err != nil {
		return fmt.Errorf("invite %s: %w", c.Name, err)
	}
	c.say("%s", made.URL)
	return nil
}

// AccountList is `sitecast operator list`.
type AccountList struct {
	Remote
	JSON bool `name:"json" help:"Print JSON."`
}

// Help is the long help with an example.
func (AccountList) Help() string { return "Example:\n  sitecast operator list --json" }

// Run lists the accounts.
func (c AccountList) Run(ctx context.Context) error {
	return show(ctx, c.Remote, c.JSON, "accounts", "/operators", "NAME\tROLE\tSITES\tLAST LOG-IN\tCALLED\tISSUER", func(o catalog.Operator) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", o.Name, o.Role, scopeText(o.Sites), whenText(o.LastLogin, "never"), cmp.Or(o.Title, "-"), cmp.Or(o.Issuer, "-"))
	})
}

// AccountSet is `sitecast operator set`.
type AccountSet struct {
	Remote
	Granted
	Name string `arg:"" help:"Name of the account."`
}

// Help is the long help with an example.
func (AccountSet) Help() string {
	return `Replaces role and sites; without --site it is all of them.

Example:
  sitecast operator set ben@shop.example --role viewer --site shop-12`
}

// Validate implements what the parser asks of a command.
func (c AccountSet) Validate() error { return c.check() }

// Run changes the account.
func (c AccountSet) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	if err := server.call(ctx, http.MethodPatch, "/operators/"+url.PathEscape(c.Name), nil, api.OperatorChange{Role: c.Role, Sites: c.Site}, nil); err != nil {
		return fmt.Errorf("change account %s: %w", c.Name, err)
	}
	c.say("%s is %s at %s.", c.Name, c.Role, scopeText(c.Site))
	return nil
}

// AccountRemove is `sitecast operator remove`.
type AccountRemove struct {
	Remote
	Name string `arg:"" help:"Name of the account."`
}

// Help is the long help with an example.
func (AccountRemove) Help() string { return "Example:\n  sitecast operator remove ben@shop.example" }

// Run removes the account.
func (c AccountRemove) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	if err := server.call(ctx, http.MethodDelete, "/operators/"+url.PathEscape(c.Name), nil, nil, nil); err != nil {
		return fmt.Errorf("remove account %s: %w", c.Name, err)
	}
	c.say("Removed account %s.", c.Name)
	return nil
}
