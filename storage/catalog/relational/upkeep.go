package relational

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"

	"github.com/sitecast/sitecast/storage/catalog"
)

// SetZone implements catalog.Catalog.
func (c *Catalog) SetZone(ctx context.Context, by, site, tz string) error {
	if err := catalog.CheckZone(tz); err != nil {
		return err
	}
	return c.setSite(ctx, by, "time zone", site, cmp.Or(tz, "UTC"), `UPDATE sites SET tz = $1 WHERE name = $2`, tz)
}

// EndRule implements catalog.Catalog.
func (c *Catalog) EndRule(ctx context.Context, by, site string, generation uint64) (catalog.Rule, error) {
	none := fmt.Errorf("rule %d: %w", generation, catalog.ErrNotFound)
	const that = ` FROM rules WHERE generation = $1 AND site = $2`
	rules, err := list(ctx, c.read, scanRule, `SELECT `+ruleColumns+that, generation, site)
	if err != nil || len(rules) == 0 {
		return catalog.Rule{}, cmp.Or(err, none)
	}
	r := rules[0]
	if err := r.Ends(); err != nil {
		return r, err
	}
	return r, c.change(ctx, by, "end "+r.Kind, r.Selector.String(), r.Reason, func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE`+that, generation, site)
		if err := changedOne(res, err, none); err != nil {
			return err
		}
		changed(ctx, r, nil)
		_, err = raise(ctx, tx)
		return err
	})
}
