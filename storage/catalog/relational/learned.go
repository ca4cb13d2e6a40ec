package relational

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sitecast/sitecast/storage/catalog"
)

// KeepLearned implements catalog.Catalog.
func (c *Catalog) KeepLearned(ctx context.Context, site string, receipts []catalog.Receipt, lines []catalog.Line) error {
	if _, err := c.Site(ctx, site); err != nil {
		return err
	}
	err := c.transact(ctx, func(ctx context.Context, tx *sql.Tx) error { return keepLearned(ctx, tx, site, receipts, lines) })
	if err != nil {
		return fmt.Errorf("keep what was learned of site %s: %w", site, err)
	}
	return nil
}

func keepLearned(ctx context.Context, tx *sql.Tx, site string, receipts []catalog.Receipt, lines []catalog.Line) error {
	for _, r := range receipts {
		added, err := json.Marshal(r.Added)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO receipts (site, version, active, yielded, added) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (site, version) DO UPDATE SET active = $3, yielded = $4, added = $5`,
			site, r.Version.String(), r.ActiveMs, r.YieldMs, string(added)); err != nil {
			return err
		}
	}
	for _, l := range lines {
		base, err := json.Marshal(l.Base)
		busy, err2 := json.Marshal(l.Busy)
		if err := errors.Join(l.Check(), err, err2); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO lines (site, egress, capacity, base, busy, learned) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (site, egress) DO UPDATE SET capacity = $3, base = $4, busy = $5, learned = $6`,
			site, l.Egress, l.Capacity, string(base), string(busy), ms(l.At)); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM lines WHERE site = $1 AND egress NOT IN
		(SELECT egress FROM lines WHERE site = $1 ORDER BY learned DESC, egress LIMIT $2)`, site, catalog.MaxLines)
	return err
}

// Learned implements catalog.Catalog.
func (c *Catalog) Learned(ctx context.Context, site string) (receipts []catalog.Receipt, lines []catalog.Line, err error) {
	if _, err := c.Site(ctx, site); err != nil {
		return nil, nil, err
	}
	receipts, err = list(ctx, c.read, func(row *sql.Rows) (r catalog.Receipt, err error) {
		var version, added string
		if err := row.Scan(&version, &r.ActiveMs, &r.YieldMs, &added); err != nil {
			return r, err
		}
		return r, errors.Join(r.Version.UnmarshalText([]byte(version)), json.Unmarshal([]byte(added), &r.Added))
	}, `SELECT version, active, yielded, added FROM receipts WHERE site = $1 ORDER BY version`, site)
	if err != nil {
		return nil, nil, err
	}
	lines, err = list(ctx, c.read, func(row *sql.Rows) (l catalog.Line, err error) {
		var base, busy string
		var learned int64
		if err := row.Scan(&l.Egress, &l.Capacity, &base, &busy, &learned); err != nil {
			return l, err
		}
		l.At = at(learned)
		return l, errors.Join(json.Unmarshal([]byte(base), &l.Base), json.Unmarshal([]byte(busy), &l.Busy))
	}, `SELECT egress, capacity, base, busy, learned FROM lines WHERE site = $1 ORDER BY egress`, site)
	return receipts, lines, err
}
