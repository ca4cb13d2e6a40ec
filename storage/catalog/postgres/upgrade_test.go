package postgres_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/catalogtest"
	"github.com/sitecast/sitecast/storage/catalog/postgres"
	"github.com/sitecast/sitecast/storage/catalog/relational"
	"github.com/sitecast/sitecast/storage/catalog/sqlite"
)

var update = flag.Bool("update", false, "write the dump of the newest schema anew")

const (
	firstSchema = 9 // of this kind of database
	dumped      = "dumped"
)

func dumpOf(version int64) string { return fmt.Sprintf("testdata/schema-%04d.sql", version) }

// raw opens a schema behind the catalog's back.
func raw(t *testing.T, at string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// texts reads the one column of a query.
func texts(t *testing.T, db *sql.DB, query string) (out []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		out = append(out, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEverySchemaThereWasIsUpgradedWithoutLoss loads a dump of each version of the
// schema and compares every value after the upgrade with that before it.
func TestEverySchemaThereWasIsUpgradedWithoutLoss(t *testing.T) {
	state, err := postgres.State(t.Context(), database.New(t))
	if err != nil || state.Have != 0 || state.Known < firstSchema {
		t.Fatalf("got %+v (%v), want nothing yet", state, err)
	}
	at := database.URL(dumped)
	if *update {
		database.Do(t, "public", "CREATE SCHEMA "+dumped)
		c := open(t, at)
		catalogtest.Fill(t, c)
		closeIt(t, c)
		// The lines with a backslash are for psql, and have a random key.
		text := regexp.MustCompile(`(?m)^(\\.*|--.*)?\n`).ReplaceAllString(database.Program(t, "pg_dump", "--column-inserts", "--no-owner", "--schema", dumped, at), "")
		if err := os.WriteFile(dumpOf(state.Known), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, version := range catalogtest.Released(firstSchema, state.Known) {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			text, err := os.ReadFile(dumpOf(version))
			if err != nil {
				t.Fatalf("%v: go test ./storage/catalog/postgres -update makes it", err)
			}
			database.Do(t, "public", "DROP SCHEMA IF EXISTS "+dumped+" CASCADE")
			database.Do(t, "public", string(text))
			before := rowsOf(t, at)
			if was, err := postgres.State(t.Context(), at); was.Have != version || err != nil {
				t.Errorf("got state %+v (%v), want version %d", was, err, version)
			}
			for _, row := range before["sites"] { // they became settings
				for _, column := range []string{"cap", "hold_off", "replicas", "peers_on"} {
					delete(row, column)
				}
			}
			c := open(t, at)
			for _, s := range catalogtest.Read(t, c).Sites {
				catalogtest.WantSettings(t, s, true, true)
			}
			after := rowsOf(t, at)
			for table, all := range before {
				if len(all) == 0 {
					t.Errorf("the dump has no row of %s", table)
				}
				for _, want := range all { // a step may add rows and columns
					if !slices.ContainsFunc(after[table], func(got map[string]any) bool { return holds(got, want) }) {
						t.Errorf("%s has no row %v any more", table, want)
					}
				}
			}
			closeIt(t, c)
		})
	}
}

// holds reports whether a row has all values of another.
func holds(got, want map[string]any) bool {
	for column, value := range want {
		if got[column] != value {
			return false
		}
	}
	return true
}

// rowsOf reads what a dump's tables hold, which Fill fills except for these.
func rowsOf(t *testing.T, at string) map[string][]map[string]any {
	t.Helper()
	db, out := raw(t, at), map[string][]map[string]any{}
	for _, table := range texts(t, db, `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()
		AND tablename NOT IN ('goose_db_version', 'packs', 'chunks', 'patches')`) {
		out[table] = nil
		for _, text := range texts(t, db, `SELECT to_jsonb(t)::text FROM `+table+` t ORDER BY 1`) {
			var row map[string]any
			if err := json.Unmarshal([]byte(text), &row); err != nil {
				t.Fatal(err)
			}
			out[table] = append(out[table], row)
		}
	}
	return out
}

// Equal numbers are equal schemas: what one kind of database has, the other has too.
func TestTheSchemaIsThatOfSQLite(t *testing.T) {
	at, file := database.New(t), filepath.Join(t.TempDir(), "catalog.db")
	open(t, at)
	want, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	state, err := sqlite.State(t.Context(), file)
	if got, err2 := postgres.State(t.Context(), at); got.Have != state.Have || err != nil || err2 != nil {
		t.Errorf("got version %d (%v), want %d (%v): add the migration here, too", got.Have, err2, state.Have, err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ours := texts(t, raw(t, at), `SELECT table_name || '.' || column_name || ' ' || UPPER(data_type) FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name NOT LIKE 'goose%' ORDER BY 1`)
	theirs := texts(t, db, `SELECT m.name || '.' || c.name || ' ' || c.type FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE 'goose%' ORDER BY 1`)
	slices.Sort(ours)
	slices.Sort(theirs)
	if !slices.Equal(ours, theirs) {
		t.Errorf("got  %q\nwant %q", ours, theirs)
	}
}

// The tests' database sorts as English does; the catalog must not.
func TestTextIsComparedByteByByte(t *testing.T) {
	at := database.New(t)
	open(t, at)
	if wrong := texts(t, raw(t, at), `SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'`); len(wrong) > 0 {
		t.Errorf(`of no COLLATE "C": %q`, wrong)
	}
}

func TestADatabaseOfANewerReleaseIsRefused(t *testing.T) {
	at := database.New(t)
	closeIt(t, open(t, at))
	if _, err := raw(t, at).Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true); INSERT INTO contracts (version) VALUES (9999)`); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := postgres.Open(t.Context(), at); err == nil || !strings.Contains(err.Error(), "9999") || !strings.Contains(err.Error(), "newer one") {
			t.Fatalf("got error %v, want one that names schema 9999", err)
		}
	}
}

func TestAFailedMigrationLeavesNothing(t *testing.T) {
	at := database.New(t)
	db := raw(t, at)
	if _, err := db.Exec(`CREATE TABLE patches (mine TEXT)`); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.Open(t.Context(), at); err == nil || !strings.Contains(err.Error(), "patches") {
		t.Fatalf("got error %v, want one about the table that is there", err)
	}
	if _, err := db.Exec(`DROP TABLE patches`); err != nil {
		t.Fatal(err)
	}
	catalogtest.Fill(t, open(t, at))
}

// A dump that was made while the server ran is restored into an empty schema.
func TestWhatWasDumpedIsRestored(t *testing.T) {
	at, file := database.URL("restored"), filepath.Join(t.TempDir(), "dump")
	database.Do(t, "public", "CREATE SCHEMA restored")
	c := open(t, at)
	catalogtest.Fill(t, c)
	want := catalogtest.Read(t, c)
	database.Program(t, "pg_dump", "--format=custom", "--schema=restored", "--file="+file, at)
	closeIt(t, c)
	database.Do(t, "public", "DROP SCHEMA restored CASCADE")
	database.Program(t, "pg_restore", "--dbname="+at, file)
	if got := catalogtest.Read(t, open(t, at)); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// While the database is away everything fails with a clear error, and nothing after.
func TestAnOutageOfTheDatabasePasses(t *testing.T) {
	at := database.New(t)
	c := open(t, at)
	catalogtest.Fill(t, c)
	if err := database.Halt(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := c.Sites(t.Context(), "", 0)
		if err2 := c.SetMeta(t.Context(), "key", "lost"); !errors.Is(err, catalog.ErrUnavailable) || !errors.Is(err2, catalog.ErrUnavailable) {
			t.Errorf("got errors %v and %v, want %q", err, err2, catalog.ErrUnavailable)
		}
	}
	if _, err := postgres.Open(t.Context(), at); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("opened with %v, want %q", err, catalog.ErrUnavailable)
	}
	if err := database.Resume(); err != nil {
		t.Fatal(err)
	}
	if sites, err := c.Sites(t.Context(), "", 0); len(sites) != 2 || err != nil {
		t.Errorf("got sites %+v (%v) after the outage", sites, err)
	}
	if err := c.SetMeta(t.Context(), "key", "kept"); err != nil {
		t.Errorf("the first change after the outage failed: %v", err)
	}
	if _, err := postgres.Open(t.Context(), at); !errors.Is(err, relational.ErrLocked) {
		t.Errorf("a second one opened with %v: the lock was not taken again", err)
	}
}

// An administrator ended all connections.
func TestAConnectionThatIsEndedIsMadeAnew(t *testing.T) {
	at := database.New(t)
	c := open(t, at)
	catalogtest.Fill(t, c)
	if ended := texts(t, raw(t, at), `SELECT pg_terminate_backend(l.pid, 5000)::text FROM pg_locks l
		WHERE l.locktype = 'advisory' AND l.objid::bigint = (hashtext(current_schema())::bigint & 4294967295)`); len(ended) != 1 || ended[0] != "true" {
		t.Fatalf("ended connections: %q", ended)
	}
	if err := c.SetMeta(t.Context(), "key", "kept"); err != nil {
		t.Errorf("the change after it failed: %v", err)
	}
}

func TestThePasswordIsInNoError(t *testing.T) {
	for _, at := range []string{
		"postgres://sitecast:s3cret@127.0.0.1:1/sitecast", "postgres://sitecast:s3cret@127.0.0.1:port/sitecast",
		"postgres://sitecast:s3cret@127.0.0.1/sitecast?sslmode=whatever", "postgres://sitecast:s3cret@[::1/sitecast",
	} {
		_, err := postgres.Open(t.Context(), at)
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got error %v, want one without the password", at, err)
		}
	}
}
