package relational

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

const (
	// tallyRows is how many endpoints are looked up at once: parameters are bounded, and on a
	// database that is not on this machine each statement is a way there and back.
	tallyRows = 200
	// daysAtOnce is how many rows one statement writes. SQLite looks for the name of each of its
	// parameters among all others, so that many take more time than as many statements do:
	// BenchmarkCountDaily takes 0.1 ms for an endpoint with 16, and 0.3 ms with 200.
	daysAtOnce = 16
)

// countedKey is who received what.
type countedKey struct {
	endpoint string
	version  content.VersionID
}

// dailyKey is what is summed up.
type dailyKey struct{ day, site, content string }

// CountDaily implements catalog.Catalog.
func (c *Catalog) CountDaily(ctx context.Context, tallies []catalog.Tally) error {
	if len(tallies) == 0 {
		return nil
	}
	err := c.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for len(tallies) > 0 {
			n := min(len(tallies), tallyRows)
			if err := countDaily(ctx, tx, tallies[:n]); err != nil {
				return err
			}
			tallies = tallies[n:]
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("count what was received: %w", err)
	}
	return nil
}

func countDaily(ctx context.Context, tx *sql.Tx, tallies []catalog.Tally) error {
	counted, err := readCounted(ctx, tx, tallies)
	if err != nil {
		return err
	}
	sums := map[dailyKey]*catalog.Sums{}
	var changed []countedKey
	var days []dailyKey
	fresh := map[countedKey]bool{}
	for _, t := range tallies {
		key := countedKey{t.Endpoint, t.Version}
		add, next := counted[key].Count(t)
		if next == counted[key] {
			continue
		}
		counted[key] = next
		if !fresh[key] {
			fresh[key] = true
			changed = append(changed, key)
		}
		if add.Endpoints > 0 {
			first, err := deliver(ctx, tx, t)
			if err != nil {
				return err
			}
			if first {
				add.Once = add.Needed
			}
		}
		if add == (catalog.Sums{}) {
			continue
		}
		day := dailyKey{t.Day, t.Site, t.Content}
		if sums[day] == nil {
			sums[day] = &catalog.Sums{}
			days = append(days, day)
		}
		sums[day].Add(add)
	}
	if err := writeCounted(ctx, tx, changed, counted); err != nil {
		return err
	}
	return writeDaily(ctx, tx, days, sums)
}

// deliver notes that a version is at a site and reports whether it was not before.
func deliver(ctx context.Context, tx *sql.Tx, t catalog.Tally) (bool, error) {
	res, err := tx.ExecContext(ctx, `INSERT INTO delivered (version, site) VALUES ($1, $2) ON CONFLICT DO NOTHING`, t.Version.String(), t.Site)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

func readCounted(ctx context.Context, tx *sql.Tx, tallies []catalog.Tally) (map[countedKey]catalog.Counted, error) {
	var endpoints, versions []string
	for _, t := range tallies {
		endpoints, versions = append(endpoints, t.Endpoint), append(versions, t.Version.String())
	}
	var of clause
	of.within("endpoint IN (?)", slices.Compact(slices.Sorted(slices.Values(endpoints))))
	of.within("version IN (?)", slices.Compact(slices.Sorted(slices.Values(versions))))
	rows, err := tx.QueryContext(ctx, `SELECT endpoint, version, origin, peer, relay, reused, wan, complete, heard FROM counted`+of.where(), of.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[countedKey]catalog.Counted{}
	for rows.Next() {
		var key countedKey
		var version string
		var n catalog.Counted
		var complete int
		var heard int64
		if err := rows.Scan(&key.endpoint, &version, &n.Origin, &n.Peer, &n.Relay, &n.Reused, &n.WAN, &complete, &heard); err != nil {
			return nil, err
		}
		if err := key.version.UnmarshalText([]byte(version)); err != nil {
			return nil, err
		}
		n.Complete, n.At = complete == 1, at(heard)
		out[key] = n
	}
	return out, rows.Err()
}

func writeCounted(ctx context.Context, tx *sql.Tx, keys []countedKey, counted map[countedKey]catalog.Counted) error {
	var rows tuples
	for _, key := range keys {
		n := counted[key]
		complete := 0
		if n.Complete {
			complete = 1
		}
		rows.add(key.endpoint, key.version.String(), n.Origin, n.Peer, n.Relay, n.Reused, n.WAN, complete, ms(n.At))
	}
	return rows.exec(ctx, tx, `INSERT INTO counted (endpoint, version, origin, peer, relay, reused, wan, complete, heard) VALUES `,
		` ON CONFLICT (endpoint, version) DO UPDATE SET origin = excluded.origin, peer = excluded.peer, relay = excluded.relay,
		reused = excluded.reused, wan = excluded.wan, complete = excluded.complete, heard = excluded.heard`)
}

const (
	dailyColumns = `day, site, content, endpoints, origin, peer, relay, reused, wan, alone, needed, once`
	// dailySums are the sums as columns of a query.
	dailySums = `CAST(SUM(endpoints) AS BIGINT), CAST(SUM(origin) AS BIGINT), CAST(SUM(peer) AS BIGINT), CAST(SUM(relay) AS BIGINT), CAST(SUM(reused) AS BIGINT),
		CAST(SUM(wan) AS BIGINT), CAST(SUM(alone) AS BIGINT), CAST(SUM(needed) AS BIGINT), CAST(SUM(once) AS BIGINT)`
	dailyAdd = ` ON CONFLICT (day, site, content) DO UPDATE SET endpoints = daily.endpoints + excluded.endpoints, origin = daily.origin + excluded.origin,
		peer = daily.peer + excluded.peer, relay = daily.relay + excluded.relay, reused = daily.reused + excluded.reused, wan = daily.wan + excluded.wan,
		alone = daily.alone + excluded.alone, needed = daily.needed + excluded.needed, once = daily.once + excluded.once`
)

func writeDaily(ctx context.Context, tx *sql.Tx, keys []dailyKey, sums map[dailyKey]*catalog.Sums) error {
	var rows tuples
	for _, key := range keys {
		s := sums[key]
		rows.add(key.day, key.site, key.content, s.Endpoints, s.Origin, s.Peer, s.Relay, s.Reused, s.WAN, s.Alone, s.Needed, s.Once)
	}
	return rows.exec(ctx, tx, `INSERT INTO daily (`+dailyColumns+`) VALUES `, dailyAdd)
}

// tuples are rows to be written.
type tuples [][]any

func (t *tuples) add(row ...any) { *t = append(*t, row) }

// exec writes them, some at a time.
func (t tuples) exec(ctx context.Context, tx *sql.Tx, before, behind string) error {
	for rows := range slices.Chunk(t, daysAtOnce) {
		var args []any
		text := make([]string, len(rows))
		for i, row := range rows {
			numbers := make([]string, len(row))
			for j := range row {
				numbers[j] = "$" + strconv.Itoa(len(args)+j+1)
			}
			args = append(args, row...)
			text[i] = "(" + strings.Join(numbers, ", ") + ")"
		}
		if _, err := tx.ExecContext(ctx, before+strings.Join(text, ", ")+behind, args...); err != nil {
			return err
		}
	}
	return nil
}

// TidyDaily implements catalog.Catalog.
func (c *Catalog) TidyDaily(ctx context.Context, oldest, before string, contents int, silent time.Time) error {
	err := c.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, forget := range []struct {
			query string
			args  []any
		}{
			{`DELETE FROM daily WHERE day < $1`, []any{oldest}},
			{`DELETE FROM counted WHERE version NOT IN (SELECT id FROM versions WHERE head <> '')`, nil},
			{`DELETE FROM delivered WHERE version NOT IN (SELECT id FROM versions WHERE head <> '')`, nil},
			{`DELETE FROM counted WHERE heard < $1 AND endpoint NOT IN (SELECT id FROM endpoints)`, []any{ms(silent)}},
		} {
			if _, err := tx.ExecContext(ctx, forget.query, forget.args...); err != nil {
				return err
			}
		}
		return fold(ctx, tx, before, contents)
	})
	if err != nil {
		return fmt.Errorf("tidy what was received on each day: %w", err)
	}
	return nil
}

// fold sums up the smallest contents where there are many.
func fold(ctx context.Context, tx *sql.Tx, before string, contents int) error {
	many, err := list(ctx, tx, func(r *sql.Rows) (key dailyKey, err error) {
		err = r.Scan(&key.day, &key.site)
		return key, err
	}, `SELECT day, site FROM daily WHERE day < $1 AND content <> $2 GROUP BY day, site HAVING COUNT(*) > $3 ORDER BY day, site LIMIT $4`,
		before, catalog.OtherContents, contents, catalog.MaxPage)
	if err != nil {
		return err
	}
	const smallest = ` WHERE day = $1 AND site = $2 AND content IN (SELECT content FROM daily WHERE day = $1 AND site = $2 AND content <> $3
		ORDER BY origin + peer + relay + reused DESC, content LIMIT 1000000000 OFFSET $4)`
	for _, key := range many {
		args := []any{key.day, key.site, catalog.OtherContents, contents}
		if _, err := tx.ExecContext(ctx, `INSERT INTO daily (`+dailyColumns+`) SELECT day, site, CAST($3 AS TEXT), `+dailySums+` FROM daily`+smallest+
			` GROUP BY day, site`+dailyAdd, args...); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM daily`+smallest, args...); err != nil {
			return err
		}
	}
	return nil
}

// reportKeys are the columns that days are put together by.
var reportKeys = map[string]string{catalog.ByDay: "day", catalog.BySite: "site", catalog.ByContent: "content", catalog.ByAll: "'" + catalog.ByAll + "'"}

// Report implements catalog.Catalog.
func (c *Catalog) Report(ctx context.Context, q catalog.ReportQuery) ([]catalog.ReportRow, error) {
	key := reportKeys[q.By]
	if key == "" {
		return nil, fmt.Errorf("days can't be put together by %.20q", q.By)
	}
	var where clause
	where.add("day >= ?", q.From)
	where.add("day <= ?", q.To)
	if q.Sites != nil {
		if len(q.Sites) == 0 {
			return []catalog.ReportRow{}, nil
		}
		where.within("site IN (?)", q.Sites)
	}
	where.equal("content", q.Content)
	if q.After != "" {
		where.add(key+" > ?", q.After)
	}
	group, columns, limit := key, key+", ''", ""
	if q.PerSite {
		if q.UpTo != "" {
			where.add(key+" <= ?", q.UpTo)
		}
		group, columns = key+", site", key+", site"
	}
	if q.By == catalog.ByAll {
		if group = "1 = 1"; q.PerSite {
			group = "site"
		}
	}
	text := `SELECT ` + columns + `, ` + dailySums + ` FROM daily` + where.where() + ` GROUP BY ` + group + ` ORDER BY 1, 2`
	if !q.PerSite {
		where.args = append(where.args, page(q.Limit))
		limit = ` LIMIT $` + strconv.Itoa(len(where.args))
	}
	rows, err := list(ctx, c.read, func(r *sql.Rows) (row catalog.ReportRow, err error) {
		err = r.Scan(&row.Key, &row.Site, &row.Endpoints, &row.Origin, &row.Peer, &row.Relay, &row.Reused, &row.WAN, &row.Alone, &row.Needed, &row.Once)
		return row, err
	}, text+limit, where.args...)
	if err != nil {
		return nil, fmt.Errorf("read what was received: %w", err)
	}
	return rows, nil
}
