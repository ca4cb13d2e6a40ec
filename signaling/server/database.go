package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/postgres"
	"github.com/sitecast/sitecast/storage/catalog/relational"
	"github.com/sitecast/sitecast/storage/catalog/sqlite"
)

// inFile is the database that needs no other program.
const inFile = "sqlite"

// databaseFile is its file in the data folder.
const databaseFile = "sitecast.db"

// onPostgres reports whether a database is on PostgreSQL.
func onPostgres(database string) bool {
	return strings.HasPrefix(database, "postgres://") || strings.HasPrefix(database, "postgresql://")
}

// checkDatabase reports what is wrong with --database. It does not repeat it: there
// may be a password in it.
func checkDatabase(database string) error {
	switch {
	case database == "" || database == inFile:
		return nil
	case !onPostgres(database):
		return errors.New("--database: give sqlite, or the URL of a PostgreSQL database such as postgres://sitecast@db.example/sitecast")
	}
	if err := postgres.Check(database); err != nil {
		return fmt.Errorf("--database: %w", err)
	}
	return nil
}

func openCatalog(ctx context.Context, data, database string) (catalog.Catalog, error) {
	if onPostgres(database) {
		c, err := postgres.Open(ctx, database)
		if err != nil {
			return nil, err
		}
		return c, nil
	}
	c, err := sqlite.Open(ctx, filepath.Join(data, databaseFile))
	if err != nil {
		return nil, err
	}
	return c, nil
}

// slowly says why a catalog finds texts slowly; nil where it does not.
func slowly(c catalog.Catalog) error {
	if p, is := c.(postgres.Catalog); is {
		return p.Slow
	}
	return nil
}

// Commands are `sitecast server` and what sees to its database.
type Commands struct {
	Run     Command `cmd:"" default:"withargs" help:"Run the server (what happens without a command)."`
	Migrate Migrate `cmd:"" help:"Bring the database's schema up to date, or show what that would do."`
	Backup  Backup  `cmd:"" help:"Write a copy of the database, also while the server runs."`
}

// Kept says where the database is.
type Kept struct {
	Data     string `help:"Folder for everything the server keeps." required:"" type:"path" env:"SITECAST_DATA" placeholder:"DIR"`
	Database string `help:"Where the catalog is kept: sqlite (in --data), or the URL of a PostgreSQL database." default:"sqlite" env:"SITECAST_DATABASE" placeholder:"URL"`

	Stdout io.Writer `kong:"-"` // nil: the process's
}

func (k Kept) out() io.Writer { return cmp.Or[io.Writer](k.Stdout, os.Stdout) }

func (k Kept) state(ctx context.Context) (relational.State, error) {
	if err := checkDatabase(k.Database); err != nil {
		return relational.State{}, err
	}
	if onPostgres(k.Database) {
		return postgres.State(ctx, k.Database)
	}
	return sqlite.State(ctx, filepath.Join(k.Data, databaseFile))
}

// Migrate is `sitecast server migrate`.
type Migrate struct {
	Kept
	DryRun bool `name:"dry-run" help:"Only show what there is to do."`
	JSON   bool `name:"json" help:"Print have (a version), known, since (the oldest that goes on with it), pending and alongside (names of steps), as they are at the end."`
}

// Help is the long help with examples.
func (Migrate) Help() string {
	return `A server does the same when it starts. Do it ahead to see what a new release changes, or as a database user who may
change tables while the server's own may not. Make a backup first. On PostgreSQL the steps that only add are made while a
server runs, also one of the release before, which goes on with them; the others wait until none does.

Examples:
  sitecast server migrate --data /var/lib/sitecast --dry-run
  sitecast server migrate --data /var/lib/sitecast --database postgres://owner@db.example/sitecast`
}

// Run runs the command.
func (c Migrate) Run(ctx context.Context) error {
	state, err := c.state(ctx)
	if err != nil {
		return err
	}
	if err := state.Newer(); err != nil {
		return fmt.Errorf("the database: %w", err)
	}
	if !c.JSON {
		c.say(state)
	}
	if !c.DryRun && len(state.Pending) > 0 {
		if err := c.migrate(ctx, state); err != nil {
			return err
		}
		if state, err = c.state(ctx); err != nil {
			return err
		}
		if !c.JSON {
			fmt.Fprintf(c.out(), "done: the schema is version %d\n", state.Have)
		}
	}
	if c.JSON {
		return json.NewEncoder(c.out()).Encode(state)
	}
	return nil
}

// migrate makes the steps that servers don't notice first, and then the rest.
func (c Migrate) migrate(ctx context.Context, state relational.State) error {
	if onPostgres(c.Database) && len(state.Alongside) > 0 {
		if err := postgres.Expand(ctx, c.Database); err != nil {
			return err
		}
		if len(state.Alongside) == len(state.Pending) {
			return nil
		}
	}
	kept, err := openCatalog(ctx, c.Data, c.Database)
	if errors.Is(err, catalog.ErrLocked) {
		made := len(state.Alongside)
		if !onPostgres(c.Database) {
			made = 0
		}
		return fmt.Errorf("a server has the catalog open, and %s needs that none does (%d of %d steps made): stop it, or start this release with --standby "+
			"and then stop it: the rest is done as it takes over", state.Pending[made], made, len(state.Pending))
	}
	if err != nil {
		return err
	}
	return kept.Close()
}

func (c Migrate) say(state relational.State) {
	fmt.Fprintf(c.out(), "the schema is version %d, this release's is %d\n", state.Have, state.Known)
	for i, step := range state.Pending {
		when := ""
		if i < len(state.Alongside) && onPostgres(c.Database) {
			when = " (also while a server runs)"
		}
		fmt.Fprintln(c.out(), "  to do:", step+when)
	}
}

// Backup is `sitecast server backup`.
type Backup struct {
	Kept
	To string `arg:"" help:"File to write, which must not be there." type:"path"`
}

// Help is the long help with an example.
func (Backup) Help() string {
	return `It writes the database in --data. To restore it stop the server, remove sitecast.db-wal and sitecast.db-shm in --data, and
put the copy in the place of sitecast.db. A database on PostgreSQL is dumped by pg_dump and restored by pg_restore.
The keys in --data and the folder of packs are files to copy beside it: packs after the database, so that it names
none that is missing.

Example:
  sitecast server backup --data /var/lib/sitecast /backup/sitecast.db`
}

// Run runs the command.
func (c Backup) Run(ctx context.Context) error {
	if err := checkDatabase(c.Database); err != nil {
		return err
	}
	if onPostgres(c.Database) {
		return errors.New("a database on PostgreSQL is backed up by its own program: pg_dump --format=custom --file=FILE URL")
	}
	if err := sqlite.Backup(ctx, filepath.Join(c.Data, databaseFile), c.To); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.out(), c.To)
	return err
}
