package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/catalogtest"
)

// Who writes into the database has to take the triggers away first, and is found out then.
func TestTheAuditLogIsOnlyAddedTo(t *testing.T) {
	at := database.New(t)
	c := open(t, at)
	catalogtest.Fill(t, c)
	db := raw(t, at)
	for _, statement := range []string{`UPDATE audit SET who = 'nobody' WHERE id = 3`, `DELETE FROM audit WHERE id = 3`, `DELETE FROM audit`, `TRUNCATE audit`,
		`INSERT INTO audit (id, at, who, action, target, detail) VALUES (3, 0, '', '', '', '') ON CONFLICT (id) DO UPDATE SET who = 'nobody'`} {
		if _, err := db.Exec(statement); err == nil || !strings.Contains(err.Error(), "only added to") {
			t.Errorf("%s: got error %v, want that it is refused", statement, err)
		}
	}
	if _, err := db.Exec(`ALTER TABLE audit DISABLE TRIGGER audit_unaltered; UPDATE audit SET who = 'nobody' WHERE id = 3`); err != nil {
		t.Fatal(err)
	}
	broken := new(catalog.BrokenChain)
	_, err := catalog.VerifyAudit(func(before int64) ([]catalog.Entry, error) { return c.Audit(t.Context(), before, 0) })
	if !errors.As(err, &broken) || broken.ID != 3 {
		t.Errorf("entry 3 was altered, and it is said that %v", err)
	}
}
