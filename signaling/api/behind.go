package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/policy"
)

// pageOf is a page of a list that was read whole, because it is short in most organisations
// and bounded in all. It is in the order of the keys, of which no two are the same.
func pageOf[T any](ctx context.Context, all []T, q PageAfter, key func(T) string) *listed[T] {
	slices.SortFunc(all, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	from, _ := slices.BinarySearchFunc(all, q.After, func(row T, after string) int {
		if key(row) <= after {
			return -1
		}
		return 1
	})
	rest := all[from:]
	if len(rest) > q.Limit {
		return page(ctx, rest[:q.Limit], q.Limit, "after", key)
	}
	return &listed[T]{Body: append([]T{}, rest...)}
}

// maxKeyName bounds what of a name is in a key that has more to tell rows apart by.
const maxKeyName = 200

// Keys by which lists go on.
func tokenKey(t TokenView) string           { return t.Name[:min(len(t.Name), maxKeyName)] + "/" + t.ID }
func operatorKey(o catalog.Operator) string { return o.Name }
func proposalKey(p catalog.Proposal) string { return fmt.Sprintf("%019d", p.ID) }
func tagKey(t policy.Tagged) string         { return t.Name }
func networkKey(n catalog.Network) string   { return n.Kind + " " + n.CIDR + " " + n.Site }

func settingKey(s policy.Setting) string { return string(s.Level) + " " + s.Subject + "/" + s.Key }
