package server_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/storage/catalog/postgres/postgrestest"
	"github.com/sitecast/sitecast/storage/catalog/relational"
)

// TestAServerRunsOnPostgreSQL starts a real one, which goes away while the server
// runs and comes back.
func TestAServerRunsOnPostgreSQL(t *testing.T) {
	database, err := postgrestest.Start()
	if postgrestest.Optional(err) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatalf("PostgreSQL is needed (make deps installs it): %v", err)
	}
	t.Cleanup(func() {
		if err := database.Stop(); err != nil {
			t.Error(err)
		}
	})
	data, at := t.TempDir(), database.New(t)
	begin := func() *stand { return newStand(t, data, func(c *server.Config) { c.Database = at }) }
	s := begin()
	create := func(name string) (int, string) {
		resp, text, err := s.do("10.0.0.2", "POST", base+"/api/v1/sites", s.admin(), map[string]any{"name": name})
		s.must(err)
		return resp.StatusCode, string(text)
	}
	if status, text := create("shop"); status/100 != 2 {
		t.Fatalf("creating a site answered %d %s", status, text)
	}
	if _, err := os.Stat(filepath.Join(data, "sitecast.db")); err == nil {
		t.Error("there is a file of SQLite, too")
	}

	s.must(database.Halt())
	for range 2 {
		if status, text := create("lost"); status != http.StatusServiceUnavailable || !strings.Contains(text, "database_unavailable") {
			t.Errorf("without the database it answered %d %s", status, text)
		}
	}
	s.must(database.Resume())
	if status, text := create("other"); status/100 != 2 {
		t.Errorf("after the outage it answered %d %s", status, text)
	}
	s.end()

	s = begin()
	var sites []struct {
		Name string `json:"name"`
	}
	s.call("GET", "/api/v1/sites", s.admin(), nil, &sites)
	if len(sites) != 2 || sites[0].Name != "other" || sites[1].Name != "shop" {
		t.Errorf("after a restart there are sites %+v", sites)
	}
	s.end()
}

func TestMigrateShowsAndDoes(t *testing.T) {
	kept := server.Kept{Data: t.TempDir(), Database: "sqlite"}
	run := func(m server.Migrate) string {
		t.Helper()
		var out bytes.Buffer
		m.Kept = kept
		m.Stdout = &out
		if err := m.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	var state relational.State
	for range 2 { // to show it changes nothing
		if err := json.Unmarshal([]byte(run(server.Migrate{DryRun: true, JSON: true})), &state); err != nil || state.Have != 0 || len(state.Pending) == 0 {
			t.Fatalf("of no database: %+v (%v)", state, err)
		}
	}
	if said := run(server.Migrate{}); !strings.Contains(said, state.Pending[0]) || !strings.Contains(said, "done: ") {
		t.Errorf("it said %q", said)
	}
	if said := run(server.Migrate{}); strings.Contains(said, "to do") || strings.Contains(said, "done: ") {
		t.Errorf("the second time it said %q", said)
	}
	known := state.Known
	if err := json.Unmarshal([]byte(run(server.Migrate{JSON: true})), &state); err != nil || state.Have != known || len(state.Pending) != 0 {
		t.Errorf("in the end: %+v (%v)", state, err)
	}
	var out bytes.Buffer
	to := filepath.Join(t.TempDir(), "backup.db")
	kept.Stdout = &out
	if err := (server.Backup{Kept: kept, To: to}).Run(t.Context()); err != nil || out.String() != to+"\n" {
		t.Errorf("a backup printed %q (%v)", out.String(), err)
	}
	kept.Database = "postgres://sitecast:s3cret@db.example/sitecast"
	if err := (server.Backup{Kept: kept, To: to}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "pg_dump") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a backup of PostgreSQL: %v, want a word about pg_dump", err)
	}
}
