//go:build linux

// Package gridtest holds what is true of every grid.
package gridtest

import (
	"slices"
	"testing"

	"github.com/sitecast/sitecast/e2e/bench/grid"
)

// ShortSetHoldsEachValue checks that the short set is of the grid, and lacks no value.
func ShortSetHoldsEachValue(t *testing.T, g grid.Grid) {
	t.Helper()
	all := g.Full()
	for _, c := range g.Short {
		if !slices.Contains(all, c) {
			t.Errorf("%v is not in the grid", c)
		}
	}
	for _, c := range all {
		has := func(same func(grid.Cell) bool) bool { return slices.ContainsFunc(g.Short, same) }
		if !has(func(s grid.Cell) bool { return s.Mbit == c.Mbit }) || !has(func(s grid.Cell) bool { return s.RTT == c.RTT }) ||
			!has(func(s grid.Cell) bool { return s.Loss == c.Loss }) {
			t.Errorf("the short set lacks a value of %v", c)
		}
	}
}
