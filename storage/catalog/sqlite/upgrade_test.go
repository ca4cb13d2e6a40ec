package sqlite_test

import (
	"database/sql"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/storage/catalog/catalogtest"
	"github.com/sitecast/sitecast/storage/catalog/sqlite"
)

var update = flag.Bool("update", false, "write the dump of the newest schema anew")

// newest is the version of the last migration.
func newest(t *testing.T) (version int64) {
	t.Helper()
	migrations, err := filepath.Glob("migrations/*.sql") // in order
	if err != nil || len(migrations) == 0 {
		t.Fatalf("got migrations %q (%v)", migrations, err)
	}
	if _, err := fmt.Sscanf(filepath.Base(migrations[len(migrations)-1]), "%04d_", &version); err != nil {
		t.Fatal(err)
	}
	return version
}

// stepsAfter counts the migrations after a version; numbers have gaps.
func stepsAfter(t *testing.T, version int64) (n int) {
	t.Helper()
	migrations, err := filepath.Glob("migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range migrations {
		var number int64
		if _, err := fmt.Sscanf(filepath.Base(name), "%04d_", &number); err != nil {
			t.Fatal(err)
		}
		if number > version {
			n++
		}
	}
	return n
}

// TestEverySchemaThereWasIsUpgradedWithoutLoss loads a dump of each version of the
// schema and compares every value after the upgrade with that before it.
func TestEverySchemaThereWasIsUpgradedWithoutLoss(t *testing.T) {
	if *update {
		path := newPath(t)
		c := open(t, path)
		catalogtest.Fill(t, c)
		if err := os.WriteFile(dumpOf(newest(t)), []byte(dump(t, raw(t, path))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, version := range catalogtest.Released(1, newest(t)) {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			text, err := os.ReadFile(dumpOf(version))
			if err != nil {
				t.Fatalf("%v: go test ./storage/catalog/sqlite -update makes it", err)
			}
			path := newPath(t)
			db := raw(t, path)
			if _, err := db.Exec(string(text)); err != nil {
				t.Fatal(err)
			}
			if state, err := sqlite.State(t.Context(), path); state.Have != version || len(state.Pending) != stepsAfter(t, version) || err != nil {
				t.Errorf("got state %+v (%v), want version %d", state, err, version)
			}
			before := rows(t, db, nil)
			if len(before["sites"]) == 0 || len(before["audit"]) == 0 {
				t.Fatal("the dump is empty")
			}
			without(before, moved)
			got := catalogtest.Read(t, open(t, path))
			after := rows(t, db, before)
			for table, all := range before {
				for _, want := range all { // a step may add some
					if !slices.ContainsFunc(after[table], func(got []string) bool { return slices.Equal(got, want) }) {
						t.Errorf("%s has no row %q any more", table, want)
					}
				}
			}
			for _, d := range got.Orders.Distributions {
				if version < 3 && !d.ReadyBy.IsZero() || version < 5 && d.PreStage != 0 {
					t.Errorf("a distribution from before there were times and copies is %+v", d)
				}
			}
			for _, s := range got.Sites {
				if version < 6 && s.Replicas != 0 || version < 7 && s.Relay != "" || version < 8 && len(s.PeersOn) != 0 {
					t.Errorf("a site from before there were such settings is %+v", s)
				}
				catalogtest.WantSettings(t, s, version >= 2, version >= 6)
			}
		})
	}
}

// moved are columns of sites that became settings.
var moved = []string{"cap", "hold_off", "replicas", "peers_on"}

// without takes columns of sites out of what was read.
func without(all map[string][][]string, columns []string) {
	names := all["sites"][0]
	for i, row := range all["sites"] {
		var rest []string
		for c, value := range row {
			if !slices.Contains(columns, names[c]) {
				rest = append(rest, value)
			}
		}
		all["sites"][i] = rest
	}
}

func dumpOf(version int64) string { return fmt.Sprintf("testdata/schema-%04d.sql", version) }

// tables lists our tables with their columns.
func tables(t *testing.T, db *sql.DB) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, row := range query(t, db, `SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'goose_%' ORDER BY m.name, c.cid`) {
		out[row[0]] = append(out[row[0]], row[1])
	}
	return out
}

// rows reads all tables: a row of column names, and all rows there are. Given what
// was there before, it reads no more columns than that.
func rows(t *testing.T, db *sql.DB, before map[string][][]string) map[string][][]string {
	t.Helper()
	out := map[string][][]string{}
	for table, columns := range tables(t, db) {
		if was := before[table]; was != nil {
			columns = was[0]
		}
		quoted := "quote(" + strings.Join(columns, "), quote(") + ")"
		out[table] = append([][]string{columns}, query(t, db, "SELECT "+quoted+" FROM "+table+" ORDER BY "+quoted)...)
	}
	return out
}

func query(t *testing.T, db *sql.DB, text string) (out [][]string) {
	t.Helper()
	rows, err := db.Query(text)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	for err == nil && rows.Next() {
		row, into := make([]string, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		err = rows.Scan(into...)
		out = append(out, row)
	}
	if err != nil || rows.Err() != nil {
		t.Fatal(err, rows.Err())
	}
	return out
}

// dump writes a database as the statements that make it.
func dump(t *testing.T, db *sql.DB) string {
	t.Helper()
	var out strings.Builder
	made := query(t, db, `SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
		ORDER BY CASE type WHEN 'table' THEN 1 WHEN 'index' THEN 2 ELSE 3 END, name`)
	for _, statement := range made {
		fmt.Fprintf(&out, "%s;\n", statement[0])
	}
	all := rows(t, db, nil)
	all["goose_db_version"] = append([][]string{{"version_id", "is_applied"}}, query(t, db, `SELECT version_id, is_applied FROM goose_db_version ORDER BY id`)...)
	for _, table := range slices.Sorted(maps.Keys(all)) {
		for _, row := range all[table][1:] {
			fmt.Fprintf(&out, "INSERT INTO %s (%s) VALUES (%s);\n", table, strings.Join(all[table][0], ", "), strings.Join(row, ", "))
		}
	}
	return out.String()
}

func TestTheStateOfAFileIsReadWithoutAChange(t *testing.T) {
	path := newPath(t)
	if state, err := sqlite.State(t.Context(), path); state.Have != 0 || len(state.Pending) != stepsAfter(t, 0) || err != nil {
		t.Errorf("of no file: got %+v (%v)", state, err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it was made")
	}
	open(t, path)
	state, err := sqlite.State(t.Context(), path) // while it is open
	if state.Have != newest(t) || state.Known != newest(t) || len(state.Pending) != 0 || state.Newer() != nil || err != nil {
		t.Errorf("got %+v (%v)", state, err)
	}
}

// A backup is made while a server runs, and takes the place of the file.
func TestABackupHoldsWhatWasThere(t *testing.T) {
	path, backup := newPath(t), newPath(t)
	c := open(t, path)
	catalogtest.Fill(t, c)
	want := catalogtest.Read(t, c)
	if err := sqlite.Backup(t.Context(), path, backup); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(backup); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v (%v), want 0600", info.Mode(), err)
	}
	if _, err := c.Reserve(t.Context(), "tester", "app", "later"); err != nil {
		t.Fatal(err)
	}
	closeIt(t, c)
	if err := os.Rename(backup, path); err != nil {
		t.Fatal(err)
	}
	if got := catalogtest.Read(t, open(t, path)); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestABackupWritesOverNothing(t *testing.T) {
	path, there := newPath(t), newPath(t)
	catalogtest.Fill(t, open(t, path))
	if err := os.WriteFile(there, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Backup(t.Context(), path, there); err == nil || !strings.Contains(err.Error(), there) {
		t.Errorf("got error %v, want one that names %s", err, there)
	}
	if text, err := os.ReadFile(there); string(text) != "mine" || err != nil {
		t.Errorf("got %q (%v), want it left alone", text, err)
	}
	if err := sqlite.Backup(t.Context(), newPath(t), filepath.Join(t.TempDir(), "b")); err == nil {
		t.Error("a file that is not there was backed up")
	}
}
