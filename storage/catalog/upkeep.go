package catalog

import (
	"context"
	"fmt"
	"time"
)

// Upkeep is what is put right of a site and its rules later on.
type Upkeep interface {
	// SetZone changes the time zone of a site, "" for UTC; ErrNotFound where nobody created it.
	SetZone(ctx context.Context, by, site, tz string) error
	// EndRule ends the one rule that was set in a generation and is about the site, "" for one
	// that holds everywhere; ErrNotFound where there is none. ClearRules ends all that a selector
	// covers. A purge does not end: ErrConflict.
	EndRule(ctx context.Context, by, site string, generation uint64) (Rule, error)
}

// CheckZone reports why something is no time zone; empty is UTC.
func CheckZone(tz string) error {
	if _, err := time.LoadLocation(tz); err != nil || tz == "Local" {
		return fmt.Errorf("there is no time zone %.60q", tz)
	}
	return nil
}

// Ends fails with ErrConflict where a rule can't be ended: what was purged is gone.
func (r Rule) Ends() error {
	if r.Kind == RulePurge {
		return fmt.Errorf("a purge does not end, it was of what was distributed until then: %w", ErrConflict)
	}
	return nil
}
