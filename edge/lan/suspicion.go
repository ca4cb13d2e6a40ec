package lan

import (
	"math"
	"time"
)

const (
	// slowLAN is what counts as slow: less than 100 Mbit/s, in bytes per second.
	slowLAN = 100e6 / 8
	// lookSpan is how long uploads are looked at before they are judged.
	lookSpan = time.Second
	// slowSpans is how many spans in a row must be slow.
	slowSpans = 2
	// standing is a queue that never went away within a span. Loss-based senders keep
	// one where the network limits them; where a processor does, the quickest of ten
	// probes finds none.
	standing = 5 * time.Millisecond
	// pressed is the share of looks at which an upload must have waited for the network.
	pressed = 0.7
	// starved is the share of a span for which some program here waited for a processor,
	// and probes with it: what they find then tells nothing of the LAN.
	starved = 0.6
)

// suspicion finds out whether the network is what limits ungoverned uploads, and it
// is slow. It is pure.
type suspicion struct {
	began       time.Time // of the span at hand
	bytes       int64
	looks, busy int
	least       time.Duration // queue of the span at hand
	probed      bool
	slow        int // spans in a row
	rate        float64
	probing     bool
	waited      time.Duration // for a processor, since the computer began
}

// look takes in what happened since the last look, and the newest queue where one
// was measured, and for how long programs waited for a processor since the computer
// began. It returns the rate of a LAN that proved slow, or 0.
func (s *suspicion) look(now time.Time, l look, waited time.Duration) float64 {
	if s.began.IsZero() || now.Sub(s.began) > 2*lookSpan {
		*s = suspicion{began: now, least: math.MaxInt64, waited: waited} // uploads rested
		return 0
	}
	s.bytes += l.bytes
	s.looks++
	if l.wants {
		s.busy++
	}
	if l.fresh {
		s.least, s.probed = min(s.least, l.queue), true
	}
	span := now.Sub(s.began)
	if span < lookSpan {
		return 0
	}
	rate := float64(s.bytes) / span.Seconds()
	limited := float64(s.busy) >= pressed*float64(s.looks) && rate < slowLAN
	next := suspicion{began: now, least: math.MaxInt64, probing: limited, waited: waited}
	sane := (waited - s.waited).Seconds() < starved*span.Seconds()
	if limited && sane && s.probed && s.least >= standing {
		next.slow, next.rate = s.slow+1, max(s.rate, rate)
	}
	*s = next
	if s.slow < slowSpans {
		return 0
	}
	return s.rate
}
