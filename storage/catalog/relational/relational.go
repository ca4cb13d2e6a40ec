// Package relational keeps the catalog in a relational database: all statements of
// all kinds of database, in the SQL that they share. That is $n parameters, TEXT
// ids that are compared byte by byte, BIGINT milliseconds, keyset pagination. What
// differs is with the adapters: sqlite and postgres open their database, hold its
// lock and have migrations of their own, with equal numbers for equal schemas.
//
// Numbers are the highest there is plus one and generations are counted, so all
// changes go through one connection, one after the other, and only who holds the
// lock has it. Readers have connections of their own.
package relational

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

// ErrLocked means that another server has the catalog open. The database would let
// both write, but each would lease the same ranges to its own endpoints.
var ErrLocked = catalog.ErrLocked

// changeTimeout bounds one change, so that a database that went silent does not
// hold up all that come after it.
const changeTimeout = 30 * time.Second

// Catalog is a catalog.Catalog in a database.
type Catalog struct {
	read  *readers
	write *sql.DB
	turn  chan struct{} // full while a change goes on
}

var _ catalog.Catalog = (*Catalog)(nil)

// Open takes the lock, brings the schema of a database up to date and makes a catalog of
// two pools on it, which it closes. The one that writes has one connection. The third is
// where the schema is changed, and may be the one that writes.
func Open(ctx context.Context, schema Schema, read, write, steps *sql.DB) (*Catalog, error) {
	c := &Catalog{&readers{DB: read, prepared: newStatements(schema, read)}, write, make(chan struct{}, 1)}
	err := write.PingContext(ctx)
	if err == nil {
		err = schema.Migrate(ctx, steps)
	}
	if err == nil {
		err = c.chainOld(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Hold implements catalog.Catalog.
func (c *Catalog) Hold(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return ctx.Err() // somebody writes
	}
	return c.write.PingContext(ctx)
}

// Close closes the database.
func (c *Catalog) Close() error {
	return errors.Join(c.read.prepared.close(), c.read.Close(), c.write.Close())
}

// transact runs f in a write transaction. The context may end while it waits for
// its turn. From then on the change is carried through: a statement that is broken
// off may cost the connection, and with it the lock.
func (c *Catalog) transact(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if u := unitOf(ctx); u != nil {
		return u.change(ctx, c, f)
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	defer c.read.meter.begin()()
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), changeTimeout)
	defer stop()
	tx, err := c.write.BeginTx(ctx, nil)
	if err != nil {
		return lost(err)
	}
	return lost(end(ctx, tx, f(ctx, tx)))
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

// noSuchText is the state of SQL in which PostgreSQL refuses text that none of its
// rows can hold, as with a zero byte.
const noSuchText = "22021"

// found turns the driver's "no rows" into the contract's answer.
func found(what string, err error) error {
	var state interface{ SQLState() string }
	if errors.Is(err, sql.ErrNoRows) || errors.As(err, &state) && state.SQLState() == noSuchText {
		return fmt.Errorf("%s: %w", what, catalog.ErrNotFound)
	}
	return lost(err)
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

// querier is a database, or a transaction in one.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// list reads all rows of a query.
func list[T any](ctx context.Context, db querier, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	if r, ok := db.(*readers); ok { // until all is read
		defer r.meter.begin()()
		db = r.of(ctx)
	}
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, lost(err)
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
	return out, lost(rows.Err())
}

func page(limit int) int {
	if limit <= 0 || limit > catalog.MaxPage {
		return catalog.MaxPage
	}
	return limit
}
