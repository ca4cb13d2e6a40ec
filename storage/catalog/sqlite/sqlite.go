// Package sqlite keeps the catalog in one SQLite file: write-ahead log, one
// writer, synchronous commits. The SQL is the part that PostgreSQL can share:
// $n parameters, TEXT ids, BIGINT milliseconds.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver

	"github.com/sitecast/sitecast/storage/catalog"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	busyTimeout = 10 * time.Second
	readers     = 4
)

// Catalog is a catalog.Catalog in a file.
type Catalog struct {
	lock        *lock
	read, write *sql.DB
}

var _ catalog.Catalog = (*Catalog)(nil)

// Open opens or creates the file at path and brings its schema up to date. It
// refuses a file that a newer release wrote, and with ErrLocked one that is open
// already, in this process or another.
func Open(ctx context.Context, path string) (*Catalog, error) {
	c := new(Catalog)
	if err := c.open(ctx, path); err != nil {
		return nil, errors.Join(fmt.Errorf("open catalog %s: %w", path, err), c.Close())
	}
	return c, nil
}

func (c *Catalog) open(ctx context.Context, path string) (err error) {
	if c.lock, err = takeLock(ctx, path); err != nil {
		return err
	}
	pragmas := []string{fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"}
	if c.write, err = open(path, 1, "immediate", pragmas...); err != nil {
		return err
	}
	if err := c.migrate(ctx); err != nil {
		return err
	}
	c.read, err = open(path, readers, "deferred", pragmas...)
	return err
}

func open(path string, conns int, begin string, pragmas ...string) (*sql.DB, error) {
	if err := create(path); err != nil {
		return nil, err
	}
	query := url.Values{"_pragma": pragmas, "_txlock": {begin}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+query.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	return db, nil
}

func (c *Catalog) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, c.write, files, goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	have, known, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if have > known {
		return fmt.Errorf("its schema is version %d and this release knows %d: use the release that wrote it, or a newer one", have, known)
	}
	_, err = p.Up(ctx)
	return err
}

// Close closes the file, and lets others open it.
func (c *Catalog) Close() error {
	var errs []error
	for _, db := range []*sql.DB{c.read, c.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if c.lock != nil {
		errs = append(errs, c.lock.release())
	}
	return errors.Join(errs...)
}

// change runs f in a write transaction together with its audit entry.
func (c *Catalog) change(ctx context.Context, by, action, target, detail string, f func(*sql.Tx) error) error {
	tx, err := c.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	err = f(tx)
	if err == nil {
		_, err = tx.ExecContext(ctx, `INSERT INTO audit (id, at, who, action, target, detail)
			SELECT COALESCE(MAX(id), 0) + 1, $1, $2, $3, $4, $5 FROM audit`, ms(time.Now()), by, action, target, detail)
	}
	if err = end(ctx, tx, err); err != nil {
		return fmt.Errorf("%s %s: %w", action, target, err)
	}
	return nil
}

// end commits, or rolls back after an error. A transaction whose context ends is
// rolled back by itself; then the context's error is the one that says so.
func end(ctx context.Context, tx *sql.Tx, err error) error {
	if err == nil {
		err = tx.Commit()
	} else if undo := tx.Rollback(); !errors.Is(undo, sql.ErrTxDone) {
		err = errors.Join(err, undo)
	}
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		err = ctx.Err()
	}
	return err
}

// generationKey is the setting that holds the generation.
const generationKey = "generation"

// raise makes the next generation of desired state.
func raise(ctx context.Context, tx *sql.Tx) (uint64, error) {
	var generation uint64
	err := tx.QueryRowContext(ctx, `INSERT INTO meta (key, value) VALUES ($1, '1')
		ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT) RETURNING value`, generationKey).Scan(&generation)
	return generation, err
}

func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// found turns the driver's "no rows" into the contract's answer.
func found(what string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s: %w", what, catalog.ErrNotFound)
	}
	return err
}

// changedOne reports ErrNotFound or what is given when a statement changed no row.
func changedOne(res sql.Result, err error, none error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = none
	}
	return err
}

// list reads all rows of a query.
func list[T any](ctx context.Context, db *sql.DB, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []T{}
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

func page(limit int) int {
	if limit <= 0 || limit > catalog.MaxPage {
		return catalog.MaxPage
	}
	return limit
}
