package site_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// A page is told what is blocked of the contents that its token names, and of nothing else.
func TestAPageIsToldOfBlocksOfWhatItNames(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.found("a", a)
		s.order(a)
		tab := s.visit("tab", "a")
		till := s.join("till")
		s.want.Purges = []wire.Purge{
			{Content: "a", Version: "1", Serial: wire.MaxNumber, Why: "ann blocked it", Block: true},
			{Content: "b", Serial: wire.MaxNumber, Why: "ann blocked it", Block: true},
			{Content: "a", Serial: 1, Why: "ann purged a"},
		}
		s.order()
		s.pass(time.Second)
		if got, want := last[wire.Flows](tab).Purges, []wire.Purge{{Content: "a", Version: "1", Serial: wire.MaxNumber, Block: true}}; !slices.Equal(got, want) {
			t.Errorf("a page that names a is told %+v, want %+v", got, want)
		}
		if got := last[wire.Flows](till).Purges; len(got) != 3 {
			t.Errorf("an agent is told %+v, want all three", got)
		}
	})
}
