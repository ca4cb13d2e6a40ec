package pace

import "time"

// What tells a line that loses packets by itself, as radio does, from one that is full.
const (
	// lookEvery is how often a connection is asked what it lost while it sends.
	lookEvery = 200 * time.Millisecond
	// A period ends with so many segments sent, or so many of them sent again. Two in a
	// row decide: a sender that grew too fast loses many at once, once.
	periodSegments = 800
	periodAgain    = 4
	// lossyShare is the share of segments from which on loss holds CUBIC far below what
	// most lines have: at 40 ms, 5 Mbit/s.
	lossyShare = 0.005
	// Where packets are lost because a queue is full, they wait before. Up to so many
	// round trips of the empty line, and the time of so many segments, nothing waits.
	emptyTrips    = 1.5
	emptySegments = 4
	maxEmptyTime  = 100 * time.Millisecond
	emptyTime     = 5 * time.Millisecond
	segment       = 1448
)

// counts are what a kernel knows of a connection.
type counts struct {
	sent, again uint64        // segments with data, and how many of those repeated one
	trip, least time.Duration // round trips: now, and the shortest
	varies      time.Duration // how much they differ of late
	rate        uint64        // of late, bytes per second; 0 while it is not known
}

// empty reports whether next to nothing waits on the line.
func (c counts) empty() bool {
	slack := maxEmptyTime
	if c.rate > 0 {
		slack = min(slack, time.Duration(emptySegments*segment*uint64(time.Second)/c.rate))
	}
	// What is lost and repeated makes round trips differ; in a queue that is full they are
	// all long.
	return c.trip-c.varies <= time.Duration(emptyTrips*float64(c.least))+emptyTime+slack
}

// losses judges a line by what a connection over it lost. The zero value takes it for
// one that loses what it is too full for.
type losses struct {
	lossy bool
	base  counts
	votes int // periods in a row that speak against what is thought
}

// see takes in the counts of now.
func (l *losses) see(c counts) {
	sent, again := c.sent-l.base.sent, c.again-l.base.again
	if sent < periodSegments && again < periodAgain {
		return
	}
	l.base = c
	vote := float64(again) >= lossyShare*float64(sent) && (l.lossy || c.empty())
	if vote == l.lossy {
		l.votes = 0
		return
	}
	if l.votes++; l.votes == 2 {
		l.lossy, l.votes = vote, 0
	}
}
