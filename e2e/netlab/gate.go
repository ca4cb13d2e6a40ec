package netlab

import "math/rand/v2"

// fate is what becomes of a packet.
type fate uint8

const (
	carried fate = iota
	dropped      // by the queue
	lost         // by chance
	policed      // it exceeded the policer
)

// gate decides which packets never reach the queue.
type gate struct {
	random *rand.Rand

	// Each packet is lost in the bad state and let through in the good one; begin and
	// end are the chances, at each packet, that the bad state begins and ends.
	begin, end float64
	bad        bool

	nsPerByte float64 // of the policer; 0 is none
	burst     float64 // bytes
	tokens    float64 // bytes that may pass now
	filled    int64   // ns; when tokens were counted
}

// set takes the link's figures. A policer begins with its bucket full.
func (g *gate) set(now int64, l Link) {
	g.begin, g.end, g.bad = l.Loss, 1-l.Loss, false
	if l.LossRun > 0 {
		// The bad state is as long as asked for, and as rare as the mean wants it.
		g.end = 1 / l.LossRun
		g.begin = g.end * l.Loss / (1 - l.Loss)
	}
	g.nsPerByte, g.burst = 0, float64(l.Policer.Burst)
	if l.Policer.Rate > 0 {
		g.nsPerByte = 8e9 / float64(l.Policer.Rate)
	}
	g.tokens, g.filled = g.burst, now
}

// judge says whether a frame of size bytes passes at now.
func (g *gate) judge(now int64, size int) fate {
	if g.begin > 0 {
		turn := g.begin
		if g.bad {
			turn = g.end
		}
		if g.random.Float64() < turn {
			g.bad = !g.bad
		}
		if g.bad {
			return lost
		}
	}
	if g.nsPerByte > 0 {
		g.tokens = min(g.burst, g.tokens+float64(now-g.filled)/g.nsPerByte)
		g.filled = now
		if float64(size) > g.tokens {
			return policed
		}
		g.tokens -= float64(size)
	}
	return carried
}
