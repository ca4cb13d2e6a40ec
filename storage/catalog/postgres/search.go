package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// quicken makes the index by which endpoints are found by a text in their name: without
// it, each such search reads all of them (half a second of 100,000). It is of trigrams, of
// an extension that comes with PostgreSQL and that the owner of a database may have made,
// so it is no part of the schema: where it can't be made, searches are slow, and its error
// says why.
func quicken(ctx context.Context, config *pgx.ConnConfig) (err error) {
	db := pool(config, 1, toRead)
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, `CREATE EXTENSION IF NOT EXISTS pg_trgm`); err != nil {
		return fmt.Errorf("extension pg_trgm: %w", err)
	}
	var home string // another schema of this database may have had it made
	err = db.QueryRowContext(ctx, `SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
		WHERE e.extname = 'pg_trgm'`).Scan(&home)
	if err != nil {
		return fmt.Errorf("extension pg_trgm: %w", err)
	}
	return index(ctx, db, home)
}

func index(ctx context.Context, db *sql.DB, home string) error {
	class := home + ".gin_trgm_ops"
	_, err := db.ExecContext(ctx, `CREATE INDEX IF NOT EXISTS endpoints_text ON endpoints USING gin (LOWER(name) `+class+`, LOWER(device) `+class+`)`)
	if err != nil {
		return fmt.Errorf("index of names: %w", err)
	}
	return nil
}
