package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/sitecast/sitecast/storage/catalog/relational"
)

// lockSuffix makes the name of the file whose lock a catalog holds while open.
const lockSuffix = ".lock"

// lock is held until released, or the process ends in whatever way. It is a lock
// of SQLite on an empty file, which works wherever the catalog itself does.
type lock struct {
	db *sql.DB
	tx *sql.Tx // exclusive, never commits
}

func takeLock(ctx context.Context, path string) (*lock, error) {
	db, err := open(path+lockSuffix, 1, "exclusive", "busy_timeout(0)")
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	tx, err := db.BeginTx(context.WithoutCancel(ctx), nil)
	var failed *driver.Error
	if errors.As(err, &failed) && failed.Code()&0xff == sqlite3.SQLITE_BUSY {
		err = relational.ErrLocked
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &lock{db, tx}, nil
}

func (l *lock) release() error {
	err := l.tx.Rollback()
	if errors.Is(err, sql.ErrTxDone) { // released before
		err = nil
	}
	return errors.Join(err, l.db.Close())
}

// create makes the file at path, for its owner only, unless it is there. It opens
// no file that is there: closing it again would drop SQLite's own locks on it.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	return f.Close()
}
