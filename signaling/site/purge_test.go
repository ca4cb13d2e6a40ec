package site_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Purges are for ever, and a message holds few of them.
func TestPurgeReachesWhoReturnsHoweverLate(t *testing.T) {
	onStand(t, func(s *stand) {
		const years = 10 * wire.MaxKeeping
		for i := range years {
			s.want.Purges = append(s.want.Purges, wire.Purge{Content: fmt.Sprintf("app-%d", i), Serial: 5})
		}
		s.want.Purges = append(s.want.Purges, wire.Purge{Content: "app-3", Version: "2", Serial: 9})
		s.order()
		till := s.join("till")
		has := func(list []wire.Purge, content string) bool {
			return slices.ContainsFunc(list, func(p wire.Purge) bool { return p.Content == content })
		}
		if got := last[wire.Flows](till).Purges; len(got) != wire.MaxKeeping || !has(got, fmt.Sprintf("app-%d", years-1)) {
			t.Errorf("told %d purges at first, want the newest %d", len(got), wire.MaxKeeping)
		}
		// It still has what was purged first, and something that was not.
		till.say(&wire.Stock{Spare: []wire.Spare{{Content: "app-0", Version: "1", Serial: 5}, {Content: "app-1", Version: "7", Serial: 6},
			{Content: "app-3", Version: "1", Serial: 4}, {Content: "app-3", Version: "2", Serial: 8}}})
		got := last[wire.Flows](till).Purges
		if len(got) != wire.MaxKeeping || !has(got, "app-0") || has(got, "app-1") {
			t.Errorf("told %+v, want the first, too, and not that of a version that came later", got)
		}
		n := 0
		for _, p := range got {
			if p.Content == "app-3" {
				n++
			}
		}
		if n != 2 {
			t.Errorf("told %d purges of app-3, want both: each is of another version", n)
		}
		till.say(&wire.Stock{Spare: []wire.Spare{{Content: "app-1", Version: "7", Serial: 6}}})
		if got := last[wire.Flows](till).Purges; has(got, "app-0") {
			t.Errorf("told %+v, want no more of what it deleted", got)
		}
		till.say(&wire.Stock{Room: 1, Spare: []wire.Spare{{Content: "app-1", Version: "7", Serial: 6}}})
		none[wire.Flows](till)
	})
}
