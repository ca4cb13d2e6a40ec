package relational

import (
	"context"
	"database/sql"
	"errors"

	"github.com/sitecast/sitecast/storage/catalog"
)

// unit is what is changed together. It begins a transaction with its first change, and
// belongs to the goroutine of the function that makes the changes.
type unit struct {
	tx    *sql.Tx // nil: nothing was changed yet
	ctx   context.Context
	stop  context.CancelFunc
	ended bool // its context is one like any other again
}

type unitKey struct{}

// unitOf is the unit that a context is of; nil for none.
func unitOf(ctx context.Context) *unit {
	u, ok := ctx.Value(unitKey{}).(*unit)
	if !ok || u.ended || u.tx == nil && catalog.IsApart(ctx) { // once there is a transaction all else would wait for it
		return nil
	}
	return u
}

// Together implements catalog.Together.
func (c *Catalog) Together(ctx context.Context, f func(context.Context) error) error {
	if unitOf(ctx) != nil {
		return f(ctx)
	}
	u := new(unit)
	defer func() {
		u.ended = true
		if u.tx != nil { // f panicked, or the transaction ended below
			_ = u.tx.Rollback()
			u.stop()
			<-c.turn
		}
	}()
	err := f(context.WithValue(ctx, unitKey{}, u))
	if u.tx == nil {
		return err
	}
	defer c.read.meter.begin()()
	return lost(end(u.ctx, u.tx, err))
}

// change makes one of the unit's changes: within a savepoint, because in PostgreSQL a
// statement that fails takes the transaction with it.
func (u *unit) change(ctx context.Context, c *Catalog, f func(context.Context, *sql.Tx) error) error {
	if u.tx == nil {
		if err := u.begin(ctx, c); err != nil {
			return err
		}
	}
	defer c.read.meter.begin()()
	// Its values are the caller's, and its end that of the transaction.
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(u.ctx, stop)()
	if _, err := u.tx.ExecContext(ctx, `SAVEPOINT one`); err != nil {
		return lost(err)
	}
	err := f(ctx, u.tx)
	if err != nil {
		_, undo := u.tx.ExecContext(ctx, `ROLLBACK TO SAVEPOINT one`)
		err = errors.Join(err, undo)
	}
	_, released := u.tx.ExecContext(ctx, `RELEASE SAVEPOINT one`)
	return lost(errors.Join(err, released))
}

// begin waits for the turn, which Together gives back.
func (u *unit) begin(ctx context.Context, c *Catalog) error {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	u.ctx, u.stop = context.WithTimeout(context.WithoutCancel(ctx), changeTimeout)
	tx, err := c.write.BeginTx(u.ctx, nil)
	if err != nil {
		u.stop()
		<-c.turn
		return lost(err)
	}
	u.tx = tx
	return nil
}
