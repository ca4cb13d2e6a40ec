package relational

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sitecast/sitecast/storage/catalog"
)

// Networks implements catalog.Networks.
func (c *Catalog) Networks(ctx context.Context) ([]catalog.Network, error) {
	have, _, err := networks(ctx, c.read)
	if err != nil {
		return nil, fmt.Errorf("read the networks: %w", err)
	}
	return have, nil
}

// networks reads the map, and the ranges that each site was created with.
func networks(ctx context.Context, q querier) (have []catalog.Network, ranges map[string][]string, err error) {
	have, ranges = []catalog.Network{}, map[string][]string{}
	err = each(ctx, q, `SELECT name, cidrs FROM sites`, func(rows *sql.Rows) error {
		var s catalog.Site
		var text string
		if err := rows.Scan(&s.Name, &text); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(text), &s.CIDRs); err != nil {
			return err
		}
		ranges[s.Name] = s.CIDRs
		have = append(have, s.LANs()...)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	err = each(ctx, q, `SELECT cidr, kind, site FROM networks`, func(rows *sql.Rows) error {
		var n catalog.Network
		err := rows.Scan(&n.CIDR, &n.Kind, &n.Site)
		have = append(have, n)
		return err
	})
	slices.SortFunc(have, catalog.Network.Order)
	return slices.Compact(have), ranges, err
}

// each calls do for each row of a query.
func each(ctx context.Context, q querier, query string, do func(*sql.Rows) error) error {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// ChangeNetworks implements catalog.Networks.
func (c *Catalog) ChangeNetworks(ctx context.Context, by string, remove, add []catalog.Network) (merged []catalog.Network, err error) {
	action, target, detail := "change networks", "the map", fmt.Sprintf("%d put in, %d taken out", len(add), len(remove))
	switch {
	case len(add) == 1 && len(remove) == 0:
		action, target, detail = "set network", add[0].CIDR, add[0].Kind+" of "+add[0].Site
	case len(remove) == 1 && len(add) == 0:
		action, target, detail = "remove network", remove[0].CIDR, remove[0].Kind+" of "+remove[0].Site
	}
	err = c.change(ctx, by, action, target, detail, func(ctx context.Context, tx *sql.Tx) error {
		have, ranges, err := networks(ctx, tx)
		if err != nil {
			return err
		}
		var wrong []*catalog.NetworkError
		merged, wrong = catalog.MergeNetworks(have, remove, add)
		for _, n := range add {
			if _, known := ranges[n.Site]; !known {
				wrong = append(wrong, &catalog.NetworkError{Network: n, Err: fmt.Errorf("site %s: %w", n.Site, catalog.ErrNotFound)})
			}
		}
		if len(wrong) > 0 {
			return catalog.WrongNetworks(wrong)
		}
		before := make(map[catalog.Network]bool, len(have))
		for _, n := range have {
			before[n] = true
		}
		if err := takeOut(ctx, tx, remove, ranges); err != nil {
			return err
		}
		for _, n := range remove {
			delete(before, n)
		}
		var fresh []catalog.Network
		for _, n := range merged {
			if !before[n] {
				fresh = append(fresh, n)
			}
		}
		return putIn(ctx, tx, fresh)
	})
	return merged, err
}

// takeOut deletes networks, also where a site was created with them.
func takeOut(ctx context.Context, tx *sql.Tx, remove []catalog.Network, ranges map[string][]string) error {
	for _, n := range remove {
		if _, err := tx.ExecContext(ctx, `DELETE FROM networks WHERE cidr = $1 AND kind = $2 AND site = $3`, n.CIDR, n.Kind, n.Site); err != nil {
			return err
		}
		if n.Kind != catalog.NetworkLAN {
			continue
		}
		left := slices.DeleteFunc(slices.Clone(ranges[n.Site]), func(text string) bool {
			p, err := netip.ParsePrefix(text)
			return err == nil && p.Masked().String() == n.CIDR
		})
		if len(left) == len(ranges[n.Site]) {
			continue
		}
		ranges[n.Site] = left
		text, err := listText(left)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE sites SET cidrs = $1 WHERE name = $2`, text, n.Site); err != nil {
			return err
		}
	}
	return nil
}

// rowsAtOnce is how many networks one statement puts in: a map of many thousands is
// not to take a round trip to the database for each.
const rowsAtOnce = 500

func putIn(ctx context.Context, tx *sql.Tx, add []catalog.Network) error {
	for part := range slices.Chunk(add, rowsAtOnce) {
		var rows []string
		var args []any
		for i, n := range part {
			rows = append(rows, fmt.Sprintf("($%d, $%d, $%d)", 3*i+1, 3*i+2, 3*i+3))
			args = append(args, n.CIDR, n.Kind, n.Site)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO networks (cidr, kind, site) VALUES `+strings.Join(rows, ", "), args...); err != nil {
			return err
		}
	}
	return nil
}

// flag is how a yes or no is kept.
func flag(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
