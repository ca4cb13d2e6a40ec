// Package lan keeps what an endpoint sends to its peers out of the way of others on
// the same LAN, where that is slow: on Wi-Fi, a switch of 10 Mbit/s, a powerline. A
// link is SCTP, which sends until a queue overflows; on such a LAN everybody
// else's packets wait in that queue.
//
// All uploads of an endpoint share one governor, since they share its cable or its
// air. It measures round trips over the links that upload, beneath what waits to be
// sent; what they take longer than over the idle LAN is a queue, and [governor]'s
// controller makes a rate of it as it does for the WAN. A bucket before the links
// holds the uploads to it, in pieces so small that they make no queue by themselves.
//
// A fast LAN is left alone, at no cost but a look at counters while uploads run: it
// is governed only where it is wireless, or where the network was seen to hold the
// uploads at less than 100 Mbit/s with a queue that stays.
package lan

import (
	"context"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/sitecast/sitecast/edge/governor"
)

const (
	// offTick is how often uploads are looked at that are not governed, and onTick such
	// as are.
	offTick = 100 * time.Millisecond
	onTick  = 25 * time.Millisecond
	// probeEvery is how often governed paths are probed at most, and probeRarely at
	// least: in between, probes may take probeShare of a slow LAN.
	probeEvery  = 25 * time.Millisecond
	probeRarely = 100 * time.Millisecond
	probeShare  = 0.01
	probeBytes  = 150
	// maxProbed bounds the paths that are probed at once.
	maxProbed = 2
	// restAfter is how long after the last upload the governor sleeps.
	restAfter = 2 * time.Second
	// waits is how lately an upload must have waited to want more.
	waits = 10 * time.Millisecond
	// pieceTime is how long a piece takes at the rate, and minPiece the least one.
	pieceTime = 5 * time.Millisecond
	minPiece  = 4 << 10
	// settleTime is how long at most what was sent ungoverned takes to leave.
	settleTime = time.Second
	// lag is by how much deliveries are known late.
	lag = 50*time.Millisecond + evenTime
	// startShare of what the LAN was seen to carry is the least that a start may find:
	// less is a stall of some processor, and it begins again, maxStarts times in all.
	startShare = 0.7
	maxStarts  = 4
	// fastAgain is the capacity, relative to a slow LAN's, from which on one is left
	// alone, and trusted for how long it is then not suspected again.
	fastAgain = 1.2
	trusted   = time.Minute
)

// Config is what a governor is made of.
type Config struct {
	Wireless bool // radio is the way to the peers, until [Governor.SetWireless] says otherwise
	// Waited is for how long, since the computer began, some program waited for a
	// processor; ok is false where that is not known, as it is with nil.
	Waited func() (waited time.Duration, ok bool)
	Log    *slog.Logger
}

// Governor governs the uploads of one endpoint. The goroutine in Run owns it.
type Governor struct {
	cfg    Config
	bucket *bucket
	wake   chan struct{}

	// mu guards these.
	mu       sync.Mutex
	uploads  []*Upload
	resting  bool
	governed bool
	probedAt time.Time
	busyFor  time.Time // own bytes are on the wire until then
	turn     int       // of whom is probed
	capacity float64
	status   Status
	radio    bool // is the way to the peers, as was told last

	// Owned by Run.
	wireless bool // radio is the way to the peers, as it is acted on
	doubts   suspicion
	control  *governor.Controller // nil where the LAN is left alone, or settles
	settle   time.Time            // until then what went ungoverned leaves; zero when it has
	drains   bool                 // that is waited for whatever is measured, as no base is known
	learned  float64
	top      ceiling
	even     even
	starts   int       // of the controller
	calm     time.Time // no suspicion until then
	why      string
}

// Status is what a governor does now, for people.
type Status struct {
	Governed bool    `json:"governed"`
	Why      string  `json:"why"`
	State    string  `json:"state,omitempty"`
	Reason   string  `json:"reason,omitempty"`
	Rate     int64   `json:"rate_bytes_per_second,omitempty"`
	Capacity int64   `json:"capacity_bytes_per_second,omitempty"`
	BaseMs   float64 `json:"base_ms,omitempty"`
	QueueMs  float64 `json:"queue_ms,omitempty"`
}

// Reasons to govern, or not to.
const (
	whyFast  = "the LAN is fast, or nothing was uploaded yet"
	whyRadio = "the LAN is wireless"
	whySlow  = "the LAN held uploads below 100 Mbit/s"
)

// New returns a governor that lets everything go until Run.
func New(cfg Config) *Governor {
	return &Governor{cfg: cfg, bucket: newBucket(), wake: make(chan struct{}, 1), resting: true,
		status: Status{Why: whyFast}, radio: cfg.Wireless}
}

// SetWireless tells that radio is the way to the peers now, or no more.
func (g *Governor) SetWireless(on bool) {
	g.mu.Lock()
	g.radio = on
	g.mu.Unlock()
	g.wakeUp()
}

// wakeUp has Run look.
func (g *Governor) wakeUp() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// Status is a snapshot.
func (g *Governor) Status() Status {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.status
}

// Run owns the governor until ctx ends; then nobody waits any more.
func (g *Governor) Run(ctx context.Context) error {
	defer g.bucket.set(time.Now(), math.Inf(1))
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := time.Now()
		g.turnTo(now, g.told())
		timer.Reset(g.act(now))
		select {
		case <-ctx.Done():
			return nil
		case <-g.wake:
		case <-timer.C:
		}
	}
}

// told is whether radio is the way to the peers.
func (g *Governor) told() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.radio
}

// turnTo goes from cable to radio or back. Nothing that was learned of one holds for the
// other. The round trips over radio are longer, so they are learned anew, while next to
// nothing is uploaded; the shorter ones of a cable show by themselves,
// and behind a queue that nobody governs yet they would not.
func (g *Governor) turnTo(now time.Time, radio bool) {
	if g.wireless == radio {
		return
	}
	g.wireless = radio
	if radio {
		g.mu.Lock()
		for _, u := range g.uploads {
			u.base, u.fresh, u.heard = governor.BaseDelay{}, false, 0
		}
		g.drains = !g.resting // or the queue that uploads made counts as the way
		g.mu.Unlock()
		g.begin(now, whyRadio, 0)
	} else {
		g.cfg.Log.Info("uploads to peers are no longer governed: the LAN is not wireless any more")
		g.free(now, time.Time{})
	}
	g.note(look{})
}

// begin starts to govern.
func (g *Governor) begin(now time.Time, why string, capacity float64) {
	g.why, g.learned, g.settle = why, capacity, now.Add(settleTime)
	g.control = nil
	g.setGoverned(true)
	g.bucket.set(now, governor.MinRate)
	g.cfg.Log.Info("uploads to peers are governed", "why", why, "rate", int64(capacity))
}

// end stops.
func (g *Governor) end(now time.Time, capacity float64) {
	g.cfg.Log.Info("uploads to peers are no longer governed: the LAN is fast", "capacity", int64(capacity))
	g.free(now, now.Add(trusted))
}

// free lets everything go; until some time nothing is suspected.
func (g *Governor) free(now, calm time.Time) {
	g.control, g.why, g.calm, g.doubts = nil, whyFast, calm, suspicion{}
	g.setGoverned(false)
	g.bucket.set(now, math.Inf(1))
}

func (g *Governor) setGoverned(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.governed = on
}

// look is what a look at the uploads finds.
type look struct {
	active bool  // something was uploaded lately
	bytes  int64 // delivered since the last one
	wants  bool
	fresh  bool
	queue  time.Duration
	base   time.Duration
}

// see looks at the uploads.
func (g *Governor) see(now time.Time) (l look) {
	newest := len(Upload{}.queues)
	if g.control != nil {
		if mode, _ := g.control.Mode(); mode == governor.Start && g.learned == 0 {
			newest = 1 // which overshoots, and tells noise by itself
		}
	}
	g.mu.Lock()
	all := slices.Clone(g.uploads)
	var queues []time.Duration
	for _, u := range all {
		if u.inside {
			u.used = now
		}
		l.active = l.active || now.Sub(u.used) <= restAfter
		l.wants = l.wants || now.Sub(u.used) < waits
		if base := u.base.Now(); base > 0 && (l.base == 0 || base < l.base) {
			l.base = base
		}
		if u.fresh {
			u.fresh = false
			queues = append(queues, u.queue(newest))
		}
	}
	g.resting = !l.active // whoever begins now wakes us
	g.mu.Unlock()
	for _, u := range all {
		d := u.path.Delivered()
		l.bytes += d - u.seen
		u.seen = d
	}
	if l.fresh = len(queues) > 0; l.fresh {
		// A queue that less than half of the paths have is not on our side of the LAN.
		slices.Sort(queues)
		l.queue = queues[(len(queues)-1)/2]
	}
	return l
}

// act does what is due and returns how long it can wait.
func (g *Governor) act(now time.Time) time.Duration {
	l := g.see(now)
	if !l.active {
		return time.Hour
	}
	tick := onTick
	switch {
	case g.why == "" || g.why == whyFast:
		g.suspect(now, l)
		tick = offTick
	case !g.settle.IsZero():
		g.settled(now, l)
	default:
		g.step(now, l)
		if c := g.control.Capacity(); c > fastAgain*slowLAN && !g.wireless {
			g.end(now, c)
		}
	}
	if g.why != "" && g.why != whyFast {
		g.probeIfDue(now)
	}
	g.note(l)
	return tick
}

// suspect looks whether the LAN is slow.
func (g *Governor) suspect(now time.Time, l look) {
	if now.Before(g.calm) {
		return
	}
	var waited time.Duration
	if g.cfg.Waited != nil {
		waited, _ = g.cfg.Waited()
	}
	if rate := g.doubts.look(now, l, waited); rate > 0 {
		g.begin(now, whySlow, rate)
		return
	}
	if g.doubts.probing {
		g.probe(now)
	}
}

// settled waits until what was sent ungoverned has left, which would look like the
// queue of others, and then lets the controller begin.
func (g *Governor) settled(now time.Time, l look) {
	left := !g.drains && (g.learned == 0 || l.fresh && l.queue <= standing/2)
	if now.Before(g.settle) && !left {
		return
	}
	g.settle, g.drains = time.Time{}, false
	g.control, g.starts = g.controller(), 1
	g.top, g.even = ceiling{rate: math.Inf(1), raised: now}, even{at: now}
	if g.learned > 0 {
		g.top.rate = g.learned
	}
	g.bucket.set(now, g.control.Rate())
}

func (g *Governor) controller() *governor.Controller {
	return governor.NewController(governor.Limits{Capacity: g.learned, Lag: lag})
}

// step lets the controller decide.
func (g *Governor) step(now time.Time, l look) {
	before, _ := g.control.Mode()
	rate := g.control.Step(governor.Sample{Now: now, Fresh: l.fresh, Queue: l.queue, Base: l.base,
		Taken: g.even.spread(now, l.bytes), Wants: l.wants})
	mode, why := g.control.Mode()
	if before == governor.Start && mode == governor.Run && g.starts < maxStarts && g.control.Capacity() < startShare*g.learned {
		g.control, g.starts = g.controller(), g.starts+1
		rate = g.control.Rate()
	}
	rate = g.top.bound(now, rate, mode == governor.Run && l.wants, l.queue)
	g.bucket.set(now, rate)
	if mode != before {
		g.cfg.Log.Debug("uploads", "from", string(before), "to", string(mode), "why", why, "rate", int64(rate),
			"capacity", int64(g.control.Capacity()), "queue", l.queue, "base", l.base)
	}
}

// note keeps what people see.
func (g *Governor) note(l look) {
	s := Status{Governed: g.why != "" && g.why != whyFast, Why: g.why, BaseMs: ms(l.base), QueueMs: g.status.QueueMs}
	if s.Why == "" {
		s.Why = whyFast
	}
	if g.control != nil {
		mode, why := g.control.Mode()
		s.State, s.Reason, s.Rate, s.Capacity = string(mode), why, int64(g.rate()), int64(g.control.Capacity())
	}
	if l.fresh {
		s.QueueMs = ms(l.queue)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.capacity, g.status = float64(s.Capacity), s
}

func ms(d time.Duration) float64 { return math.Round(float64(d)/float64(time.Microsecond)) / 1000 }

// rate is what uploads may take together.
func (g *Governor) rate() float64 {
	g.bucket.mu.Lock()
	defer g.bucket.mu.Unlock()
	return g.bucket.rate
}

// granted hears that n bytes are about to go, which is when the queue holds least of
// our own.
func (g *Governor) granted(now time.Time, n int) {
	g.mu.Lock()
	due := g.governed && now.Sub(g.probedAt) >= g.probeGap()
	busy := 2 * time.Millisecond
	if g.capacity > 0 {
		busy += time.Duration(float64(n) / g.capacity * float64(time.Second))
	}
	g.busyFor = now.Add(busy)
	g.mu.Unlock()
	if due {
		g.probe(now)
	}
}

// probeIfDue probes while nothing of our own is on the wire.
func (g *Governor) probeIfDue(now time.Time) {
	g.mu.Lock()
	due := now.Sub(g.probedAt) >= g.probeGap() && (now.After(g.busyFor) || now.Sub(g.probedAt) >= 3*g.probeGap())
	g.mu.Unlock()
	if due {
		g.probe(now)
	}
}

// probeGap is the least time between two probes. mu is held.
func (g *Governor) probeGap() time.Duration {
	if g.capacity == 0 {
		return probeEvery
	}
	gap := time.Duration(maxProbed * probeBytes / (probeShare * g.capacity) * float64(time.Second))
	return min(max(gap, probeEvery), probeRarely)
}

// probe probes paths that upload, by turns where there are many.
func (g *Governor) probe(now time.Time) {
	g.mu.Lock()
	g.probedAt = now
	var active []*Upload
	for _, u := range g.uploads {
		if u.inside || now.Sub(u.used) < restAfter {
			active = append(active, u)
		}
	}
	n := len(active)
	first := g.turn
	g.turn += maxProbed
	g.mu.Unlock()
	for i := range min(n, maxProbed) {
		active[(first+i)%n].probe()
	}
}
