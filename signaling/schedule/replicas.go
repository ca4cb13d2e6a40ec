package schedule

import (
	"cmp"
	"hash/fnv"
	"math"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// ReturnPatience is how long a copy counts after its holder left, if that is usually
// on: a repair or a cable is no reason to fetch the version again. ShortPatience, which
// a restart takes, is enough for others, who mostly leave for hours, and where somebody
// at the site has the version, too: another copy costs only the LAN. With both it is
// not waited at all.
const (
	ReturnPatience = 10 * time.Minute
	ShortPatience  = 2 * time.Minute
)

// usuallyOn is the share of the time from which an endpoint is usually on: a copy
// there is one to rely on, and when it leaves it is thought to return soon. It is
// what is thought of an endpoint that nothing is known of, so that a new site does
// not take all of its endpoints for guests.
const usuallyOn = firstShare

// UsuallyOn reports whether an endpoint with such a share of the time on ([Uptime])
// is usually on.
func UsuallyOn(share float64) bool { return share >= usuallyOn }

// RoomUnknown is the room of an endpoint that did not say.
const RoomUnknown = -1

// Replica is an endpoint that may hold a copy of a version.
type Replica struct {
	ID     wire.EndpointID
	On     bool      // it is online
	Left   time.Time // when it left, unless it is on
	Share  float64   // of the time that it is on, see Uptime
	Room   int64     // bytes of versions that it would admit, or RoomUnknown
	Holds  bool      // all of it
	Chosen bool      // it was chosen before
	Unfit  bool      // it can't take it: it said so, or it is a browser
}

// Counts reports whether a copy at r, there or on its way, is one of those wanted, of
// all that may be at the site.
func (r Replica) Counts(now time.Time, all []Replica) bool {
	if !r.Chosen || r.Unfit {
		return false
	}
	patience := ReturnPatience
	switch lent := slices.ContainsFunc(all, Replica.lends); {
	case lent && !UsuallyOn(r.Share):
		patience = 0
	case lent || !UsuallyOn(r.Share):
		patience = ShortPatience
	}
	return r.On || now.Sub(r.Left) < patience
}

// lends reports whether others can get the version of r.
func (r Replica) lends() bool { return r.Holds && r.On }

// Replicas chooses who of a site holds one of n copies of a version of some bytes.
// Who was chosen stays so, until it was away for longer than a return takes; a copy that
// is not complete yet gives way to one that is there. Gaps are filled by those who hold
// it anyway, then by those who are usually on, and among about as good ones by those
// with more room. Where more than n were chosen nobody is released before n others have
// all of it.
func Replicas(now time.Time, id content.VersionID, n int, bytes int64, all []Replica) []wire.EndpointID {
	ranked := slices.Clone(all)
	slices.SortFunc(ranked, func(a, b Replica) int {
		return cmp.Or(holder(b)-holder(a), cmp.Compare(often(b), often(a)), cmp.Compare(roomy(b, bytes), roomy(a, bytes)),
			cmp.Compare(lot(id, b.ID), lot(id, a.ID)))
	})
	var chosen, begun []Replica
	whole := 0
	for _, r := range ranked {
		switch {
		case !r.Counts(now, all):
		case !r.Holds:
			begun = append(begun, r)
		default:
			chosen = append(chosen, r)
			if r.On {
				whole++
			}
		}
	}
	for _, r := range ranked {
		if r.lends() && !r.Chosen && !r.Unfit && len(chosen) < n {
			chosen = append(chosen, r)
			whole++
		}
	}
	chosen = append(chosen, begun...)
	for _, r := range ranked {
		if len(chosen) >= n {
			break
		}
		if fits := r.Room == RoomUnknown || r.Room >= bytes; r.On && !r.Holds && !r.Chosen && !r.Unfit && fits {
			chosen = append(chosen, r)
		}
	}
	// The last in rank goes first.
	for i := len(chosen) - 1; i >= 0 && len(chosen) > n; i-- {
		r := chosen[i]
		if !r.Holds || whole > n {
			chosen = slices.Delete(chosen, i, i+1)
			if r.lends() {
				whole--
			}
		}
	}
	out := make([]wire.EndpointID, len(chosen))
	for i, r := range chosen {
		out[i] = r.ID
	}
	return out
}

func holder(r Replica) int {
	if r.Holds {
		return 1
	}
	return 0
}

// often puts shares into tenths: a difference of less says little.
func often(r Replica) int { return int(r.Share * 10) }

// roomy counts how many times the version would fit, in powers of two: what is
// placed spreads over those with room, and does not follow every byte.
func roomy(r Replica, bytes int64) int {
	if r.Room == RoomUnknown {
		return -1
	}
	return int(math.Log2(float64(r.Room)/float64(max(bytes, 1)) + 1))
}

// lot spreads versions over endpoints that are equally good.
func lot(id content.VersionID, e wire.EndpointID) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(id[:])
	_, _ = h.Write([]byte(e))
	x := h.Sum64() // whose high bits hardly depend on the last bytes
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	return x ^ x>>33
}
