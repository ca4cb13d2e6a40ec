package rtc

import (
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	// offerEvery is how often a peer may offer a link in the long run, and offerBurst
	// how often at once. Each offer that is taken costs a connection.
	offerEvery = time.Second
	offerBurst = 5
	// maxTurns is when those who offered nothing lately are forgotten.
	maxTurns = 1024
)

// turns spreads the offers of each peer. A value is when the peer has used up its
// turns: a peer without one, or with one that has passed, has them all.
type turns struct{ used map[wire.EndpointID]time.Time }

// take reports whether the peer may offer now, and counts it.
func (t *turns) take(peer wire.EndpointID, now time.Time) bool {
	until := t.used[peer]
	if until.Before(now) {
		until = now
	}
	if until.Sub(now) > (offerBurst-1)*offerEvery {
		return false
	}
	if t.used == nil {
		t.used = map[wire.EndpointID]time.Time{}
	}
	if len(t.used) >= maxTurns {
		for id, at := range t.used {
			if at.Before(now) {
				delete(t.used, id)
			}
		}
	}
	t.used[peer] = until.Add(offerEvery)
	return true
}
