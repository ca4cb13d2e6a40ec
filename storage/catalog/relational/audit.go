package relational

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

// headKey is the setting that holds where the audit log ends.
const headKey = "audit_head"

// effect is what a change changed, for its entry.
type effect struct{ before, after any }

type effectKey struct{}

// changed says what a change, in whose context it is called, changed; nil for nothing.
func changed(ctx context.Context, before, after any) {
	if e, ok := ctx.Value(effectKey{}).(*effect); ok {
		e.before, e.after = before, after
	}
}

// change is transact with an audit entry.
func (c *Catalog) change(ctx context.Context, by, action, target, detail string, f func(context.Context, *sql.Tx) error) error {
	return c.changeWith(ctx, by, action, target, func(ctx context.Context, tx *sql.Tx) (string, error) { return detail, f(ctx, tx) })
}

// changeWith is change where the detail of the entry depends on what was before.
func (c *Catalog) changeWith(ctx context.Context, by, action, target string, f func(context.Context, *sql.Tx) (detail string, err error)) error {
	err := c.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var what effect
		detail, err := f(context.WithValue(ctx, effectKey{}, &what), tx)
		if err != nil {
			return err
		}
		before, err1 := catalog.Bounded(what.before)
		after, err2 := catalog.Bounded(what.after)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		return appendEntry(ctx, tx, catalog.Entry{At: at(ms(time.Now())), By: by, Action: action, Target: target, Detail: detail,
			Before: before, After: after, From: catalog.FromOf(ctx)})
	})
	if err != nil {
		return fmt.Errorf("%s %s: %w", action, target, err)
	}
	return nil
}

// appendEntry chains an entry to the newest there is.
func appendEntry(ctx context.Context, tx *sql.Tx, e catalog.Entry) error {
	var last string
	err := tx.QueryRowContext(ctx, `SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1`).Scan(&e.ID, &last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	e.ID++
	e.Hash = e.Sum(last)
	_, err = tx.ExecContext(ctx, `INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`, e.ID, ms(e.At), e.By, e.Action, e.Target, e.Detail,
		string(e.Before), string(e.After), e.Address, e.Via, e.Agent, e.Hash)
	if err != nil {
		return err
	}
	return putHead(ctx, tx, catalog.AuditHead{ID: e.ID, Hash: e.Hash})
}

func putHead(ctx context.Context, tx *sql.Tx, head catalog.AuditHead) error {
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2`, headKey, string(text))
	return err
}

// AuditHead implements catalog.Catalog.
func (c *Catalog) AuditHead(ctx context.Context) (head catalog.AuditHead, err error) {
	text, err := c.Meta(ctx, headKey)
	if errors.Is(err, catalog.ErrNotFound) {
		return head, nil
	}
	if err != nil {
		return head, err
	}
	return head, json.Unmarshal([]byte(text), &head)
}

const auditColumns = `id, at, who, action, target, detail, was, became, address, via, agent, hash`

func scanEntry(r *sql.Rows) (e catalog.Entry, err error) {
	var t int64
	var before, after string
	err = r.Scan(&e.ID, &t, &e.By, &e.Action, &e.Target, &e.Detail, &before, &after, &e.Address, &e.Via, &e.Agent, &e.Hash)
	e.At = at(t)
	if before != "" {
		e.Before = json.RawMessage(before)
	}
	if after != "" {
		e.After = json.RawMessage(after)
	}
	return e, err
}

// Audit implements catalog.Catalog.
func (c *Catalog) Audit(ctx context.Context, before int64, limit int) ([]catalog.Entry, error) {
	return list(ctx, c.read, scanEntry, `SELECT `+auditColumns+` FROM audit WHERE id < $1 OR $1 = 0 ORDER BY id DESC LIMIT $2`, before, page(limit))
}

// chainOld gives the entries of a log from before there was a chain their hashes. A log
// that has a head had a chain: what is wrong with it is not covered up.
func (c *Catalog) chainOld(ctx context.Context) error {
	head, err := c.AuditHead(ctx)
	if err != nil || head.ID > 0 {
		return err
	}
	tx, err := c.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	return end(ctx, tx, chainAll(ctx, tx))
}

func chainAll(ctx context.Context, tx *sql.Tx) error {
	var head catalog.AuditHead
	for {
		page, err := list(ctx, tx, scanEntry, `SELECT `+auditColumns+` FROM audit WHERE id > $1 ORDER BY id LIMIT $2`, head.ID, catalog.MaxPage)
		if err != nil {
			return err
		}
		for _, e := range page {
			head = catalog.AuditHead{ID: e.ID, Hash: e.Sum(head.Hash)}
			if _, err := tx.ExecContext(ctx, `UPDATE audit SET hash = $1 WHERE id = $2`, head.Hash, head.ID); err != nil {
				return err
			}
		}
		switch {
		case len(page) == catalog.MaxPage:
		case head.ID == 0:
			return nil
		default:
			return putHead(ctx, tx, head)
		}
	}
}
