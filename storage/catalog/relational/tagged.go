package relational

import (
	"context"
	"database/sql"
	"errors"

	"github.com/sitecast/sitecast/storage/policy"
)

// taggedWith is a tag as the audit log tells it, with what is set for it.
type taggedWith struct {
	policy.Tagged
	Settings map[string]string `json:"settings,omitempty"`
}

// readTag reads a tag in a transaction; nil where there is none.
func readTag(ctx context.Context, tx *sql.Tx, name string) (any, error) {
	t := taggedWith{Tagged: policy.Tagged{Name: name, Sites: []string{}, Endpoints: []string{}}, Settings: map[string]string{}}
	err := tx.QueryRowContext(ctx, `SELECT priority FROM tags WHERE name = $1`, name).Scan(&t.Priority)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	type pair struct{ key, value string }
	read := func(r *sql.Rows) (p pair, err error) {
		err = r.Scan(&p.key, &p.value)
		return p, err
	}
	bearers, err := list(ctx, tx, read, `SELECT kind, subject FROM tagged WHERE tag = $1 ORDER BY kind, subject`, name)
	if err != nil {
		return nil, err
	}
	for _, b := range bearers {
		if b.key == taggedSite {
			t.Sites = append(t.Sites, b.value)
		} else {
			t.Endpoints = append(t.Endpoints, b.value)
		}
	}
	settings, err := list(ctx, tx, read, `SELECT key, value FROM settings WHERE level = 'tag' AND subject = $1 ORDER BY key`, name)
	for _, s := range settings {
		t.Settings[s.key] = s.value
	}
	return t, err
}
