package engine

import (
	"maps"
	"slices"

	"github.com/sitecast/sitecast/signaling/wire"
)

// carried says what each link carried so far, of as many as fit in an answer.
func (e *Engine) carried() (out []wire.Carried) {
	for _, id := range slices.Sorted(maps.Keys(e.peers)) {
		if len(out) == wire.MaxCarried {
			break
		}
		l := e.peers[id]
		out = append(out, wire.Carried{Peer: id, Received: l.down.came(), Sent: l.up.gone()})
	}
	return out
}

// came is how many bytes of payload the peer sent so far, wanted or not.
func (r *receiver) came() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return int64(min(r.consumed, wire.MaxNumber))
}

// gone is how many bytes of payload the peer was sent so far.
func (u *uploader) gone() int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return int64(min(u.sent, wire.MaxNumber))
}
