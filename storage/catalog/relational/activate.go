package relational

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// Activate implements catalog.Catalog.
func (c *Catalog) Activate(ctx context.Context, by string, a catalog.Activation, sites []string) (generation uint64, err error) {
	ref := content.Ref{Name: a.Name, Version: a.Version}
	sites = slices.Compact(slices.Sorted(slices.Values(sites)))
	where := strings.Join(sites, ", ")
	if len(sites) == 0 {
		where, sites = "everywhere", everywhere
	}
	err = c.change(ctx, by, "activate", ref.String(), where+", "+a.When.String(), func(ctx context.Context, tx *sql.Tx) error {
		generation, err = activate(ctx, tx, by, a, sites)
		return err
	})
	return generation, err
}

// everywhere stands for all sites where activations are kept.
var everywhere = []string{""}

func activate(ctx context.Context, tx *sql.Tx, by string, a catalog.Activation, sites []string) (generation uint64, err error) {
	if _, err := serialOf(ctx, tx, content.Ref{Name: a.Name, Version: a.Version}); err != nil {
		return 0, err
	}
	if err := newInstant(ctx, tx, a.Name, a.Version, a.When); err != nil {
		return 0, err
	}
	for _, site := range sites {
		if err := knownSite(ctx, tx, site); err != nil {
			return 0, err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO activations (id, name, version, site, activate, statement, activate_at, instant, upto, setter, created)
			SELECT COALESCE(MAX(id), 0) + 1, $1, $2, $3, $4, $5, $6, $7, (SELECT COALESCE(MAX(id), 0) FROM distributions), $8, $9 FROM activations WHERE true`,
			a.Name, a.Version, site, a.Activate, string(a.Statement), ms(a.At), a.Instant, by, ms(time.Now()))
		if err != nil {
			return 0, err
		}
	}
	changed(ctx, nil, a.When)
	return raise(ctx, tx)
}

// knownSite refuses a site that there is none of; empty is all of them.
func knownSite(ctx context.Context, tx *sql.Tx, site string) error {
	if site == "" {
		return nil
	}
	var one int
	return found("site "+site, tx.QueryRowContext(ctx, `SELECT 1 FROM sites WHERE name = $1`, site).Scan(&one))
}

// rower reads one row.
type rower interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func lastInstant(ctx context.Context, db rower, name, version string) (serial uint64, err error) {
	err = db.QueryRowContext(ctx, `SELECT COALESCE(MAX(instant), 0) FROM (
		SELECT instant FROM distributions WHERE name = $1 AND version = $2
		UNION ALL SELECT instant FROM activations WHERE name = $1 AND version = $2) all_of_them`, name, version).Scan(&serial)
	return serial, err
}

// newInstant refuses an instant that endpoints would refuse, since they know a newer one.
func newInstant(ctx context.Context, tx *sql.Tx, name, version string, w catalog.When) error {
	if w.Activate != catalog.ActivateAt {
		return nil
	}
	last, err := lastInstant(ctx, tx, name, version)
	if err == nil && w.Instant <= last {
		err = fmt.Errorf("another instant was signed for %s meanwhile: sign it again: %w", content.Ref{Name: name, Version: version}, catalog.ErrConflict)
	}
	return err
}

// LastInstant implements catalog.Catalog.
func (c *Catalog) LastInstant(ctx context.Context, name, version string) (serial uint64, err error) {
	return lastInstant(ctx, c.read, name, version)
}

// activations lists those of a site and of all, oldest first.
func (c *Catalog) activations(ctx context.Context, site string) ([]catalog.Activation, error) {
	return list(ctx, c.read, scanActivation, `SELECT id, name, version, site, activate, statement, activate_at, instant, upto, setter, created
		FROM activations WHERE site = '' OR site = $1 ORDER BY id`, site)
}

func scanActivation(r *sql.Rows) (a catalog.Activation, err error) {
	var statement string
	var from, created int64
	err = r.Scan(&a.ID, &a.Name, &a.Version, &a.Site, &a.Activate, &statement, &from, &a.Instant, &a.Upto, &a.By, &created)
	a.Statement, a.At, a.Created = statementOf(statement), at(from), at(created)
	return a, err
}

// statementOf is a signed instant as it was kept; nil where there is none.
func statementOf(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	return json.RawMessage(text)
}
