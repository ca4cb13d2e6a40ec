package fleet

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// seedTogether is how many rows are written by one statement.
const seedTogether = 500

// Seed puts the sites and endpoints of a plan straight into the database of a catalog that
// no server has open, as if they had been created and enrolled. With the map of networks
// beside ([Plan.Networks]) each site is known by its address. What is there stays.
func Seed(ctx context.Context, db *sql.DB, p Plan) error {
	if err := p.Check(); err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing is left after the commit
	now := time.Now().UnixMilli()
	// All values are made here: names by the plan, which checked them, and digits.
	err = insert(ctx, tx, "sites (name, cidrs, tz, created)", p.Places, func(i int) string {
		return fmt.Sprintf("('%s', '[]', '', %d)", p.Place(i).Name, now)
	})
	if err != nil {
		return fmt.Errorf("create sites: %w", err)
	}
	err = insert(ctx, tx, "endpoints (id, key, name, device, site, roaming, created, last_seen)", p.Endpoints, func(k int) string {
		key, roams := p.Key(k).Public().(ed25519.PublicKey), 0
		if p.Roams(k) {
			roams = 1
		}
		return fmt.Sprintf("('%s', '%s', '%s', '%s', '%s', %d, %d, %d)", wire.IDOf(key), hex.EncodeToString(key), p.Name(k), wire.DeviceAgent,
			p.Place(p.Home(k)).Name, roams, now, now)
	})
	if err != nil {
		return fmt.Errorf("enrol endpoints: %w", err)
	}
	return tx.Commit()
}

// insert writes n rows.
func insert(ctx context.Context, tx *sql.Tx, into string, n int, row func(i int) string) error {
	for from := 0; from < n; from += seedTogether {
		var rows []string
		for i := from; i < min(from+seedTogether, n); i++ {
			rows = append(rows, row(i))
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO "+into+" VALUES "+strings.Join(rows, ", ")+" ON CONFLICT DO NOTHING"); err != nil {
			return err
		}
	}
	return nil
}

// Networks are the addresses that the sites are seen under.
func (p Plan) Networks() []catalog.Network {
	out := make([]catalog.Network, p.Places)
	for i := range out {
		at := p.Place(i)
		out[i] = catalog.Network{CIDR: at.Host.String() + "/32", Site: at.Name, Kind: catalog.NetworkEgress}
	}
	return out
}
