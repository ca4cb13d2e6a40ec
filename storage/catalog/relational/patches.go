package relational

import (
	"context"
	"database/sql"
	"errors"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// notePatchesDue notes that patches of a version are due which was just published, unless
// a newer one was before it or it is the first; those of older versions are no more.
func notePatchesDue(ctx context.Context, tx *sql.Tx, name string, serial uint64) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM patches WHERE due = 1 AND serial IN (SELECT serial FROM versions WHERE name = $1 AND serial < $2)`,
		name, serial)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO patches (serial, base, object, due) SELECT v.serial, older.id, '', 1
		FROM versions v JOIN versions older ON older.serial = (`+base+`)
		WHERE v.serial = $2 AND NOT EXISTS (SELECT 1 FROM versions newer WHERE newer.name = $1 AND newer.head <> '' AND newer.serial > $2)`,
		name, serial)
	return err
}

// base selects the version that patches to the one of content $1 and serial $2 are made of.
// Each site counts with its endpoints for the newest older version that was distributed to
// all of it; where several versions have as many, and where nothing was distributed, the
// newest is chosen.
const base = `SELECT c.serial FROM versions c LEFT JOIN (
		SELECT sent.serial AS serial, SUM(sent.endpoints) AS endpoints FROM (
			SELECT at.endpoints AS endpoints, (SELECT d.serial FROM distributions d
				WHERE d.name = $1 AND d.serial < $2 AND d.pre_stage = 0 AND (d.every = 1 OR d.id IN (SELECT distribution FROM aims WHERE target <> '') OR EXISTS (
					SELECT 1 FROM distribution_sites r WHERE r.distribution = d.id AND r.site = at.site))
				ORDER BY d.serial DESC LIMIT 1) AS serial
			FROM (SELECT site, COUNT(*) AS endpoints FROM endpoints GROUP BY site) at) sent
		GROUP BY sent.serial) held ON held.serial = c.serial
	WHERE c.name = $1 AND c.head <> '' AND c.serial < $2
	ORDER BY COALESCE(held.endpoints, 0) DESC, c.serial DESC LIMIT 1`

// PutPatches implements catalog.Catalog. That there are none is an empty text.
func (c *Catalog) PutPatches(ctx context.Context, serial uint64, p catalog.Patches) error {
	object := ""
	if p.Object != (content.Digest{}) {
		object = p.Object.String()
	}
	return c.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO patches (serial, base, object, due) VALUES ($1, $2, $3, 0)
			ON CONFLICT (serial) DO UPDATE SET base = $2, object = $3, due = 0`, serial, p.Base.String(), object)
		return err
	})
}

// Patches implements catalog.Catalog.
func (c *Catalog) Patches(ctx context.Context, serial uint64) (p catalog.Patches, err error) {
	var base, object string
	var due int
	err = c.read.QueryRowContext(ctx, `SELECT base, object, due FROM patches WHERE serial = $1`, serial).Scan(&base, &object, &due)
	if errors.Is(err, sql.ErrNoRows) {
		return p, nil
	}
	if err == nil {
		p.Due = due != 0
		err = p.Base.UnmarshalText([]byte(base))
	}
	if err == nil && object != "" {
		p.Object, err = content.ParseDigest(object)
	}
	return p, err
}

// Unpatched implements catalog.Catalog.
func (c *Catalog) Unpatched(ctx context.Context) ([]catalog.Succession, error) {
	return list(ctx, c.read, func(r *sql.Rows) (s catalog.Succession, err error) {
		return s, r.Scan(&s.Name, &s.Before, &s.Version, &s.Serial)
	}, `SELECT v.name, older.version, v.version, v.serial FROM patches p JOIN versions v ON v.serial = p.serial
		JOIN versions older ON older.id = p.base AND older.name = v.name WHERE p.due = 1 ORDER BY v.serial`)
}

// OldPatches implements catalog.Catalog.
func (c *Catalog) OldPatches(ctx context.Context) ([]catalog.OldPatches, error) {
	return list(ctx, c.read, func(r *sql.Rows) (p catalog.OldPatches, err error) {
		var object string
		if err := r.Scan(&p.Name, &p.Version, &p.Serial, &object); err != nil || object == "" {
			return p, err
		}
		p.Object, err = content.ParseDigest(object)
		return p, err
	}, `SELECT v.name, v.version, v.serial, p.object FROM patches p JOIN versions v ON v.serial = p.serial
		WHERE EXISTS (SELECT 1 FROM versions newer WHERE newer.name = v.name AND newer.head <> '' AND newer.serial > v.serial)
		ORDER BY v.serial`)
}

// DropPatches implements catalog.Catalog.
func (c *Catalog) DropPatches(ctx context.Context, serial uint64) error {
	return c.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM patches WHERE serial = $1`, serial)
		return err
	})
}
