package main

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// Placement is a way to choose who holds copies.
type Placement struct {
	Name  string
	Place Place
}

// Placements are compared. All keep who was chosen for as long as it is on, or was a
// moment ago, and none takes who has no room.
var Placements = []Placement{{"random", random}, {"most room", mostRoom}, {"sitecast", ours}}

func ours(_ *rand.Rand, now time.Time, id content.VersionID, n int, bytes int64, all []schedule.Replica) []wire.EndpointID {
	return schedule.Replicas(now, id, n, bytes, all)
}

// fill keeps who was chosen and takes the next in the order of all.
func fill(now time.Time, n int, bytes int64, all []schedule.Replica) (out []wire.EndpointID) {
	for _, r := range all {
		if r.Counts(now, all) {
			out = append(out, r.ID)
		}
	}
	for _, r := range all {
		if len(out) < n && !r.Chosen && r.On && (r.Holds || r.Room >= bytes) {
			out = append(out, r.ID)
		}
	}
	return out
}

func random(rng *rand.Rand, now time.Time, _ content.VersionID, n int, bytes int64, all []schedule.Replica) []wire.EndpointID {
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return fill(now, n, bytes, all)
}

func mostRoom(_ *rand.Rand, now time.Time, _ content.VersionID, n int, bytes int64, all []schedule.Replica) []wire.EndpointID {
	slices.SortFunc(all, func(a, b schedule.Replica) int { return cmp.Compare(b.Room, a.Room) })
	return fill(now, n, bytes, all)
}
