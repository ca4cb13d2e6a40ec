package relational_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sitecast/sitecast/storage/catalog/relational"
	_ "github.com/sitecast/sitecast/storage/catalog/sqlite" // its driver
)

const (
	base   = "-- +goose Up\nCREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);\nCREATE TABLE contracts (version BIGINT PRIMARY KEY);\nINSERT INTO contracts (version) VALUES (1);\n"
	expand = "-- expand: nobody names it\n-- +goose Up\nCREATE TABLE more%N (name TEXT);\n"

	broken = "-- expand: it isn't even SQL\n-- +goose Up\nCREATE NOTHING;\n"
)

// release is one whose schema has these steps.
func release(steps ...string) relational.Schema {
	files := fstest.MapFS{}
	for i, text := range steps {
		number := string(rune('1' + i))
		files["migrations/000"+number+"_step.sql"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(text, "%N", number))}
	}
	return relational.Schema{Dialect: "sqlite3", Files: files, Tables: `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1`}
}

func database(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func stateOf(t *testing.T, s relational.Schema, db *sql.DB) relational.State {
	t.Helper()
	state, err := s.State(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func TestAnOlderReleaseGoesOnWithWhatOnlyGrew(t *testing.T) {
	drop2 := "-- +goose Up\nDROP TABLE more2;\n"
	db, old, newer := database(t), release(base), release(base, expand, expand, drop2, expand)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(old.Migrate(t.Context(), db))
	state := stateOf(t, newer, db)
	if want := []string{"0002_step.sql", "0003_step.sql"}; state.Have != 1 || state.Known != 5 || len(state.Pending) != 4 || !slices.Equal(state.Alongside, want) {
		t.Fatalf("got %+v, want %q alongside", state, want)
	}
	for range 2 { // the second time there is nothing to do
		must(newer.Expand(t.Context(), db))
		if state = stateOf(t, newer, db); state.Have != 3 || len(state.Alongside) != 0 || len(state.Pending) != 2 || state.Since != 1 {
			t.Fatalf("after the steps that add: %+v", state)
		}
	}
	if state = stateOf(t, old, db); state.Newer() != nil || state.Have != 3 || state.Known != 1 {
		t.Errorf("the older release is refused: %+v, %v", state, state.Newer())
	}
	must(old.Migrate(t.Context(), db)) // changes nothing
	must(newer.Migrate(t.Context(), db))
	if state = stateOf(t, newer, db); state.Have != 5 || state.Since != 4 || len(state.Pending) != 0 {
		t.Errorf("after all steps: %+v", state)
	}
	if state = stateOf(t, old, db); state.Newer() == nil || !strings.Contains(state.Newer().Error(), "version 5") {
		t.Errorf("the older release is not refused: %+v", state)
	}
	if err := old.Migrate(t.Context(), db); err == nil {
		t.Error("the older release takes it for its own")
	}
	if between := stateOf(t, release(base, expand, expand, drop2), db); between.Newer() != nil {
		t.Errorf("the release before the last step that added is refused: %+v", between)
	}
}

func TestAStepThatFailsLeavesTheOnesBefore(t *testing.T) {
	db, s := database(t), release(base, expand, broken)
	if err := s.Migrate(t.Context(), db); err == nil || !strings.Contains(err.Error(), "version:3") {
		t.Fatalf("ended with %v, want an error about the third step", err)
	}
	if state := stateOf(t, s, db); state.Have != 2 || len(state.Pending) != 1 {
		t.Errorf("got %+v, want version 2", state)
	}
}

// What is about to take something away is noted before it does: a server that dies in between
// leaves no schema that an older release takes for one it can use.
func TestAContractIsNotedBeforeItIsMade(t *testing.T) {
	db := database(t)
	fails := release(base, expand, "-- +goose Up\nDROP TABLE more9;\n")
	if err := fails.Migrate(t.Context(), db); err == nil {
		t.Fatal("a table was dropped that is not there")
	}
	if state := stateOf(t, fails, db); state.Have != 2 || state.Since != 3 {
		t.Errorf("got %+v, want version 2, noted since 3", state)
	}
	if state := stateOf(t, release(base), db); state.Newer() == nil {
		t.Error("the older release goes on")
	}
	if state := stateOf(t, release(base, expand), db); state.Newer() != nil {
		t.Error("a release that knows all that was made is refused")
	}
}
