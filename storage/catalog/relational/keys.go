package relational

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// Resign implements catalog.Keys.
func (c *Catalog) Resign(ctx context.Context, by, name, version string, id content.VersionID, head json.RawMessage) error {
	ref := content.Ref{Name: name, Version: version}
	if len(head) == 0 {
		return fmt.Errorf("sign %s anew: it has no head", ref)
	}
	return c.change(ctx, by, "sign anew", ref.String(), "", func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE versions SET head = $1 WHERE name = $2 AND version = $3 AND id = $4 AND head <> ''`,
			string(head), name, version, id.String())
		if err := changedOne(res, err, fmt.Errorf("there is none with id %s: %w", id, catalog.ErrNotFound)); err != nil {
			return err
		}
		_, err = raise(ctx, tx)
		return err
	})
}

// Revoke implements catalog.Keys.
func (c *Catalog) Revoke(ctx context.Context, by string, r catalog.Revocation) error {
	if err := r.Check(); err != nil {
		return err
	}
	return c.change(ctx, by, "revoke endpoint", r.Endpoint, r.Reason, func(ctx context.Context, tx *sql.Tx) error {
		var known int
		err := tx.QueryRowContext(ctx, `SELECT 1 FROM endpoints WHERE id = $1`, r.Endpoint).Scan(&known)
		if errors.Is(err, sql.ErrNoRows) {
			return catalog.ErrNotFound
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO revoked_endpoints (id, revoked, reason) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`,
			r.Endpoint, ms(r.At), r.Reason)
		return err
	})
}

func scanRevocation(row interface{ Scan(...any) error }) (r catalog.Revocation, err error) {
	var when int64
	err = row.Scan(&r.Endpoint, &when, &r.Reason)
	r.At = at(when)
	return r, err
}

// Revoked implements catalog.Keys.
func (c *Catalog) Revoked(ctx context.Context, endpoint string) (catalog.Revocation, error) {
	r, err := scanRevocation(c.read.QueryRowContext(ctx, `SELECT id, revoked, reason FROM revoked_endpoints WHERE id = $1`, endpoint))
	return r, found("revocation of "+endpoint, err)
}

// Revocations implements catalog.Keys.
func (c *Catalog) Revocations(ctx context.Context, after string, limit int) ([]catalog.Revocation, error) {
	return list(ctx, c.read, func(r *sql.Rows) (catalog.Revocation, error) { return scanRevocation(r) },
		`SELECT id, revoked, reason FROM revoked_endpoints WHERE id > $1 ORDER BY id LIMIT $2`, after, page(limit))
}

// RemoveEndpoint implements catalog.Keys.
func (c *Catalog) RemoveEndpoint(ctx context.Context, by, id string) error {
	return c.change(ctx, by, "remove endpoint", id, "", func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM endpoints WHERE id = $1`, id)
		return changedOne(res, err, catalog.ErrNotFound)
	})
}

// notRevoked fails with catalog.ErrRevoked where an endpoint was.
func notRevoked(ctx context.Context, tx *sql.Tx, id string) error {
	var revoked int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM revoked_endpoints WHERE id = $1`, id).Scan(&revoked)
	if err == nil && revoked > 0 {
		err = catalog.ErrRevoked
	}
	return err
}
