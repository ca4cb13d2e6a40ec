package relational

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// retentionKey is the setting that holds the rule of retention.
const retentionKey = "retention"

// Retention implements catalog.Removals.
func (c *Catalog) Retention(ctx context.Context) (r catalog.Retention, err error) {
	text, err := c.Meta(ctx, retentionKey)
	if errors.Is(err, catalog.ErrNotFound) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &r)
	}
	return r, err
}

// SetRetention implements catalog.Removals.
func (c *Catalog) SetRetention(ctx context.Context, by string, r catalog.Retention) error {
	if err := r.Check(); err != nil {
		return err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return c.change(ctx, by, "set retention", "all content", r.String(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2`, retentionKey, string(text))
		return err
	})
}

// Published implements catalog.Removals.
func (c *Catalog) Published(ctx context.Context, after uint64, limit int) ([]catalog.PublishedVersion, error) {
	return list(ctx, c.read, func(r *sql.Rows) (v catalog.PublishedVersion, err error) {
		var body string
		var created int64
		if err := r.Scan(&v.Serial, &v.Name, &v.Version, &body, &created); err != nil {
			return v, err
		}
		v.Created = at(created)
		v.Body, err = content.ParseDigest(body)
		return v, err
	}, `SELECT serial, name, version, body, created FROM versions WHERE head <> '' AND serial > $1 ORDER BY serial LIMIT $2`, after, page(limit))
}

// LaterOrders implements catalog.Removals.
func (c *Catalog) LaterOrders(ctx context.Context) (o catalog.Orders, err error) {
	// As with Orders, the generation is read first.
	err = c.read.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = $1`, generationKey).Scan(&o.Generation)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return o, err
	}
	o.Distributions, err = list(ctx, c.read, scanDistributionRow, `SELECT `+distributionColumns+distributionTables+` WHERE d.every = 1 ORDER BY d.id`)
	if err == nil {
		err = c.meant(ctx, &o)
	}
	if err != nil {
		return o, err
	}
	o.Rules, err = list(ctx, c.read, scanRule, `SELECT `+ruleColumns+` FROM rules WHERE site = '' ORDER BY generation, id`)
	if err != nil {
		return o, err
	}
	o.Activations, err = c.activations(ctx, "")
	return o, err
}

// Patched implements catalog.Removals.
func (c *Catalog) Patched(ctx context.Context) ([]catalog.Patched, error) {
	return list(ctx, c.read, func(r *sql.Rows) (p catalog.Patched, err error) {
		var object string
		if err := r.Scan(&p.Name, &p.Version, &p.Base, &object); err != nil || object == "" {
			return p, err
		}
		p.Object, err = content.ParseDigest(object)
		return p, err
	}, `SELECT v.name, v.version, COALESCE(older.version, ''), p.object FROM patches p JOIN versions v ON v.serial = p.serial
		LEFT JOIN versions older ON older.id = p.base AND older.name = v.name
		WHERE p.due = 1 OR p.object <> '' ORDER BY v.serial`)
}

// Remove implements catalog.Removals. Name and serial stay, as those that come later must
// be others, and so does the id, by which patches know the version.
func (c *Catalog) Remove(ctx context.Context, by string, ref content.Ref, generation uint64) error {
	return c.change(ctx, by, "remove version", ref.String(), "", func(ctx context.Context, tx *sql.Tx) error {
		now := uint64(0)
		err := tx.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = $1`, generationKey).Scan(&now)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if now != generation {
			return fmt.Errorf("what sites shall have was changed meanwhile: %w", catalog.ErrConflict)
		}
		if err := unproposed(ctx, tx, ref); err != nil {
			return err
		}
		var serial uint64
		var body, placement string
		err = tx.QueryRowContext(ctx, `SELECT serial, body, placement FROM versions WHERE name = $1 AND version = $2 AND head <> ''`,
			ref.Name, ref.Version).Scan(&serial, &body, &placement)
		if err != nil {
			return found("version "+ref.String(), err)
		}
		objects, err := objectsOf(body, placement)
		if err != nil {
			return err
		}
		patches, err := listTx(ctx, tx, scanText, `SELECT object FROM patches WHERE serial = $1 AND object <> ''`, serial)
		if err != nil {
			return err
		}
		if err := noteUnused(ctx, tx, append(objects, patches...)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM patches WHERE serial = $1`, serial); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE versions SET head = '', body = '', placement = '', removed = $1 WHERE serial = $2`, ms(time.Now()), serial)
		return err
	})
}

// objectsOf names the objects of a version, as they are kept.
func objectsOf(body, placement string) ([]string, error) {
	encoded, err := base64.StdEncoding.DecodeString(placement)
	if err != nil {
		return nil, err
	}
	objects := []string{body}
	// What can't be read names no pack: the cleaner stops at it, and deletes nothing.
	if p, err := catalog.DecodePlacement(encoded); err == nil {
		for _, pack := range p.Packs {
			objects = append(objects, pack.String())
		}
	}
	return objects, nil
}

// takeUsed ends that the objects of a version are unused, as it is published. One that is
// doomed can't be named any more.
func takeUsed(ctx context.Context, tx *sql.Tx, v catalog.Version) error {
	objects, err := objectsOf(v.Body.String(), base64.StdEncoding.EncodeToString(v.Placement))
	if err != nil {
		return err
	}
	for _, object := range objects {
		if err := refuseDoomed(ctx, tx, object); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM unused WHERE object = $1`, object); err != nil {
			return err
		}
	}
	return nil
}

func refuseDoomed(ctx context.Context, tx *sql.Tx, object string) error {
	var doomed bool
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) > 0 FROM unused WHERE object = $1 AND doomed = 1`, object).Scan(&doomed)
	if err == nil && doomed {
		err = fmt.Errorf("object %s: %w", object, catalog.ErrDoomed)
	}
	return err
}

// noteUnused notes objects as unused from now on.
func noteUnused(ctx context.Context, tx *sql.Tx, objects []string) error {
	now := ms(time.Now())
	for _, object := range objects {
		if _, err := tx.ExecContext(ctx, `INSERT INTO unused (object, since) VALUES ($1, $2)
			ON CONFLICT (object) DO UPDATE SET since = $2 WHERE unused.doomed = 0`, object, now); err != nil {
			return err
		}
	}
	return nil
}

// Reserved implements catalog.Removals.
func (c *Catalog) Reserved(ctx context.Context, since time.Time) (time.Time, error) {
	var first int64
	err := c.read.QueryRowContext(ctx, `SELECT COALESCE(MIN(created), 0) FROM versions WHERE head = '' AND removed = 0 AND created >= $1`,
		ms(since)).Scan(&first)
	return at(first), err
}

// Packs implements catalog.Removals.
func (c *Catalog) Packs(ctx context.Context) ([]catalog.Pack, error) {
	return list(ctx, c.read, func(r *sql.Rows) (p catalog.Pack, err error) {
		var digest string
		if err := r.Scan(&digest, &p.Bytes); err != nil {
			return p, err
		}
		p.Digest, err = content.ParseDigest(digest)
		return p, err
	}, `SELECT digest, bytes FROM packs ORDER BY digest`)
}

// Unused implements catalog.Removals.
func (c *Catalog) Unused(ctx context.Context) ([]catalog.Unused, error) {
	return list(ctx, c.read, func(r *sql.Rows) (u catalog.Unused, err error) {
		var object string
		var since int64
		if err := r.Scan(&object, &since, &u.Doomed); err != nil {
			return u, err
		}
		u.Since = at(since)
		u.Object, err = content.ParseDigest(object)
		return u, err
	}, `SELECT object, since, doomed = 1 FROM unused ORDER BY object`)
}

// NoteUnused implements catalog.Removals.
func (c *Catalog) NoteUnused(ctx context.Context, objects []content.Digest) error {
	return c.each(ctx, objects, func(ctx context.Context, tx *sql.Tx, object string) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO unused (object, since) VALUES ($1, $2) ON CONFLICT (object) DO NOTHING`, object, ms(time.Now()))
		return err
	})
}

// NoteUsed implements catalog.Removals.
func (c *Catalog) NoteUsed(ctx context.Context, objects []content.Digest, before time.Time) error {
	return c.each(ctx, objects, func(ctx context.Context, tx *sql.Tx, object string) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM unused WHERE object = $1 AND doomed = 0 AND since < $2`, object, ms(before))
		return err
	})
}

// Doom implements catalog.Removals.
func (c *Catalog) Doom(ctx context.Context, objects []content.Digest, before time.Time) (doomed []content.Digest, err error) {
	err = c.each(ctx, objects, func(ctx context.Context, tx *sql.Tx, object string) error {
		res, err := tx.ExecContext(ctx, `UPDATE unused SET doomed = 1 WHERE object = $1 AND doomed = 0 AND since < $2`, object, ms(before))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM chunks WHERE pack = (SELECT id FROM packs WHERE digest = $1)`, object); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM packs WHERE digest = $1`, object); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM externals WHERE object = $1`, object); err != nil {
			return err
		}
		digest, err := content.ParseDigest(object)
		doomed = append(doomed, digest)
		return err
	})
	if err != nil {
		return nil, err
	}
	return doomed, nil
}

// Deleted implements catalog.Removals.
func (c *Catalog) Deleted(ctx context.Context, object content.Digest) error {
	return c.each(ctx, []content.Digest{object}, func(ctx context.Context, tx *sql.Tx, object string) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM unused WHERE object = $1 AND doomed = 1`, object)
		return err
	})
}

// each does something with each object, in one transaction.
func (c *Catalog) each(ctx context.Context, objects []content.Digest, do func(ctx context.Context, tx *sql.Tx, object string) error) error {
	if len(objects) == 0 {
		return nil
	}
	return c.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, object := range objects {
			if err := do(ctx, tx, object.String()); err != nil {
				return err
			}
		}
		return nil
	})
}

func scanText(r *sql.Rows) (text string, err error) { return text, r.Scan(&text) }

// listTx is list within a transaction.
func listTx[T any](ctx context.Context, tx *sql.Tx, scan func(*sql.Rows) (T, error), query string, args ...any) (out []T, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, rows.Err()
}
