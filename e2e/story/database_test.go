//go:build linux

package story

import (
	"testing"

	"github.com/sitecast/sitecast/storage/catalog/postgres/postgrestest"
)

// TestASiteOutlivesAnOutageOfPostgreSQL distributes to real agents from a catalog on
// PostgreSQL, which goes away and comes back between two versions.
func TestASiteOutlivesAnOutageOfPostgreSQL(t *testing.T) {
	long(t)
	const size = 4 * mib
	database, err := postgrestest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := database.Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("SITECAST_DATABASE", database.New(t))
	s := begin(t, oneSite(3, 100), size)
	s.sitecast("distribute", "app@1", "--all", "--wait")
	s.wantDelivered("app", "1", size)
	s.wantOneCopy(size, 1.01)

	s.must(database.Halt())
	if _, err := s.Sitecast(s.ctx, "site", "list"); err == nil {
		t.Error("sites were listed without a database")
	}
	s.must(database.Resume())
	s.publish("app", "2", size)
	s.sitecast("distribute", "app@2", "--all", "--wait")
	s.wantDelivered("app", "2", size)
}
