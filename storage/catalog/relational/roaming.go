package relational

import (
	"context"
	"database/sql"

	"github.com/sitecast/sitecast/storage/catalog"
)

// SetRoaming implements catalog.Roaming.
func (c *Catalog) SetRoaming(ctx context.Context, by, endpoint string, roaming bool) error {
	detail, to := "fixed", 0
	if roaming {
		detail, to = "roaming", 1
	}
	return c.change(ctx, by, "change endpoint", endpoint, detail, func(ctx context.Context, tx *sql.Tx) error {
		var was int
		if err := tx.QueryRowContext(ctx, `SELECT roaming FROM endpoints WHERE id = $1`, endpoint).Scan(&was); err != nil {
			return found("endpoint "+endpoint, err)
		}
		changed(ctx, map[string]bool{"roaming": was != 0}, map[string]bool{"roaming": roaming})
		res, err := tx.ExecContext(ctx, `UPDATE endpoints SET roaming = $1 WHERE id = $2`, to, endpoint)
		return changedOne(res, err, catalog.ErrNotFound)
	})
}
