package postgres_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/storage/catalog/postgres"
)

func TestNamesAreFoundByAnIndex(t *testing.T) {
	at := database.New(t)
	for range 2 { // the second finds it there
		c, err := postgres.Open(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		if c.Slow != nil {
			t.Error(c.Slow)
		}
		closeIt(t, c)
	}
	db, err := sql.Open("pgx", at)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`SET enable_seqscan = off`); err != nil { // the table is empty
		t.Fatal(err)
	}
	rows, err := db.Query(`EXPLAIN SELECT id FROM endpoints WHERE LOWER(name) LIKE '%till-7%' OR LOWER(device) LIKE '%till-7%'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(line + "\n")
	}
	if !strings.Contains(plan.String(), "endpoints_text") {
		t.Errorf("a search does not use the index:\n%s", &plan)
	}
}
