package catalog

import (
	"context"

	"github.com/sitecast/sitecast/storage/policy"
)

// Settings is what a catalog remembers of package policy. A site's cap, hold-off, copies and
// networks are settings of its level, so [Catalog.SetCap] and the like change those, and
// [Site] shows what is set for the site itself.
type Settings interface {
	// ChangeSettings sets, and takes back, what a scope says. Values are as
	// [policy.CheckChanges] returns them; ErrNotFound where the scope is of nobody. The
	// audit log has each value before and after.
	ChangeSettings(ctx context.Context, by string, scope policy.Scope, changes []policy.Assignment) error
	// ChangeTag changes who bears a tag and its priority, and makes it where it is not
	// there: ErrConflict beyond policy.MaxTags. DropTag removes it with all that is set
	// for it.
	ChangeTag(ctx context.Context, by string, c policy.TagChange) error
	DropTag(ctx context.Context, by, name string) error
	// Policy is all that was set as far as it concerns a site and its endpoints, or (empty)
	// all there is.
	Policy(ctx context.Context, site string) (*policy.Book, error)

	// KeepSpent notes what a site took over the WAN. It is not audited. Spent is the zero
	// value before that.
	KeepSpent(ctx context.Context, site string, s Spent) error
	Spent(ctx context.Context, site string) (Spent, error)
}

// Spent is what a site took over the WAN in a month.
type Spent struct {
	Month string // of the site's time, as 2026-11
	Bytes int64  // encoded
}
