//go:build linux

package main

import (
	"context"
	"crypto/ed25519"
	"crypto/md5"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/postgres"
	"github.com/sitecast/sitecast/storage/content"
)

const (
	versionsEach = 3
	// everywhere is how many contents go to all sites, and sitesEach to how many the
	// others go.
	everywhere = 5
	sitesEach  = 50
	// audited is the audit log of a while.
	audited = 20_000
)

func siteName(i int) string    { return fmt.Sprintf("shop-%05d", i) }
func contentName(i int) string { return fmt.Sprintf("content-%03d", i) }

// endpointID is the id of an endpoint, as the database makes it, too.
func endpointID(i int) string {
	sum := md5.Sum([]byte(strconv.Itoa(i))) //nolint:gosec // any 32 characters do
	return hex.EncodeToString(sum[:])
}

// seed fills a new schema. What there is much of is made by the database itself.
func seed(ctx context.Context, at string, n size) (err error) {
	db, err := sql.Open("pgx", at)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, `CREATE SCHEMA bench`); err != nil {
		return err
	}
	c, err := postgres.Open(ctx, at)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	now := time.Now().UnixMilli()
	for _, s := range []struct {
		text string
		args []any
	}{
		{`INSERT INTO sites (name, cidrs, tz, created) SELECT 'shop-' || LPAD(CAST(i AS TEXT), 5, '0'), '["10.12.0.0/16"]', 'Europe/Berlin', CAST($2 AS BIGINT)
			FROM GENERATE_SERIES(1, CAST($1 AS INTEGER)) i`, []any{n.sites, now}},
		{`INSERT INTO endpoints (id, key, name, device, site, created, last_seen) SELECT MD5(CAST(i AS TEXT)), LPAD(TO_HEX(i), 64, '0'), 'till-' || i,
			CASE WHEN i % 10 = 0 THEN 'kiosk' ELSE 'agent' END, 'shop-' || LPAD(CAST(1 + (i - 1) % CAST($2 AS INTEGER) AS TEXT), 5, '0'), CAST($3 AS BIGINT), CAST($3 AS BIGINT)
			FROM GENERATE_SERIES(1, CAST($1 AS INTEGER)) i`, []any{n.endpoints, n.sites, now}},
	} {
		if _, err := db.ExecContext(ctx, s.text, s.args...); err != nil {
			return err
		}
	}
	if err := publish(ctx, c, n); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `INSERT INTO audit (id, at, who, action, target, detail) SELECT m.top + i, CAST($2 AS BIGINT), 'admin', 'pause', 'everything at shop-' || i, ''
		FROM (SELECT COALESCE(MAX(id), 0) AS top FROM audit) m, GENERATE_SERIES(1, CAST($1 AS INTEGER)) i`, audited, now); err != nil {
		return err
	}
	// There is nothing to make patches of, which the server would try while it is measured.
	if _, err := db.ExecContext(ctx, `DELETE FROM patches`); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `ANALYZE`)
	return err
}

// publish publishes contents and orders the newest version of each.
func publish(ctx context.Context, c catalog.Catalog, n size) error {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	body, err := new(content.Builder).Body(nil)
	if err != nil {
		return err
	}
	encoded := body.Encode()
	placement, err := catalog.PlaceChunks(nil, nil)
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n.contents {
		for v := range versionsEach {
			ref := content.Ref{Name: contentName(i), Version: strconv.Itoa(v + 1)}
			serial, err := c.Reserve(ctx, "bench", ref.Name, ref.Version)
			if err != nil {
				return err
			}
			head := content.Head{Name: ref.Name, Version: ref.Version, Serial: serial, Created: time.Now(), Kind: content.KindTree,
				Body: content.Sum(encoded), BodyBytes: int64(len(encoded))}
			signed, id, err := content.SignHead(head, key)
			if err != nil {
				return err
			}
			if err := c.Publish(ctx, "bench", catalog.Version{Name: ref.Name, Version: ref.Version, Serial: serial, ID: id, Head: signed,
				Body: head.Body, Placement: placement.Encode()}); err != nil {
				return err
			}
		}
		order := catalog.Distribution{Name: contentName(i), Version: strconv.Itoa(versionsEach), Priority: "normal", All: i < everywhere}
		for range min(sitesEach, n.sites) {
			if !order.All {
				order.Sites = append(order.Sites, siteName(1+r.IntN(n.sites)))
			}
		}
		if _, err := c.Distribute(ctx, "bench", order); err != nil {
			return err
		}
	}
	return nil
}
