package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
)

// Block is `sitecast block`.
type Block struct {
	Remote
	Kept
	Reason  string        `help:"Why, for operators and for the status of endpoints." placeholder:"TEXT"`
	Wait    bool          `help:"Show progress, and return when no endpoint that is online holds anything of it."`
	Timeout time.Duration `help:"With --wait: give up after this time (0: never)." placeholder:"DURATION"`
	JSON    bool          `name:"json" help:"Print the block, and how far it is obeyed, as JSON."`
}

// Help is the long help with examples.
func (Block) Help() string {
	return `The kill switch. As long as the block stands nothing of it is ordered or sent, and
every endpoint stops using and serving it at once and deletes all of it: the version in
use too, what is pinned, kept to go back to, or the last copy. A kiosk goes back to the
newest version it holds that passed and is not blocked, or shows that it is being prepared.
Endpoints that are offline obey when they return. What other versions have in common with
it stays with them. It stays at the origin, too, until it is removed there.

sitecast unblock ends it: what is distributed then comes again.

Examples:
  sitecast block till-app@2.1 --reason "sends wrong receipts" --wait
  sitecast block leaked-video
  sitecast block till-app@2.1 --site shop-12`
}

// Validate implements what the parser asks of a command.
func (c Block) Validate() error {
	if err := catalog.CheckReason(c.Reason); err != nil {
		return fmt.Errorf("--reason: %w", err)
	}
	return c.Kept.Validate()
}

// Run sets a block and, if told to, waits until it is obeyed.
func (c Block) Run(ctx context.Context) error {
	which, err := c.selector()
	if err != nil {
		return err
	}
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	in := api.NewBlock{Site: which.Site, Content: which.Name, Version: which.Version, Reason: c.Reason}
	var change api.Change
	if err := server.call(ctx, http.MethodPost, "/blocks", nil, in, &change); err != nil {
		return fmt.Errorf("block: %w", err)
	}
	if !c.JSON {
		c.say("Blocked %s (generation %d).", which, change.Generation)
	}
	return c.follow(ctx, server, which)
}

// follow shows how far a block is obeyed: once, or until it is.
func (c Block) follow(ctx context.Context, server *client, which catalog.Selector) error {
	limit, stop := within(ctx, c.Timeout)
	defer stop()
	tick := time.NewTicker(waitEvery)
	defer tick.Stop()
	screen := newScreen(c.stderr())
	for {
		b, err := server.blockOf(limit, which)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("interrupted; the block of %s stands", which)
		case limit.Err() != nil:
			return fmt.Errorf("not every endpoint has deleted %s within %v; the block stands", which, c.Timeout)
		case final(err), errors.Is(err, errUnblocked):
			return fmt.Errorf("wait for the block of %s: %w", which, err)
		}
		done := err == nil && b.Holding == 0
		if !c.Wait || done {
			return c.report(b, err)
		}
		if err == nil && !c.JSON {
			screen.show(time.Now(), []string{blockText(b)}, false)
		}
		select {
		case <-limit.Done():
		case <-tick.C:
		}
	}
}

// report prints how far a block is obeyed.
func (c Block) report(b api.BlockView, err error) error {
	switch {
	case err != nil:
		return err
	case c.JSON:
		return c.printJSON(b)
	}
	c.say("%s", blockText(b))
	return nil
}

func blockText(b api.BlockView) string {
	text := fmt.Sprintf("%d endpoints hold nothing of it, %d have yet to delete it", b.Gone, b.Holding)
	if b.Offline > 0 {
		text += fmt.Sprintf(", %d are offline and obey when they return", b.Offline)
	}
	return text
}

var errUnblocked = errors.New("it is not blocked any more: somebody ended that")

// blockOf is a block that stands.
func (c *client) blockOf(ctx context.Context, which catalog.Selector) (api.BlockView, error) {
	all, err := pagesOf[api.BlockView](ctx, c, "/blocks", url.Values{"content": {which.Name}})
	if err != nil {
		return api.BlockView{}, err
	}
	for _, b := range all {
		if b.Selector == which {
			return b, nil
		}
	}
	return api.BlockView{}, fmt.Errorf("%s: %w", which, errUnblocked)
}

// Unblock is `sitecast unblock`.
type Unblock struct {
	Remote
	Kept
}

// Help is the long help with an example.
func (Unblock) Help() string {
	return `Ends the blocks within what is named: a block of one version when its content is
named, those of single sites when no site is. What is distributed comes again.

Example:
  sitecast unblock till-app@2.1`
}

// Validate implements what the parser asks of a command.
func (c Unblock) Validate() error { return c.Kept.Validate() }

// Run ends blocks.
func (c Unblock) Run(ctx context.Context) error {
	return c.end(ctx, c.Remote, "/blocks/end", "blocked")
}
