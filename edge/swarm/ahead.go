package swarm

import (
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// AheadPatience is how long peers may take nothing before a fetcher stops waiting
// for them.
const AheadPatience = 3 * time.Second

// ahead knows what came from the origin and is in no other hands yet. It is lost
// with this endpoint, and would cross the WAN again.
type ahead struct {
	fresh  content.Bitmap // came from the origin
	bytes  int64          // of those that no peer holds
	shared uint64         // how many got their first other holder
	seen   uint64         // shared, when it was last looked
	since  time.Time      // when it had changed last
}

// hold counts a peer that comes to hold chunk i, or (by is -1) holds it no more.
func (s *Swarm) hold(i uint32, by int) {
	if s.ahead.fresh.Has(i) {
		switch {
		case by > 0 && s.holders[i] == 0:
			s.ahead.bytes -= int64(s.lengths[i])
			s.ahead.shared++
		case by < 0 && s.holders[i] == 1:
			s.ahead.bytes += int64(s.lengths[i])
		}
	}
	s.holders[i] = uint16(int(s.holders[i]) + by)
}

// came and went note that a chunk from the origin is held here, or no more.
func (a *ahead) came(i, length uint32, holders uint16) {
	a.fresh.Set(i)
	if holders == 0 {
		a.bytes += int64(length)
	}
}

func (a *ahead) went(i, length uint32, holders uint16) {
	if a.fresh.Has(i) {
		a.fresh.Clear(i)
		if holders == 0 {
			a.bytes -= int64(length)
		}
	}
}

// Ahead returns how many bytes this endpoint fetched from the origin that no peer
// holds yet, while peers take what it fetches: 0 when there is none to take it, when
// they have not begun, or when they took nothing for AheadPatience.
func (s *Swarm) Ahead(now time.Time) int64 {
	a := &s.ahead
	if a.shared != a.seen {
		a.seen, a.since = a.shared, now
	}
	if a.shared == 0 || now.Sub(a.since) >= AheadPatience {
		return 0
	}
	for _, p := range s.peers {
		if !p.relayed {
			return a.bytes
		}
	}
	return 0
}
