package schedule

import (
	"cmp"
	"math"
	"slices"
)

const (
	// contentPart of what a site may take is what it takes at least where it would take more.
	contentPart = 0.8
	// roomPart is by how much a site that takes less may take more than it does, so that it is
	// seen when it would, and not taken for that by what it measures.
	roomPart = 1.5
	// floorParts: a site may take an eighth of an equal part at least, whatever it took.
	floorParts = 8
)

// Draw is what a site takes of a budget that many share, in bytes per second.
type Draw struct {
	Held    int64   // what it may take
	Used    float64 // what it takes
	Settled bool    // it may for so long that what it takes is what it can
}

// most is the most that a site is thought to take, given how much an equal part is.
func (d Draw) most(equal int64) int64 {
	if !d.Settled || d.Used >= contentPart*float64(d.Held) {
		return math.MaxInt64
	}
	return max(int64(d.Used*roomPart), equal/floorParts)
}

// Divide divides a budget over those who draw on it: equally, but what one leaves is for the
// others. The sum is the budget at most.
func Divide(budget int64, draws []Draw) []int64 {
	n := int64(len(draws))
	if n == 0 {
		return nil
	}
	out, order := make([]int64, n), make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(draws[a].most(budget/n), draws[b].most(budget/n))
	})
	rest := budget
	for k, i := range order {
		out[i] = min(rest/(n-int64(k)), draws[i].most(budget/n))
		rest -= out[i]
	}
	for i := range out { // nobody wants it now, and who does next need not wait for it
		out[i] += rest / n
	}
	return out
}
