package relational

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// placeholders are $1, $2 and so on for each of some digests, and these as arguments.
func placeholders(some []content.Digest) (list string, args []any) {
	var out strings.Builder
	for i, d := range some {
		if i > 0 {
			out.WriteString(", ")
		}
		out.WriteString("$" + strconv.Itoa(i+1))
		args = append(args, d.String())
	}
	return out.String(), args
}

// Claim implements catalog.Removals. Where a chunk lies and whether that is unused is read
// by one statement: what is not noted as unused then has at least the time that notes are
// given, from later on. What is noted is renewed before it is looked for again.
func (c *Catalog) Claim(ctx context.Context, chunks []content.Digest) (map[content.Digest]catalog.Packed, error) {
	unused := map[content.Digest]bool{}
	for some := range slices.Chunk(chunks, locateAtOnce) {
		in, args := placeholders(some)
		found, err := list(ctx, c.read, scanText, `SELECT DISTINCT p.digest FROM chunks c JOIN packs p ON p.id = c.pack
			JOIN unused u ON u.object = p.digest WHERE c.digest IN (`+in+`)`, args...)
		if err != nil {
			return nil, err
		}
		for _, text := range found {
			pack, err := content.ParseDigest(text)
			if err != nil {
				return nil, err
			}
			unused[pack] = true
		}
	}
	packs := make([]content.Digest, 0, len(unused))
	for pack := range unused {
		packs = append(packs, pack)
	}
	if err := c.renew(ctx, packs); err != nil {
		return nil, err
	}
	return c.Locate(ctx, chunks)
}

func (c *Catalog) renew(ctx context.Context, objects []content.Digest) error {
	return c.each(ctx, objects, func(ctx context.Context, tx *sql.Tx, object string) error {
		_, err := tx.ExecContext(ctx, `UPDATE unused SET since = $1 WHERE object = $2 AND doomed = 0`, ms(time.Now()), object)
		return err
	})
}

// Renew implements catalog.Removals.
func (c *Catalog) Renew(ctx context.Context, objects []content.Digest) (doomed []content.Digest, err error) {
	noted, err := c.noted(ctx, objects, "")
	if err != nil || len(noted) == 0 {
		return nil, err
	}
	if err := c.renew(ctx, noted); err != nil {
		return nil, err
	}
	return c.noted(ctx, noted, " AND doomed = 1")
}

// noted lists those of some objects that are noted.
func (c *Catalog) noted(ctx context.Context, objects []content.Digest, which string) (out []content.Digest, err error) {
	for some := range slices.Chunk(objects, locateAtOnce) {
		in, args := placeholders(some)
		found, err := list(ctx, c.read, scanText, `SELECT object FROM unused WHERE object IN (`+in+`)`+which, args...)
		if err != nil {
			return nil, err
		}
		for _, text := range found {
			object, err := content.ParseDigest(text)
			if err != nil {
				return nil, err
			}
			out = append(out, object)
		}
	}
	return out, nil
}

// Uploading implements catalog.Removals.
func (c *Catalog) Uploading(ctx context.Context, object content.Digest) error {
	return c.each(ctx, []content.Digest{object}, func(ctx context.Context, tx *sql.Tx, object string) error {
		if err := refuseDoomed(ctx, tx, object); err != nil {
			return err
		}
		return noteUnused(ctx, tx, []string{object})
	})
}
