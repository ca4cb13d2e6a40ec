package swarm

import (
	"slices"
	"time"
)

// How peers are judged. A peer is measured against its own best: what is slow for
// one link is all that another will ever do.
const (
	// StallAfter is the least silence after which a peer that owes chunks is
	// stalled; stallTrips round trips are, where those take longer.
	StallAfter = 3 * time.Second
	stallTrips = 8
	// slowPart: a peer under 1/slowPart of its best rate is slow.
	slowPart = 4
	// maxPatience bounds the silence that any peer is allowed.
	maxPatience = time.Minute
	// busyPatience is the silence allowed about one version while the peer
	// delivers others: it may serve more urgent ones first, but owes every class
	// one byte in twenty.
	busyPatience = 30 * time.Second
	// The first hold-offs; each doubles from strike to strike up to maxHoldOff.
	stallHoldOff  = 5 * time.Second
	busyHoldOff   = time.Second
	refuseHoldOff = 250 * time.Millisecond
	maxHoldOff    = 2 * time.Minute
	// trialBytes is the window of a peer with strikes, and the least of a slow one.
	trialBytes = 64 << 10
	// lateEvery is how often what a slow peer owes is looked through.
	lateEvery = 500 * time.Millisecond
)

// strike leaves the peer alone for a while, longer each time. What comes during
// the hold-off belongs to the strike that began it.
func (p *peer) strike(now time.Time, first time.Duration) {
	if now.Before(p.holdOff) {
		return
	}
	p.holdOff = now.Add(min(first<<min(p.strikes, 10), maxHoldOff))
	p.strikes++
}

// patience is how long the peer may be silent while it owes something. As only
// whole chunks count, a peer whose best rate brings less than a chunk in that
// time gets the time in which a quarter of its best would. One with strikes gets
// more from trial to trial, so that a link that became slow is not given up.
func (s *Swarm) patience(p *peer) time.Duration {
	d := max(StallAfter, stallTrips*p.trip) << min(p.strikes, 4)
	if p.best > 0 {
		chunk := min(slowPart*float64(s.longest)/p.best, maxPatience.Seconds())
		d = max(d, time.Duration(chunk*float64(time.Second)))
	}
	return min(d, maxPatience)
}

// stallsAt is when the peer is stalled if nothing comes of it.
func (s *Swarm) stallsAt(now time.Time, p *peer) time.Time {
	at := p.heard.Add(s.patience(p))
	if idle := p.load.heard.Add(StallAfter); p.load.heard.After(p.heard) && now.Before(idle) {
		// It delivers other versions, so it is not dead.
		busy := p.heard.Add(busyPatience)
		if busy.After(idle) {
			busy = idle
		}
		if busy.After(at) {
			at = busy
		}
	}
	return at
}

// replace frees what a stalled peer owes, or what a slow one has owed for too
// long, so that the same Plan asks it of others.
func (s *Swarm) replace(now time.Time, p *peer) (cancel []uint32) {
	switch {
	case p.owed == 0:
		return nil
	case !now.Before(s.stallsAt(now, p)):
		for i := range p.wants {
			cancel = append(cancel, i)
		}
		p.rate /= 4
		p.strike(now, stallHoldOff)
	case !now.Before(p.lateAt) && s.slow(now, p):
		p.lateAt = now.Add(lateEvery)
		cancel = s.late(now, p)
	default:
		return nil
	}
	slices.Sort(cancel)
	for _, i := range cancel {
		s.settle(p, i)
		s.reconsider(i)
	}
	return cancel
}

// late returns what a slow peer has owed for longer than it may be silent and
// another direct peer could bring now; but not the oldest, which is under way.
func (s *Swarm) late(now time.Time, p *peer) (late []uint32) {
	oldest, limit := now, s.patience(p)
	for _, since := range p.wants {
		if since.Before(oldest) {
			oldest = since
		}
	}
	kept := false
	for i, since := range p.wants {
		if !kept && since.Equal(oldest) {
			kept = true
			continue
		}
		if now.Sub(since) < limit {
			continue
		}
		for _, id := range s.order {
			q := s.peers[id]
			if q != p && !q.relayed && q.has.Has(i) && s.room(now, q) > 0 && !s.slow(now, q) {
				late = append(late, i)
				break
			}
		}
	}
	return late
}

// slow reports whether the peer delivers under a quarter of its best rate.
func (s *Swarm) slow(now time.Time, p *peer) bool {
	return p.best > 0 && s.pace(now, p) < p.best/slowPart
}

// pace is the peer's rate, or less when it has delivered less since it was last
// measured, with a chunk that may be about to be whole counted in.
func (s *Swarm) pace(now time.Time, p *peer) float64 {
	span := now.Sub(p.periodStart)
	if p.owed == 0 || span < time.Second {
		return p.rate
	}
	return min(p.rate, float64(p.periodBytes+int64(s.longest))/span.Seconds())
}

// delivered measures the peer's rate and round trip, and forgives half its strikes.
func (p *peer) delivered(now time.Time, n uint32) {
	if !p.askedAt.IsZero() {
		// From the first want of a peer that owed nothing to a whole chunk takes a
		// round trip at least; the least of these bounds it.
		if trip := now.Sub(p.askedAt); p.trip == 0 || trip < p.trip {
			p.trip = trip
		}
		p.askedAt = time.Time{}
	}
	p.heard, p.load.heard = now, now
	if p.strikes /= 2; p.strikes == 0 {
		p.holdOff = time.Time{}
	}
	p.periodBytes += int64(n)
	span := now.Sub(p.periodStart)
	if span < rateTime {
		return
	}
	rate := float64(p.periodBytes) / span.Seconds()
	if p.rate == 0 {
		p.rate = rate
	} else {
		p.rate += (rate - p.rate) * float64(span) / float64(span+3*rateTime) // a long period says more
	}
	p.best = max(p.best, p.rate)
	p.periodBytes, p.periodStart = 0, now
}

// room is how many more bytes may be asked of the peer now.
func (s *Swarm) room(now time.Time, p *peer) int64 {
	if now.Before(p.holdOff) {
		return 0
	}
	// Two round trips' worth lets a rate that the window itself keeps down grow.
	window := int64(s.pace(now, p) * (windowTime + 2*p.trip).Seconds())
	switch {
	case p.strikes > 0:
		window = trialBytes
	case s.slow(now, p):
		window = max(window, trialBytes)
	default:
		window = max(window, MinWindowBytes)
	}
	return min(window, MaxWindowBytes, p.load.share(s.class, p.owed > 0)) - p.owed
}
