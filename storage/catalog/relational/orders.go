package relational

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// Trust implements catalog.Catalog.
func (c *Catalog) Trust(ctx context.Context) (serial uint64, document json.RawMessage, err error) {
	var text string
	err = c.read.QueryRowContext(ctx, `SELECT serial, document FROM trust ORDER BY serial DESC LIMIT 1`).Scan(&serial, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil, nil
	}
	return serial, json.RawMessage(text), err
}

// PutTrust implements catalog.Catalog.
func (c *Catalog) PutTrust(ctx context.Context, by string, serial uint64, document json.RawMessage) error {
	return c.change(ctx, by, "change trust", fmt.Sprintf("serial %d", serial), "", func(ctx context.Context, tx *sql.Tx) error {
		var last uint64
		if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(serial), 0) FROM trust`).Scan(&last); err != nil {
			return err
		}
		if serial != last+1 {
			return fmt.Errorf("the next trust document has serial %d: %w", last+1, catalog.ErrConflict)
		}
		if _, err := raise(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO trust (serial, document, created) VALUES ($1, $2, $3)`,
			serial, string(document), ms(time.Now()))
		changed(ctx, map[string]uint64{"serial": last}, map[string]any{"serial": serial, "document": document})
		return err
	})
}

// Reserve implements catalog.Catalog. A reserved version has an empty head.
func (c *Catalog) Reserve(ctx context.Context, by, name, version string) (serial uint64, err error) {
	ref := content.Ref{Name: name, Version: version}
	err = c.change(ctx, by, "reserve version", ref.String(), "", func(ctx context.Context, tx *sql.Tx) error {
		var head string
		var removed int64
		err := tx.QueryRowContext(ctx, `SELECT serial, head, removed FROM versions WHERE name = $1 AND version = $2`, name, version).
			Scan(&serial, &head, &removed)
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return err
		case head != "":
			return fmt.Errorf("the version is published already: %w", catalog.ErrConflict)
		case removed > 0:
			return fmt.Errorf("the version was published and removed, and its name is not used again: %w", catalog.ErrConflict)
		default: // its publisher is at it again, which keeps its objects
			_, err := tx.ExecContext(ctx, `UPDATE versions SET created = $1 WHERE serial = $2`, ms(time.Now()), serial)
			return err
		}
		return tx.QueryRowContext(ctx, `INSERT INTO versions (serial, name, version, id, head, body, placement, created)
			SELECT COALESCE(MAX(serial), 0) + 1, $1, $2, '', '', '', '', $3 FROM versions WHERE true RETURNING serial`,
			name, version, ms(time.Now())).Scan(&serial)
	})
	return serial, err
}

// Publish implements catalog.Catalog.
func (c *Catalog) Publish(ctx context.Context, by string, v catalog.Version) error {
	ref := content.Ref{Name: v.Name, Version: v.Version}
	if len(v.Head) == 0 {
		return fmt.Errorf("publish %s: it has no head", ref)
	}
	return c.change(ctx, by, "publish", ref.String(), v.ID.String(), func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE versions SET id = $1, head = $2, body = $3, placement = $4, created = $5
			WHERE name = $6 AND version = $7 AND serial = $8 AND head = '' AND removed = 0`,
			v.ID.String(), string(v.Head), v.Body.String(), base64.StdEncoding.EncodeToString(v.Placement), ms(time.Now()),
			v.Name, v.Version, v.Serial)
		err = changedOne(res, err, fmt.Errorf("the version is not reserved with serial %d, or published already: %w",
			v.Serial, catalog.ErrConflict))
		if err != nil {
			return err
		}
		if err := takeUsed(ctx, tx, v); err != nil {
			return err
		}
		changed(ctx, nil, map[string]any{"serial": v.Serial, "id": v.ID, "body": v.Body})
		return notePatchesDue(ctx, tx, v.Name, v.Serial)
	})
}

// Version implements catalog.Catalog.
func (c *Catalog) Version(ctx context.Context, name, version string) (v catalog.Version, err error) {
	var id, head, body, placement string
	var created int64
	err = c.read.QueryRowContext(ctx, `SELECT serial, name, version, id, head, body, placement, created FROM versions
		WHERE name = $1 AND version = $2 AND head <> ''`, name, version).
		Scan(&v.Serial, &v.Name, &v.Version, &id, &head, &body, &placement, &created)
	if err != nil {
		return v, found("version "+content.Ref{Name: name, Version: version}.String(), err)
	}
	v.Head, v.Created = json.RawMessage(head), at(created)
	v.Placement, err = base64.StdEncoding.DecodeString(placement)
	return v, errors.Join(err, v.ID.UnmarshalText([]byte(id)), v.Body.UnmarshalText([]byte(body)))
}

// Newest implements catalog.Catalog.
func (c *Catalog) Newest(ctx context.Context, name string) (version string, err error) {
	err = c.read.QueryRowContext(ctx, `SELECT version FROM versions WHERE name = $1 AND head <> '' ORDER BY serial DESC LIMIT 1`, name).Scan(&version)
	return version, found("content "+name, err)
}

// Distribute implements catalog.Catalog.
func (c *Catalog) Distribute(ctx context.Context, by string, d catalog.Distribution) (generation uint64, err error) {
	ref := content.Ref{Name: d.Name, Version: d.Version}
	err = c.change(ctx, by, "distribute", ref.String(), detailOf(d), func(ctx context.Context, tx *sql.Tx) error {
		generation, err = distribute(ctx, tx, d)
		return err
	})
	return generation, err
}

func distribute(ctx context.Context, tx *sql.Tx, d catalog.Distribution) (generation uint64, err error) {
	if d.Serial, err = serialOf(ctx, tx, content.Ref{Name: d.Name, Version: d.Version}); err != nil {
		return 0, err
	}
	if err := newInstant(ctx, tx, d.Name, d.Version, d.When); err != nil {
		return 0, err
	}
	every := 0
	if d.All {
		every = 1
	}
	d.Created = time.Now().UTC()
	err = tx.QueryRowContext(ctx, `INSERT INTO distributions (id, name, version, serial, every, priority, ready_by, pre_stage, created,
			activate, statement, activate_at, instant)
		SELECT COALESCE(MAX(id), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM distributions WHERE true RETURNING id`,
		d.Name, d.Version, d.Serial, every, d.Priority, ms(d.ReadyBy), d.PreStage, ms(d.Created),
		d.Activate, string(d.Statement), ms(d.At), d.Instant).Scan(&d.ID)
	if err != nil {
		return 0, err
	}
	if err := writeAim(ctx, tx, &d); err != nil {
		return 0, err
	}
	for _, site := range slices.Compact(slices.Sorted(slices.Values(d.Sites))) {
		res, err := tx.ExecContext(ctx, `INSERT INTO distribution_sites (distribution, site)
			SELECT $1, name FROM sites WHERE name = $2`, d.ID, site)
		if err := changedOne(res, err, fmt.Errorf("site %s: %w", site, catalog.ErrNotFound)); err != nil {
			return 0, err
		}
	}
	changed(ctx, nil, d)
	return raise(ctx, tx)
}

// detailOf is what the audit log says of a distribution.
func detailOf(d catalog.Distribution) string {
	detail := fmt.Sprintf("sites %v, all %v, %s", d.Sites, d.All, d.Priority)
	if !d.ReadyBy.IsZero() {
		detail += ", ready by " + d.ReadyBy.UTC().Format(time.RFC3339)
	}
	if d.PreStage > 0 {
		detail += fmt.Sprintf(", %d copies ahead of need", d.PreStage)
	}
	if d.Activate != "" {
		detail += ", " + d.When.String()
	}
	return detail + aimText(d.Aim)
}

// SetRule implements catalog.Catalog.
func (c *Catalog) SetRule(ctx context.Context, by string, r catalog.Rule) (generation uint64, err error) {
	err = c.change(ctx, by, r.Kind, r.Selector.String(), r.Detail(), func(ctx context.Context, tx *sql.Tx) error {
		if generation, err = raise(ctx, tx); err != nil {
			return err
		}
		now, upto := time.Now(), int64(0)
		if r.Kind == catalog.RulePurge {
			if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(id), 0) FROM distributions`).Scan(&upto); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM rules WHERE expires > 0 AND expires <= $1`, ms(now)); err != nil {
			return err
		}
		before, err := list(ctx, tx, scanRule, `SELECT `+ruleColumns+` FROM rules WHERE kind = $1 AND site = $2 AND name = $3 AND version = $4`,
			r.Kind, r.Site, r.Name, r.Version)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO rules (id, kind, site, name, version, priority, generation, setter, created, expires, upto, reason, rate)
			SELECT COALESCE(MAX(id), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM rules WHERE true
			ON CONFLICT (kind, site, name, version) DO UPDATE SET priority = $5, generation = $6, setter = $7, created = $8, expires = $9, upto = $10,
				reason = $11, rate = $12`,
			r.Kind, r.Site, r.Name, r.Version, r.Priority, generation, by, ms(now), ms(r.Expires), upto, r.Reason, r.Cap)
		r.By, r.Generation, r.Created, r.Upto = by, generation, now.UTC(), upto
		changed(ctx, ruleOrNone(before), r)
		return err
	})
	return generation, err
}

// ClearRules implements catalog.Catalog.
func (c *Catalog) ClearRules(ctx context.Context, by, kind string, s catalog.Selector) (removed int, generation uint64, err error) {
	err = c.change(ctx, by, "end "+kind, s.String(), "", func(ctx context.Context, tx *sql.Tx) error {
		const covered = ` FROM rules WHERE kind = $1 AND ($2 = '' OR site = $2) AND ($3 = '' OR name = $3) AND ($4 = '' OR version = $4)`
		before, err := list(ctx, tx, scanRule, `SELECT `+ruleColumns+covered+` ORDER BY generation, id`, kind, s.Site, s.Name, s.Version)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE`+covered, kind, s.Site, s.Name, s.Version); err != nil {
			return err
		}
		removed = len(before)
		changed(ctx, before, nil)
		generation, err = raise(ctx, tx)
		return err
	})
	return removed, generation, err
}

// ruleOrNone is the rule of a list that has one at most.
func ruleOrNone(rules []catalog.Rule) any {
	if len(rules) == 0 {
		return nil
	}
	return rules[0]
}

func scanRule(r *sql.Rows) (rule catalog.Rule, err error) {
	var created, expires int64
	err = r.Scan(&rule.Kind, &rule.Site, &rule.Name, &rule.Version, &rule.Priority, &rule.Generation, &rule.By, &created, &expires, &rule.Upto, &rule.Reason, &rule.Cap)
	rule.Created, rule.Expires = at(created), at(expires)
	return rule, err
}

const ruleColumns = `kind, site, name, version, priority, generation, setter, created, expires, upto, reason, rate`

// Rules implements catalog.Catalog.
func (c *Catalog) Rules(ctx context.Context) ([]catalog.Rule, error) {
	return list(ctx, c.read, scanRule, `SELECT `+ruleColumns+` FROM rules ORDER BY generation, id`)
}

// scanDistribution takes in distributionColumns, and more behind them.
func scanDistribution(scan func(...any) error, more ...any) (d catalog.Distribution, err error) {
	var every, by, created, from int64
	var statement string
	err = scan(append([]any{&d.ID, &d.Name, &d.Version, &d.Serial, &every, &d.Priority, &by, &d.PreStage, &created, &d.Removed,
		&d.Activate, &statement, &from, &d.Instant}, more...)...)
	d.All, d.ReadyBy, d.Created, d.At, d.Statement = every != 0, at(by), at(created), at(from), statementOf(statement)
	return d, err
}

func scanDistributionRow(r *sql.Rows) (catalog.Distribution, error) { return scanDistribution(r.Scan) }

const (
	distributionColumns = `d.id, d.name, d.version, d.serial, d.every, d.priority, d.ready_by, d.pre_stage, d.created, COALESCE(v.removed, 0) > 0,
		d.activate, d.statement, d.activate_at, d.instant`
	distributionTables = ` FROM distributions d LEFT JOIN versions v ON v.name = d.name AND v.version = d.version`
)

// Orders implements catalog.Catalog.
func (c *Catalog) Orders(ctx context.Context, site string) (o catalog.Orders, err error) {
	// The generation is read first: what is read after it is at least as new.
	err = c.read.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = $1`, generationKey).Scan(&o.Generation)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return o, err
	}
	if o.Site, err = c.Site(ctx, site); err != nil {
		return o, err
	}
	o.Distributions, err = list(ctx, c.read, scanDistributionRow, `SELECT `+distributionColumns+distributionTables+`
		WHERE d.every = 1 OR d.id IN (SELECT distribution FROM distribution_sites WHERE site = $1)
		OR d.id IN (SELECT distribution FROM aims WHERE target <> '') ORDER BY d.id`, site)
	if err == nil {
		err = c.meant(ctx, &o)
	}
	if err != nil {
		return o, err
	}
	o.Rules, err = list(ctx, c.read, scanRule, `SELECT `+ruleColumns+` FROM rules WHERE site = '' OR site = $1
		ORDER BY generation, id`, site)
	if err != nil {
		return o, err
	}
	o.Activations, err = c.activations(ctx, site)
	return o, err
}
