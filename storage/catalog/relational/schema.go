package relational

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"path"

	"github.com/pressly/goose/v3"
)

// Schema is a kind of database's schema: its migrations, in files.
type Schema struct {
	Dialect goose.Dialect
	Files   fs.FS  // in a folder named migrations
	Tables  string // a query that counts the tables of a name
}

// State says which version of its schema a database has.
type State struct {
	Have    int64    `json:"have"`    // 0: nothing is there yet
	Known   int64    `json:"known"`   // the newest that this release knows
	Pending []string `json:"pending"` // steps from one to the other, by name
}

// Newer reports whether a newer release wrote the database, and what to do then.
func (s State) Newer() error {
	if s.Have <= s.Known {
		return nil
	}
	return fmt.Errorf("its schema is version %d and this release knows %d: use the release that wrote it, or a newer one", s.Have, s.Known)
}

// versionTable is where goose keeps which migrations were made.
const versionTable = goose.DefaultTablename

// State reads the state of a database and changes nothing.
func (s Schema) State(ctx context.Context, db *sql.DB) (State, error) {
	p, err := s.provider(db)
	if err != nil {
		return State{}, err
	}
	state := State{Pending: []string{}}
	if state.Have, err = s.version(ctx, db); err != nil {
		return State{}, fmt.Errorf("read the version of its schema: %w", err)
	}
	for _, m := range p.ListSources() {
		state.Known = m.Version
		if m.Version > state.Have {
			state.Pending = append(state.Pending, path.Base(m.Path))
		}
	}
	return state, nil
}

// migrate brings a database's schema up to date, unless it is newer. Each step is a
// transaction.
func (s Schema) migrate(ctx context.Context, db *sql.DB) error {
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
	_, err = p.Up(ctx)
	return err
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
	var tables int
	if err := db.QueryRowContext(ctx, s.Tables, versionTable).Scan(&tables); err != nil || tables == 0 {
		return 0, err
	}
	err = db.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM `+versionTable).Scan(&version)
	return version, err
}
