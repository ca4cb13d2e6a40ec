package relational

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// locateAtOnce is how many chunks one query asks for.
const locateAtOnce = 500

// AddPack implements catalog.Catalog.
func (c *Catalog) AddPack(ctx context.Context, pack content.Digest, chunks []catalog.Packed) error {
	return c.transact(ctx, func(ctx context.Context, tx *sql.Tx) error { return addPack(ctx, tx, pack, chunks) })
}

func addPack(ctx context.Context, tx *sql.Tx, pack content.Digest, chunks []catalog.Packed) error {
	if err := refuseDoomed(ctx, tx, pack.String()); err != nil {
		return err
	}
	var id, bytes int64
	for _, p := range chunks {
		bytes += int64(p.Length)
	}
	err := tx.QueryRowContext(ctx, `INSERT INTO packs (id, digest, bytes) SELECT COALESCE(MAX(id), 0) + 1, $1, $2 FROM packs WHERE true
		ON CONFLICT (digest) DO NOTHING RETURNING id`, pack.String(), bytes).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // it was added before
	}
	if err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, `INSERT INTO chunks (digest, plain, pack, start, length, encoding)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (digest) DO NOTHING`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, p := range chunks {
		if _, err := insert.ExecContext(ctx, p.Digest.String(), p.Chunk.Length, id, p.Offset, p.Length, p.Encoding); err != nil {
			return err
		}
	}
	return nil
}

// HasPack implements catalog.Catalog.
func (c *Catalog) HasPack(ctx context.Context, pack content.Digest) (has bool, err error) {
	err = c.read.QueryRowContext(ctx, `SELECT COUNT(*) > 0 FROM packs WHERE digest = $1`, pack.String()).Scan(&has)
	return has, err
}

// Locate implements catalog.Catalog.
func (c *Catalog) Locate(ctx context.Context, chunks []content.Digest) (map[content.Digest]catalog.Packed, error) {
	out := make(map[content.Digest]catalog.Packed, len(chunks))
	for some := range slices.Chunk(chunks, locateAtOnce) {
		var query strings.Builder
		query.WriteString(`SELECT c.digest, c.plain, p.digest, c.start, c.length, c.encoding FROM chunks c
			JOIN packs p ON p.id = c.pack WHERE c.digest IN (`)
		args := make([]any, len(some))
		for i, d := range some {
			if i > 0 {
				query.WriteString(", ")
			}
			query.WriteString("$" + strconv.Itoa(i+1))
			args[i] = d.String()
		}
		query.WriteString(")")
		found, err := list(ctx, c.read, scanPacked, query.String(), args...)
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			out[p.Digest] = p
		}
	}
	return out, nil
}

func scanPacked(rows *sql.Rows) (p catalog.Packed, err error) {
	var chunk, pack string
	if err := rows.Scan(&chunk, &p.Chunk.Length, &pack, &p.Offset, &p.Length, &p.Encoding); err != nil {
		return p, err
	}
	if p.Digest, err = content.ParseDigest(chunk); err == nil {
		p.Pack, err = content.ParseDigest(pack)
	}
	return p, err
}
