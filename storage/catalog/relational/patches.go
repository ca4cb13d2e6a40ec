package relational

import (
	"context"
	"database/sql"
	"errors"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// PutPatches implements catalog.Catalog. That there are none is an empty text.
func (c *Catalog) PutPatches(ctx context.Context, serial uint64, p catalog.Patches) error {
	object := ""
	if p.Object != (content.Digest{}) {
		object = p.Object.String()
	}
	return c.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO patches (serial, base, object) VALUES ($1, $2, $3)
			ON CONFLICT (serial) DO UPDATE SET base = $2, object = $3`, serial, p.Base.String(), object)
		return err
	})
}

// Patches implements catalog.Catalog.
func (c *Catalog) Patches(ctx context.Context, serial uint64) (p catalog.Patches, err error) {
	var base, object string
	err = c.read.QueryRowContext(ctx, `SELECT base, object FROM patches WHERE serial = $1`, serial).Scan(&base, &object)
	if errors.Is(err, sql.ErrNoRows) {
		err = c.read.QueryRowContext(ctx, `SELECT id FROM (`+successions+`) due WHERE serial = $1`, serial).Scan(&base)
		p.Due = err == nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return catalog.Patches{}, nil
	}
	if err == nil {
		err = p.Base.UnmarshalText([]byte(base))
	}
	if err == nil && object != "" {
		p.Object, err = content.ParseDigest(object)
	}
	return p, err
}

// successions selects the versions of which patches are due: they are the newest of
// their content, and have one before them, of which this is the id.
const successions = `SELECT newest.name AS name, older.version AS prior, newest.version AS version, newest.serial AS serial, older.id AS id
	FROM versions newest JOIN versions older ON older.name = newest.name
	WHERE newest.serial = (SELECT MAX(serial) FROM versions v WHERE v.name = newest.name AND v.head <> '')
	AND older.serial = (SELECT MAX(serial) FROM versions v WHERE v.name = newest.name AND v.head <> '' AND v.serial < newest.serial)
	AND NOT EXISTS (SELECT 1 FROM patches p WHERE p.serial = newest.serial)`

// Unpatched implements catalog.Catalog.
func (c *Catalog) Unpatched(ctx context.Context) ([]catalog.Succession, error) {
	return list(ctx, c.read, func(r *sql.Rows) (s catalog.Succession, err error) {
		return s, r.Scan(&s.Name, &s.Before, &s.Version, &s.Serial)
	}, `SELECT name, prior, version, serial FROM (`+successions+`) due ORDER BY serial`)
}
