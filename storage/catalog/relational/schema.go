package relational

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/sitecast/sitecast/storage/catalog"
)

// Schema is a kind of database's schema: its migrations, in files.
type Schema struct {
	Dialect goose.Dialect
	Files   fs.FS  // in a folder named migrations
	Tables  string // a query that counts the tables of a name
}

// State says which version of its schema a database has.
type State struct {
	Have  int64 `json:"have"`  // 0: nothing is there yet
	Known int64 `json:"known"` // the newest that this release knows
	// Since is the version of the last step that took something away: a release that knows
	// it can use the database as it is, though steps were made that it does not know.
	Since     int64    `json:"since"`
	Pending   []string `json:"pending"`   // steps from Have to Known, by name
	Alongside []string `json:"alongside"` // those of them, the first ones, that an older server does not notice
}

// Newer reports whether a newer release wrote the database in a way that this one can't
// use, and what to do then.
func (s State) Newer() error {
	if s.Have <= s.Known || s.Since <= s.Known {
		return nil
	}
	return fmt.Errorf("its schema is version %d and this release knows %d: use the release that wrote it, or a newer one", s.Have, s.Known)
}

// versionTable is where goose keeps which migrations were made.
const versionTable = goose.DefaultTablename

// contractsTable is where the steps are that took something away.
const contractsTable = "contracts"

// expandMark begins the first line of a migration that only adds, so that a server of the
// release before goes on with its database; the rest of the line says why. Any other
// migration is taken for one that takes something away.
const expandMark = "-- expand: "

// A statement of a migration waits for its locks on tables for a moment only, as all that
// comes after it waits behind it, and is tried again.
const (
	lockTries = 30
	lockPause = time.Second
)

// State reads the state of a database and changes nothing.
func (s Schema) State(ctx context.Context, db *sql.DB) (State, error) {
	p, err := s.provider(db)
	if err != nil {
		return State{}, err
	}
	state := State{Pending: []string{}, Alongside: []string{}}
	if state.Have, err = s.version(ctx, db); err != nil {
		return State{}, fmt.Errorf("read the version of its schema: %w", err)
	}
	if state.Since, err = s.since(ctx, db, state.Have); err != nil {
		return State{}, fmt.Errorf("read since when its schema is as it is: %w", err)
	}
	for _, m := range p.ListSources() {
		state.Known = m.Version
		if m.Version <= state.Have {
			continue
		}
		expands, err := s.expands(m)
		if err != nil {
			return State{}, err
		}
		if expands && len(state.Alongside) == len(state.Pending) {
			state.Alongside = append(state.Alongside, path.Base(m.Path))
		}
		state.Pending = append(state.Pending, path.Base(m.Path))
	}
	return state, nil
}

// Expand makes the steps of [State.Alongside]. Servers may run meanwhile, of this release
// and of the one before.
func (s Schema) Expand(ctx context.Context, db *sql.DB) error { return s.migrate(ctx, db, false) }

// Migrate brings a database's schema up to date, unless it is newer. No server may run of a
// release that does not know it.
func (s Schema) Migrate(ctx context.Context, db *sql.DB) error { return s.migrate(ctx, db, true) }

// migrate makes all steps, or those that can be made beside servers. Each is a transaction.
func (s Schema) migrate(ctx context.Context, db *sql.DB, all bool) error {
	state, err := s.State(ctx, db)
	if err != nil {
		return err
	}
	if err := state.Newer(); err != nil || len(state.Pending) == 0 {
		return err
	}
	p, err := s.provider(db)
	if err != nil {
		return err
	}
	for _, m := range p.ListSources() {
		if m.Version <= state.Have {
			continue
		}
		expands, err := s.expands(m)
		if err == nil && !expands {
			if !all {
				return nil
			}
			err = s.noteContract(ctx, db, m.Version)
		}
		if err == nil {
			err = step(ctx, p, m.Version)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// step makes one step, as soon as it has its locks.
func step(ctx context.Context, p *goose.Provider, version int64) error {
	for try := 1; ; try++ {
		_, err := p.UpTo(ctx, version)
		if try == lockTries || !lockMissed(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(lockPause):
		}
	}
}

// lockMissed reports whether PostgreSQL did not get a lock in time.
func lockMissed(err error) bool {
	var state interface{ SQLState() string }
	return errors.As(err, &state) && state.SQLState() == LockMissed
}

// LockMissed is the state of SQL in which a lock was not had in time.
const LockMissed = "55P03"

// expands reports whether a migration is marked as one that only adds.
func (s Schema) expands(m *goose.Source) (bool, error) {
	text, err := fs.ReadFile(s.Files, path.Join("migrations", path.Base(m.Path)))
	return bytes.HasPrefix(text, []byte(expandMark)), err
}

// noteContract notes a step that takes something away, before it is made: who does not know
// it is refused from then on.
func (s Schema) noteContract(ctx context.Context, db *sql.DB, version int64) error {
	has, err := s.hasTable(ctx, db, contractsTable)
	if err != nil || !has { // the step that makes the table notes itself
		return err
	}
	_, err = db.ExecContext(ctx, `INSERT INTO contracts (version) VALUES ($1) ON CONFLICT (version) DO NOTHING`, version)
	return err
}

// since reads the last step that took something away. Of schemas from before those were
// noted, it is the newest.
func (s Schema) since(ctx context.Context, db *sql.DB, have int64) (version int64, err error) {
	has, err := s.hasTable(ctx, db, contractsTable)
	if err != nil || !has {
		return have, err
	}
	err = db.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM contracts`).Scan(&version)
	return version, err
}

// Meta reads a setting from a database that may be open elsewhere.
func (s Schema) Meta(ctx context.Context, db *sql.DB, key string) (value string, err error) {
	has, err := s.hasTable(ctx, db, "meta")
	if err != nil {
		return "", err
	}
	if !has {
		return "", fmt.Errorf("setting: %w", catalog.ErrNotFound)
	}
	err = db.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = $1`, key).Scan(&value)
	return value, found("setting", err)
}

func (s Schema) hasTable(ctx context.Context, db *sql.DB, name string) (bool, error) {
	var tables int
	err := db.QueryRowContext(ctx, s.Tables, name).Scan(&tables)
	return tables > 0, err
}

func (s Schema) provider(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(s.Files, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(s.Dialect, db, files, goose.WithLogger(goose.NopLogger()))
}

// version reads the version of a schema. The provider's own way makes its table
// where there is none.
func (s Schema) version(ctx context.Context, db *sql.DB) (version int64, err error) {
	if has, err := s.hasTable(ctx, db, versionTable); err != nil || !has {
		return 0, err
	}
	err = db.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM `+versionTable).Scan(&version)
	return version, err
}
