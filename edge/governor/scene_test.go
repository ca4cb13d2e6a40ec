package governor_test

import (
	"fmt"
	"math"
	"time"

	"github.com/sitecast/sitecast/edge/governor"
	"github.com/sitecast/sitecast/edge/origin"
	"github.com/sitecast/sitecast/signaling/wire"
)

// scene is a governed download on a bench beside whatever else is put there.
type scene struct {
	*bench
	c      *governor.Controller
	ours   *tcp
	taken  int64
	base   time.Duration
	queues []time.Duration // added to probes
	pause  bool            // the sender stands still
	losses governor.Losses
	blur   time.Duration // probes take up to so much longer, as in a tunnel
	spikes float64       // share of probes that take up to spike longer, as on a host that is short of CPU
	told   origin.Told   // what the sender knows of the pace
	tells  int           // how often it was told
	dear   bool          // telling takes a request each time
	lossy  int           // steps in which it takes the line for one that loses packets by itself
	trace  func(string)
}

const probeEvery = 50 * time.Millisecond

const spike = 15 * time.Millisecond

const startEvery = 25 * time.Millisecond

func newScene(b *bench, limits governor.Limits) *scene {
	s := &scene{bench: b, c: governor.NewController(limits), base: math.MaxInt64}
	s.ours = b.tcp(1, false, -1)
	s.ours.pace = s.c.Rate() * onWire / segment
	number := 0
	var probe func()
	probe = func() {
		p := &packet{flow: 1000 + number%2, size: 100, sent: b.now, number: number}
		number++
		p.to = func(p *packet) {
			if !b.lose() {
				late := time.Duration(b.random.Float64() * float64(s.blur))
				if s.spikes > 0 && b.random.Float64() < s.spikes {
					late += time.Duration(b.random.Float64() * float64(spike))
				}
				b.after(b.delay+late, func() { s.probed(p.number, b.now-p.sent) })
			}
		}
		p.lost = func(*packet) {}
		b.send(p)
		every := probeEvery
		if s.c.Alert() {
			every = startEvery
		}
		b.after(every, probe)
	}
	b.after(0, probe)
	var tick func()
	tick = func() { s.step(false, 0); b.after(probeEvery, tick) }
	b.after(25*time.Millisecond, tick)
	return s
}

func (s *scene) probed(number int, rtt time.Duration) {
	s.base = min(s.base, rtt)
	s.losses.Came(uint64(number), rtt-s.base, s.c.Empty())
	s.queues = append(s.queues, rtt-s.base)
	s.step(true, rtt-s.base)
}

func (s *scene) step(fresh bool, q time.Duration) {
	base := s.base
	if base == math.MaxInt64 {
		base = 0
	}
	got := s.ours.arrived() - s.taken
	s.taken += got
	before, _ := s.c.Mode()
	rate := s.c.Step(governor.Sample{Now: time.Unix(0, 0).Add(s.now), Fresh: fresh, Queue: q, Base: base, Taken: got, Loss: s.losses.Share(), Blur: s.blur, Wants: true})
	after, why := s.c.Mode()
	if s.trace != nil && before != after {
		s.trace(fmt.Sprintf("%7.2f s  %5s -> %-5s rate %.2f of %.2f Mbit/s, queue %v: %s", s.now.Seconds(), before, after, rate*8e-6, s.c.Capacity()*8e-6, q, why))
	}
	if s.pause {
		rate = 1
	}
	bbr := s.losses.Share() > 0
	if bbr {
		s.lossy++
	}
	now, next := time.Unix(0, 0).Add(s.now), wire.Pace{BytesPerSecond: int64(rate), Lossy: bbr}
	if !s.told.Worth(now, next, s.dear) {
		return
	}
	s.told = origin.Told{Pace: next, At: now}
	s.tells++
	s.after(s.delay, func() {
		s.ours.use(bbr)
		if pace := rate * onWire / segment; bbr && pace > 1.5*s.ours.pace {
			s.ours.anew()
		}
		s.ours.pace = rate * onWire / segment
		s.ours.more()
	})
}
