package governor_test

import (
	"math"
	"time"
)

const (
	segment = 1448
	onWire  = 1514
)

// tcp is a sender of TCP's kind: enough of CUBIC with HyStart (RFC 9438, RFC
// 9406) or BBR's first version to disturb and be disturbed as they are. Losses are
// told to it a round trip later, as SACK would.
type tcp struct {
	b    *bench
	flow int
	bbr  bool
	left int     // segments to send; -1 without end
	pace float64 // wire bytes per second from outside; 0 for none
	done func()

	inFlight  int
	cwnd      float64
	ssthresh  float64
	acked     int64 // bytes
	reached   int   // segments that arrived, with all before them
	recovery  time.Duration
	minRTT    time.Duration
	roundMin  time.Duration
	lastMin   time.Duration
	roundEnd  int
	samples   int
	sentCount int
	nextSend  time.Duration
	waiting   bool
	stopped   bool
	owed      []int        // segments to send again
	newest    int          // segment sent first
	beyond    map[int]bool // segments that arrived before one that is missing

	// CUBIC
	wMax  float64
	epoch time.Duration

	// BBR
	bw      float64 // bytes per second, the best of the last ten rounds
	bws     [10]bwSample
	full    float64
	fullFor int
	phase   int
	phaseAt time.Duration
	startup bool
	drain   bool
	minAt   time.Duration
	rounds  int
}

type bwSample struct {
	round int
	bw    float64
}

func (b *bench) tcp(flow int, bbr bool, segments int) *tcp {
	t := &tcp{b: b, flow: flow, bbr: bbr, left: segments, cwnd: 10, ssthresh: math.Inf(1), startup: true, beyond: map[int]bool{}}
	b.after(0, t.more)
	return t
}

func (t *tcp) stop() { t.stopped = true }

func (t *tcp) gain() float64 {
	switch {
	case t.startup:
		return 2.885
	case t.drain:
		return 1 / 2.885
	}
	return [8]float64{1.25, 0.75, 1, 1, 1, 1, 1, 1}[t.phase]
}

func (t *tcp) window() float64 {
	if !t.bbr || t.bw == 0 {
		return t.cwnd
	}
	g := 2.0
	if t.startup {
		g = 2.885
	}
	return max(g*t.bw*t.minRTT.Seconds()/onWire, 4)
}

// rate is at which it paces, or 0.
func (t *tcp) rate() float64 {
	r := 0.0
	if t.bbr && t.bw > 0 {
		r = t.gain() * t.bw
	} else if t.minRTT > 0 {
		g := 1.2
		if t.cwnd < t.ssthresh/2 {
			g = 2
		}
		r = g * t.cwnd * onWire / t.minRTT.Seconds()
	}
	if t.pace > 0 && (r == 0 || t.pace < r) {
		r = t.pace
	}
	return r
}

func (t *tcp) more() {
	t.waiting = false
	for !t.stopped && (t.left != 0 || len(t.owed) > 0) && float64(t.inFlight) < t.window() {
		if t.nextSend > t.b.now {
			if !t.waiting {
				t.waiting = true
				t.b.after(t.nextSend-t.b.now, t.more)
			}
			return
		}
		if r := t.rate(); r > 0 {
			t.nextSend = max(t.nextSend, t.b.now-time.Millisecond) + time.Duration(onWire/r*1e9)
		}
		number := t.newest
		if len(t.owed) > 0 {
			number, t.owed = t.owed[0], t.owed[1:]
		} else {
			t.newest++
			if t.left > 0 {
				t.left--
			}
		}
		t.inFlight++
		t.sentCount++
		acked := t.acked
		p := &packet{flow: t.flow, size: onWire, sent: t.b.now, number: t.sentCount}
		p.to = func(p *packet) {
			t.arrive(number)
			t.b.after(t.b.delay, func() { t.ack(p, acked) })
		}
		p.lost = func(p *packet) { t.b.after(2*t.b.delay+time.Millisecond, func() { t.loss(p, number) }) }
		t.b.send(p)
	}
}

// arrive takes in a segment at the far end, where who reads sees no gaps.
func (t *tcp) arrive(number int) {
	t.beyond[number] = true
	for t.beyond[t.reached] {
		delete(t.beyond, t.reached)
		t.reached++
	}
}

// arrived is how many bytes can be read at the far end.
func (t *tcp) arrived() int64 { return int64(t.reached) * segment }

// use changes the kind of sender, which begins anew.
func (t *tcp) use(bbr bool) {
	if t.bbr != bbr {
		t.bbr = bbr
		t.anew()
	}
}

// anew looks for the line's rate from the beginning.
func (t *tcp) anew() {
	t.startup, t.drain, t.bw, t.bws, t.full, t.fullFor = true, false, 0, [10]bwSample{}, 0, 0
	t.cwnd, t.ssthresh, t.epoch = max(t.cwnd, 10), math.Inf(1), 0
}

func (t *tcp) ack(p *packet, ackedThen int64) {
	t.inFlight--
	t.acked += segment
	rtt := t.b.now - p.sent
	if t.minRTT == 0 || rtt <= t.minRTT || t.b.now-t.minAt > 10*time.Second {
		t.minRTT, t.minAt = rtt, t.b.now
	}
	if t.roundMin == 0 || rtt < t.roundMin {
		t.roundMin = rtt
	}
	t.samples++
	if p.number >= t.roundEnd {
		t.rounds++
		t.roundEnd, t.lastMin, t.roundMin, t.samples = t.sentCount+1, t.roundMin, 0, 0
		if t.bbr {
			t.round()
		}
	}
	if t.bbr {
		t.ackBBR(float64(t.acked-ackedThen)/rtt.Seconds()*onWire/segment, rtt)
	} else {
		t.ackCubic()
	}
	if t.left == 0 && len(t.owed) == 0 && t.inFlight == 0 && t.done != nil {
		t.done()
		t.done = nil
	}
	if !t.waiting {
		t.more()
	}
}

func (t *tcp) ackCubic() {
	if t.cwnd < t.ssthresh {
		t.cwnd++
		if t.cwnd >= 16 && t.samples >= 8 && t.lastMin > 0 && t.roundMin > 0 {
			if t.roundMin > t.minRTT+min(max(t.minRTT/8, 4*time.Millisecond), 16*time.Millisecond) {
				t.ssthresh = t.cwnd
			}
		}
		return
	}
	if t.epoch == 0 {
		t.epoch = t.b.now
		if t.wMax < t.cwnd {
			t.wMax = t.cwnd
		}
	}
	const c, beta = 0.4, 0.7
	k := math.Cbrt(max(t.wMax-t.cwndAtEpoch(), 0) / c)
	s := (t.b.now - t.epoch).Seconds() + t.minRTT.Seconds()
	target := c*math.Pow(s-k, 3) + t.wMax
	friendly := t.cwndAtEpoch() + 3*(1-beta)/(1+beta)*(t.b.now-t.epoch).Seconds()/t.minRTT.Seconds()
	target = min(max(target, friendly), 1.5*t.cwnd)
	if target > t.cwnd {
		t.cwnd += (target - t.cwnd) / t.cwnd
	} else {
		t.cwnd += 0.01 / t.cwnd
	}
}

func (t *tcp) cwndAtEpoch() float64 {
	if math.IsInf(t.ssthresh, 1) {
		return t.cwnd
	}
	return t.ssthresh
}

func (t *tcp) loss(p *packet, number int) {
	t.inFlight--
	t.owed = append(t.owed, number)
	if !t.bbr && p.sent >= t.recovery {
		t.recovery = t.b.now
		t.wMax = t.cwnd
		t.cwnd = max(0.7*t.cwnd, 2)
		t.ssthresh, t.epoch = t.cwnd, 0
	}
	if !t.waiting {
		t.more()
	}
}

func (t *tcp) round() {
	if t.startup {
		if t.bw > 1.25*t.full {
			t.full, t.fullFor = t.bw, 0
		} else if t.fullFor++; t.fullFor >= 3 {
			t.startup, t.drain = false, true
		}
	}
}

func (t *tcp) ackBBR(bw float64, rtt time.Duration) {
	slot := &t.bws[t.rounds%len(t.bws)]
	if slot.round != t.rounds {
		*slot = bwSample{round: t.rounds}
	}
	slot.bw = max(slot.bw, bw)
	t.bw = 0
	for _, s := range t.bws {
		if s.round >= t.rounds-9 {
			t.bw = max(t.bw, s.bw)
		}
	}
	if t.drain && float64(t.inFlight)*onWire <= t.bw*t.minRTT.Seconds() {
		t.drain, t.phase, t.phaseAt = false, 2, t.b.now
	}
	if !t.startup && !t.drain && t.b.now-t.phaseAt > t.minRTT {
		t.phase, t.phaseAt = (t.phase+1)%8, t.b.now
	}
}
