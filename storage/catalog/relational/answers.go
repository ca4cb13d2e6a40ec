package relational

import (
	"context"
	"database/sql"
	"encoding/base64"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

// KeepAnswer implements catalog.Answers.
func (c *Catalog) KeepAnswer(ctx context.Context, a catalog.Answer) error {
	return c.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO answers (id, digest, sealed, created) VALUES ($1, $2, $3, $4)
			ON CONFLICT (id) DO UPDATE SET digest = $2, sealed = $3, created = $4`,
			a.ID, a.Digest, base64.StdEncoding.EncodeToString(a.Sealed), ms(a.Created))
		return err
	})
}

// Answer implements catalog.Answers.
func (c *Catalog) Answer(ctx context.Context, id string) (catalog.Answer, error) {
	a := catalog.Answer{ID: id}
	var sealed string
	var created int64
	err := c.read.QueryRowContext(ctx, `SELECT digest, sealed, created FROM answers WHERE id = $1`, id).Scan(&a.Digest, &sealed, &created)
	if err != nil {
		return a, found("answer", err)
	}
	a.Created = at(created)
	a.Sealed, err = base64.StdEncoding.DecodeString(sealed)
	return a, err
}

// DropAnswers implements catalog.Answers.
func (c *Catalog) DropAnswers(ctx context.Context, before time.Time, most int) error {
	return c.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM answers WHERE created < $1`, ms(before)); err != nil {
			return err
		}
		// One database has no offset without a limit, and the other none that is negative.
		_, err := tx.ExecContext(ctx, `DELETE FROM answers WHERE id IN (SELECT id FROM answers ORDER BY created DESC, id DESC LIMIT 1000000000 OFFSET $1)`, most)
		return err
	})
}
