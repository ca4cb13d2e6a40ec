package operator

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
)

// Token is `sitecast token`.
type Token struct {
	Create TokenCreate `cmd:"" help:"Print a new API token."`
	List   TokenList   `cmd:"" help:"List the API tokens."`
	Revoke TokenRevoke `cmd:"" help:"Revoke an API token."`
}

// Granted is what an account or token may do, and where.
type Granted struct {
	Role string   `help:"viewer, operator or admin." enum:"viewer,operator,admin" default:"operator"`
	Site []string `help:"Only at this site (repeatable; default: at all, also later ones)." placeholder:"NAME"`
}

func (g Granted) check() error { return catalog.CheckScope(g.Site) }

// TokenCreate is `sitecast token create`.
type TokenCreate struct {
	Remote
	Granted
	Name string        `arg:"" help:"What the token is for, as the audit log names it."`
	TTL  time.Duration `name:"ttl" help:"How long it is good for (0: until it is revoked)." default:"720h" placeholder:"DURATION"`
}

// Help is the long help with an example.
func (TokenCreate) Help() string {
	return `Prints the token and nothing else; it is told this once. With --site it is good for these
sites only: it sees and changes nothing of others, and can't publish.

Examples:
  sitecast token create ci --role operator --ttl 720h > ci.token
  sitecast token create till-support --role operator --site shop-12 --site shop-13`
}

// Validate refuses a token that can't be.
func (c TokenCreate) Validate() error {
	if c.TTL < 0 || c.TTL > api.MaxTokenTTL || c.TTL > 0 && c.TTL < time.Second {
		return fmt.Errorf("--ttl %v: give 1s to %v, or 0", c.TTL, api.MaxTokenTTL)
	}
	if err := catalog.CheckOperatorName(c.Name); err != nil {
		return err
	}
	return c.check()
}

// Run prints the token.
func (c TokenCreate) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	in := api.NewToken{Name: c.Name, Role: c.Role, Sites: c.Site, TTLSeconds: int64(c.TTL / time.Second)}
	var made api.MadeToken
	if err := server.call(ctx, http.MethodPost, "/tokens", nil, in, &made); err != nil {
		return fmt.Errorf("create token %s: %w", c.Name, err)
	}
	c.say("%s", made.Secret)
	return nil
}

// TokenList is `sitecast token list`.
type TokenList struct {
	Remote
	JSON bool `name:"json" help:"Print JSON."`
}

// Help is the long help with an example.
func (TokenList) Help() string { return "Example:\n  sitecast token list --json" }

// Run lists the tokens.
func (c TokenList) Run(ctx context.Context) error {
	return show(ctx, c.Remote, c.JSON, "tokens", "/tokens", "NAME\tID\tROLE\tSITES\tEXPIRES\tUSED\tBY", func(v api.TokenView) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%s", v.Name, v.ID, v.Role, scopeText(v.Sites), whenText(v.Expires, "never"), whenText(v.Used, "never"), cmp.Or(v.By, "-"))
	})
}

func scopeText(sites []string) string { return cmp.Or(strings.Join(sites, ","), "all") }

func whenText(at time.Time, zero string) string {
	if at.IsZero() {
		return zero
	}
	return at.Local().Format(time.DateTime)
}

// TokenRevoke is `sitecast token revoke`.
type TokenRevoke struct {
	Remote
	Name string `arg:"" help:"Name of the token, or its id where several have that name."`
}

// Help is the long help with an example.
func (TokenRevoke) Help() string { return "Example:\n  sitecast token revoke ci" }

// Run revokes the token.
func (c TokenRevoke) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	all, err := pagesOf[api.TokenView](ctx, server, "/tokens", nil)
	if err != nil {
		return fmt.Errorf("revoke token %s: %w", c.Name, err)
	}
	id, err := tokenID(all, c.Name)
	if err != nil {
		return err
	}
	if err := server.call(ctx, http.MethodDelete, "/tokens/"+url.PathEscape(id), nil, nil, nil); err != nil {
		return fmt.Errorf("revoke token %s: %w", c.Name, err)
	}
	c.say("Revoked token %s (%s).", c.Name, id)
	return nil
}

// tokenID finds a token by its id, or by its name where only one has it.
func tokenID(all []api.TokenView, text string) (id string, err error) {
	var ids []string
	for _, v := range all {
		if v.ID == text {
			return v.ID, nil
		}
		if v.Name == text {
			ids = append(ids, v.ID)
		}
	}
	switch len(ids) {
	case 0:
		return "", fmt.Errorf("no token is called %s: sitecast token list shows them", text)
	case 1:
		return ids[0], nil
	}
	return "", fmt.Errorf("several tokens are called %s: give the id of one, %s", text, strings.Join(ids, ", "))
}
