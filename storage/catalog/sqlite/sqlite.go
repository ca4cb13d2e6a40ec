// Package sqlite keeps the catalog in one SQLite file: write-ahead log, one
// writer, synchronous commits.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/relational"
	"github.com/sitecast/sitecast/storage/durable"
)

//go:embed migrations/*.sql
var migrations embed.FS

var schema = relational.Schema{Dialect: "sqlite3", Files: migrations,
	Tables: `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1`}

const (
	busyTimeout = 10 * time.Second
	readers     = 4
)

// pragmas are set on each connection.
var pragmas = []string{fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"}

// Catalog is a catalog.Catalog in a file.
type Catalog struct {
	*relational.Catalog
	lock *lock
}

var _ catalog.Catalog = (*Catalog)(nil)

// Open opens or creates the file at path and brings its schema up to date. It
// refuses a file that a newer release wrote, and with [relational.ErrLocked] one that is open
// already, in this process or another.
func Open(ctx context.Context, path string) (*Catalog, error) {
	lock, err := takeLock(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open catalog %s: %w", path, err)
	}
	pools, err := openPools(ctx, path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open catalog %s: %w", path, err), lock.release())
	}
	return &Catalog{pools, lock}, nil
}

func openPools(ctx context.Context, path string) (*relational.Catalog, error) {
	write, err := open(path, 1, "immediate", pragmas...)
	if err != nil {
		return nil, err
	}
	read, err := open(path, readers, "deferred", pragmas...)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	return relational.Open(ctx, schema, read, write, write)
}

func open(path string, conns int, begin string, pragmas ...string) (*sql.DB, error) {
	if err := create(path); err != nil {
		return nil, err
	}
	query := url.Values{"_pragma": pragmas, "_txlock": {begin}}
	db, err := sql.Open("sqlite", uri(path, query))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	return db, nil
}

// uri is the address of a file for the driver.
func uri(path string, query url.Values) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + query.Encode()
}

// beside opens a file for a look, also while a server has it open.
func beside(path string) (*sql.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	return sql.Open("sqlite", uri(path, url.Values{"mode": {"rw"}, "_pragma": {pragmas[0]}}))
}

// State says which version of its schema the file at path has, and changes nothing.
// It may be open elsewhere.
func State(ctx context.Context, path string) (state relational.State, err error) {
	db, err := beside(path)
	if errors.Is(err, fs.ErrNotExist) {
		db, err = sql.Open("sqlite", ":memory:") // as empty as the file that is not there
	}
	if err != nil {
		return state, fmt.Errorf("open catalog %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if state, err = schema.State(ctx, db); err != nil {
		return state, fmt.Errorf("catalog %s: %w", path, err)
	}
	return state, nil
}

// Meta reads a setting of the organisation. The file may be open elsewhere.
func Meta(ctx context.Context, path, key string) (value string, err error) {
	db, err := beside(path)
	if err != nil {
		return "", fmt.Errorf("open catalog %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return schema.Meta(ctx, db, key)
}

// Backup writes all that the file at path holds into a new file, which can be put
// in its place. It may be open elsewhere; what is committed before is in the backup.
func Backup(ctx context.Context, path, to string) (err error) {
	db, err := beside(path)
	if err != nil {
		return fmt.Errorf("open catalog %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s is there already: name a new file", to)
	}
	if err := create(to); err != nil { // for its owner only
		return err
	}
	if _, err := db.ExecContext(ctx, `VACUUM INTO $1`, to); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", to, err), os.Remove(to))
	}
	file, err := os.OpenFile(to, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close(), durable.SyncDir(filepath.Dir(to)))
}

// Close closes the file, and lets others open it.
func (c *Catalog) Close() error { return errors.Join(c.Catalog.Close(), c.lock.release()) }
