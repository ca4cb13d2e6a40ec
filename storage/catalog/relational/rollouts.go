package relational

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

// aimed are the distributions that have an aim.
const aimed = `SELECT distribution, target, not_before, rings, replaces, retry, rollout, windows FROM aims`

type aimRow struct {
	id  int64
	aim catalog.Aim
}

func scanAim(r *sql.Rows) (row aimRow, err error) {
	var notBefore int64
	var rings, rollout string
	a := &row.aim
	if err := r.Scan(&row.id, &a.Target, &notBefore, &rings, &a.Replaces, &a.Retry, &rollout, &a.Window); err != nil {
		return row, err
	}
	a.NotBefore = at(notBefore)
	a.Rings, err = catalog.DecodeRings(rings)
	return row, errors.Join(err, json.Unmarshal([]byte(rollout), &a.Rollout))
}

// aim fills in the aims of distributions.
func aim(ctx context.Context, db querier, all ...*catalog.Distribution) error {
	if len(all) == 0 {
		return nil
	}
	least, most := all[0].ID, all[0].ID
	for _, d := range all {
		least, most = min(least, d.ID), max(most, d.ID)
	}
	rows, err := list(ctx, db, scanAim, aimed+` WHERE distribution >= $1 AND distribution <= $2`, least, most)
	if err != nil {
		return fmt.Errorf("read aims: %w", err)
	}
	aims := make(map[int64]catalog.Aim, len(rows))
	for _, row := range rows {
		aims[row.id] = row.aim
	}
	for _, d := range all {
		if a, ok := aims[d.ID]; ok {
			d.Aim = a
		}
	}
	return nil
}

// aimText is what the audit log says of an aim.
func aimText(a catalog.Aim) (text string) {
	if a.Target != "" {
		text += ", to " + a.Target
	}
	if !a.NotBefore.IsZero() {
		text += ", not before " + a.NotBefore.UTC().Format(time.RFC3339)
	}
	if a.Window != "" {
		text += ", fetched in " + a.Window
	}
	for i, r := range a.Rings {
		text += fmt.Sprintf(", ring %d %s: %s", i+1, r.Name, r.Target)
	}
	if a.Replaces > 0 {
		text += fmt.Sprintf(", rolling back distribution %d", a.Replaces)
	}
	return text
}

// pointers are those to the distributions of a list.
func pointers(list []catalog.Distribution) (out []*catalog.Distribution) {
	for i := range list {
		out = append(out, &list[i])
	}
	return out
}

// writeAim keeps the aim of a distribution, where it has one.
func writeAim(ctx context.Context, tx *sql.Tx, d *catalog.Distribution) error {
	if d.Replaces > 0 {
		if err := rollBack(ctx, tx, d); err != nil {
			return err
		}
	}
	if err := supersede(ctx, tx, *d); err != nil {
		return err
	}
	if d.Target == "" && d.NotBefore.IsZero() && d.Window == "" && len(d.Rings) == 0 && d.Replaces == 0 {
		return nil
	}
	d.Rollout = catalog.Rollout{}
	if len(d.Rings) > 0 {
		d.Rollout = catalog.Rollout{State: catalog.RolloutWaiting, Reason: "its first ring opens in a moment", Changed: d.Created}
	}
	return putAim(ctx, tx, *d)
}

func putAim(ctx context.Context, tx *sql.Tx, d catalog.Distribution) error {
	rings, err := catalog.EncodeRings(d.Rings)
	if err != nil {
		return err
	}
	rollout, err := json.Marshal(d.Rollout)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO aims (distribution, target, not_before, rings, replaces, retry, state, rollout, windows)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (distribution) DO UPDATE SET retry = $6, state = $7, rollout = $8`,
		d.ID, d.Target, ms(d.NotBefore), rings, d.Replaces, d.Retry, d.Rollout.State, string(rollout), d.Window)
	return err
}

// rollBack ends the distribution that another one replaces.
func rollBack(ctx context.Context, tx *sql.Tx, d *catalog.Distribution) error {
	old, err := distributionIn(ctx, tx, d.Replaces)
	if err != nil {
		return err
	}
	if old.Name != d.Name {
		return fmt.Errorf("distribution %d is of %s: %w", old.ID, old.Name, catalog.ErrConflict)
	}
	if old.Serial >= d.Serial {
		return fmt.Errorf("distribution %d is of %s@%s, which is not older than %s: a rollback is a new version: %w", old.ID, old.Name, old.Version, d.Version, catalog.ErrConflict)
	}
	old.Rollout.State, old.Rollout.Changed = catalog.RolloutRolledBack, d.Created
	old.Rollout.Reason = fmt.Sprintf("rolled back to %s", d.Version)
	return putAim(ctx, tx, old)
}

// supersede ends the rollouts whose place a distribution takes.
func supersede(ctx context.Context, tx *sql.Tx, d catalog.Distribution) error {
	live, err := distributionsIn(ctx, tx, liveRollouts+` ORDER BY d.id`)
	if err != nil {
		return err
	}
	for _, old := range live {
		if !d.Supersedes(old) {
			continue
		}
		old.Rollout.State, old.Rollout.Changed = catalog.RolloutSuperseded, d.Created
		if !old.Rollout.Stopped { // else it goes on to say why nothing more comes
			old.Rollout.Reason = fmt.Sprintf("%s@%s took its place", d.Name, d.Version)
		}
		if err := putAim(ctx, tx, old); err != nil {
			return err
		}
	}
	return nil
}

const (
	withRings    = ` WHERE d.id IN (SELECT distribution FROM aims WHERE rings <> '')`
	liveRollouts = ` WHERE d.id IN (SELECT distribution FROM aims WHERE state IN ('running', 'waiting', 'halted'))`
)

// distributionsIn reads distributions with their aims and sites; where is all behind the
// tables.
func distributionsIn(ctx context.Context, db querier, where string, args ...any) ([]catalog.Distribution, error) {
	all, err := list(ctx, db, scanDistributionRow, `SELECT `+distributionColumns+distributionTables+where, args...)
	if err != nil {
		return nil, err
	}
	if err := aim(ctx, db, pointers(all)...); err != nil {
		return nil, err
	}
	for i, d := range all {
		if d.All || d.Target != "" {
			continue
		}
		all[i].Sites, err = list(ctx, db, func(r *sql.Rows) (name string, err error) { return name, r.Scan(&name) },
			`SELECT site FROM distribution_sites WHERE distribution = $1 ORDER BY site`, d.ID)
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func distributionIn(ctx context.Context, db querier, id int64) (catalog.Distribution, error) {
	all, err := distributionsIn(ctx, db, ` WHERE d.id = $1`, id)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("distribution %d: %w", id, catalog.ErrNotFound)
	}
	if err != nil {
		return catalog.Distribution{}, err
	}
	return all[0], nil
}

// RolloutsBefore implements catalog.Rollouts.
func (c *Catalog) RolloutsBefore(ctx context.Context, before int64, limit int, live bool) ([]catalog.Distribution, error) {
	where := withRings
	if live {
		where = liveRollouts
	}
	if before == 0 {
		before = math.MaxInt64
	}
	return distributionsIn(ctx, c.read, where+` AND d.id < $1 ORDER BY d.id DESC LIMIT $2`, before, page(limit))
}

// ChangeRollout implements catalog.Rollouts.
func (c *Catalog) ChangeRollout(ctx context.Context, by, action string, id int64, f func(catalog.Distribution) (catalog.Rollout, error)) (generation uint64, err error) {
	do := func(ctx context.Context, tx *sql.Tx) (string, error) {
		d, err := distributionIn(ctx, tx, id)
		if err != nil {
			return "", err
		}
		if len(d.Rings) == 0 {
			return "", fmt.Errorf("distribution %d has no rings: %w", id, catalog.ErrNotFound)
		}
		before := d.Rollout
		if d.Rollout, err = f(d); err != nil {
			return "", err
		}
		changed(ctx, before, d.Rollout)
		if err := putAim(ctx, tx, d); err != nil {
			return "", err
		}
		generation, err = raise(ctx, tx)
		return fmt.Sprintf("%s@%s: %s", d.Name, d.Version, d.Rollout.Reason), err
	}
	if action == "" {
		err = c.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
			_, err := do(ctx, tx)
			return err
		})
		return generation, err
	}
	err = c.changeWith(ctx, by, action, fmt.Sprintf("rollout %d", id), do)
	return generation, err
}

// Retry implements catalog.Rollouts.
func (c *Catalog) Retry(ctx context.Context, by string, id int64) (generation uint64, err error) {
	err = c.changeWith(ctx, by, "retry", fmt.Sprintf("distribution %d", id), func(ctx context.Context, tx *sql.Tx) (string, error) {
		d, err := distributionIn(ctx, tx, id)
		if err != nil {
			return "", err
		}
		if generation, err = raise(ctx, tx); err != nil {
			return "", err
		}
		changed(ctx, d.Retry, generation)
		d.Retry = generation
		if len(d.Rings) > 0 {
			d.Rollout.Since = at(ms(time.Now()))
		}
		return fmt.Sprintf("%s@%s: who failed to activate it", d.Name, d.Version), putAim(ctx, tx, d)
	})
	return generation, err
}

// NextNotBefore implements catalog.Rollouts.
func (c *Catalog) NextNotBefore(ctx context.Context, now time.Time) (time.Time, error) {
	var next int64
	err := c.read.QueryRowContext(ctx, `SELECT COALESCE(MIN(not_before), 0) FROM aims WHERE not_before > $1`, ms(now)).Scan(&next)
	return at(next), err
}

// LiveTargets implements catalog.Rollouts.
func (c *Catalog) LiveTargets(ctx context.Context) ([]catalog.Distribution, error) {
	all, err := distributionsIn(ctx, c.read, ` WHERE d.id IN (SELECT distribution FROM aims WHERE target <> '' OR rings <> '') ORDER BY d.id`)
	return slices.DeleteFunc(all, func(d catalog.Distribution) bool {
		return d.Rollout.State == catalog.RolloutRolledBack || d.Target == "" && d.Rollout.Ended()
	}), err
}

// TagsOf implements catalog.Rollouts.
func (c *Catalog) TagsOf(ctx context.Context) (map[string][]string, error) {
	type row struct{ site, tag string }
	rows, err := list(ctx, c.read, func(r *sql.Rows) (out row, err error) { return out, r.Scan(&out.site, &out.tag) },
		`SELECT subject, tag FROM tagged WHERE kind = '`+taggedSite+`' ORDER BY subject, tag`)
	tags := map[string][]string{}
	for _, r := range rows {
		tags[r.site] = append(tags[r.site], r.tag)
	}
	return tags, err
}

// meant fills in the tags of the site of orders, and leaves those distributions that mean
// it.
func (c *Catalog) meant(ctx context.Context, o *catalog.Orders) (err error) {
	if o.Tags, err = list(ctx, c.read, func(r *sql.Rows) (tag string, err error) { return tag, r.Scan(&tag) },
		`SELECT tag FROM tagged WHERE kind = '`+taggedSite+`' AND subject = $1 ORDER BY tag`, o.Site.Name); err != nil {
		return err
	}
	if err := aim(ctx, c.read, pointers(o.Distributions)...); err != nil {
		return err
	}
	s := o.For()
	o.Distributions = slices.DeleteFunc(o.Distributions, func(d catalog.Distribution) bool { return !d.Means(s, true) })
	return nil
}
