package relational

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

const externalColumns = `object, url, etag, modified, bytes, body, changed, checked`

// PutExternal implements catalog.Externals.
func (c *Catalog) PutExternal(ctx context.Context, by string, e catalog.External) error {
	if err := e.Check(); err != nil {
		return err
	}
	object := e.Object.String()
	return c.change(ctx, by, "note vendor's file", e.URL, object, func(ctx context.Context, tx *sql.Tx) error {
		if err := refuseDoomed(ctx, tx, object); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO externals (`+externalColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (object) DO UPDATE SET etag = $3, modified = $4, bytes = $5, changed = $7, checked = $8`,
			object, e.URL, e.ETag, e.Modified, e.Bytes, e.Body.String(), e.Changed, ms(e.Checked))
		if err != nil {
			return err
		}
		return noteUnused(ctx, tx, []string{object})
	})
}

// External implements catalog.Externals.
func (c *Catalog) External(ctx context.Context, object content.Digest) (catalog.External, error) {
	found, err := list(ctx, c.read, scanExternal, `SELECT `+externalColumns+` FROM externals WHERE object = $1`, object.String())
	if err == nil && len(found) == 0 {
		err = noExternal(object)
	}
	if err != nil {
		return catalog.External{}, err
	}
	return found[0], nil
}

func noExternal(object content.Digest) error {
	return fmt.Errorf("vendor's file %s: %w", object, catalog.ErrNotFound)
}

// Externals implements catalog.Externals.
func (c *Catalog) Externals(ctx context.Context) ([]catalog.External, error) {
	return list(ctx, c.read, scanExternal, `SELECT `+externalColumns+` FROM externals ORDER BY object`)
}

func scanExternal(r *sql.Rows) (e catalog.External, err error) {
	var object, body string
	var checked int64
	if err := r.Scan(&object, &e.URL, &e.ETag, &e.Modified, &e.Bytes, &body, &e.Changed, &checked); err != nil {
		return e, err
	}
	e.Checked = at(checked)
	if e.Object, err = content.ParseDigest(object); err == nil {
		e.Body, err = content.ParseDigest(body)
	}
	return e, err
}

// CheckedExternal implements catalog.Externals.
func (c *Catalog) CheckedExternal(ctx context.Context, by string, object content.Digest, changed string, when time.Time) error {
	before, err := c.External(ctx, object)
	if err != nil {
		return err
	}
	note := func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE externals SET changed = $2, checked = $3 WHERE object = $1`, object.String(), changed, ms(when))
		return changedOne(res, err, noExternal(object))
	}
	switch {
	case before.Changed == changed:
		return c.transact(ctx, note)
	case changed == "":
		return c.change(ctx, by, "vendor's file is back", before.URL, "it is as it was published", note)
	}
	return c.change(ctx, by, "vendor's file changed", before.URL, changed, note)
}
