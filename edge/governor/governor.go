// Package governor keeps background delivery out of everybody's way. For each line
// to the WAN the server appoints one endpoint as holder. While any fetcher there is
// at work, the holder measures how long small packets take to reflectors beyond the
// line and back: what they take longer than over an empty line is time they wait in
// its queue. A controller, pure and deterministic, makes a rate of that and of what
// arrives; the holder shares it among the fetchers in grants that last a second.
//
// The controller is a scavenger with memory. It learns what the line carries, holds a
// little less, and at the first sign of other traffic stands back to next to nothing
// until the line was calm for a while; then it climbs back in steps, each only if
// the one before disturbed nobody. Its relatives are LEDBAT++
// (draft-irtf-iccrg-ledbat-plus-plus) and rLEDBAT (RFC 9840), which compete for a
// share of the queue where this one leaves.
//
// A stand-by takes over at half the rate when it hears no grant for a second; a
// fetcher without a grant falls to its part of the floor. So the sum over a site
// never exceeds what was granted, whoever dies.
package governor

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Times of the loop.
const (
	// tick is how often rates are looked at while a fetcher is at work.
	tick = 50 * time.Millisecond
	// GrantEvery is how often fetchers are granted a rate, and GrantValid how long one
	// lasts.
	GrantEvery = 100 * time.Millisecond
	GrantValid = time.Second
	// accountEvery is how often the server hears what was done.
	accountEvery = time.Second
	// restAfter is how long after the last fetch probing ends.
	restAfter = 2 * time.Second
	// asleep is how often is looked where nobody may fetch: whatever changes that is
	// an event.
	asleep = time.Minute
	// takenLasts is how long a fetcher that reports nothing counts as at work.
	takenLasts = time.Second
	inbox      = 256
)

// Origin is what fetches here.
type Origin interface {
	SetRate(bytesPerSecond int64, rtt time.Duration)
	Taken() int64
	Fetching() (now bool, held time.Duration)
}

// Config is what a governor is made of.
type Config struct {
	Self   wire.EndpointID
	Origin Origin
	// Tell sends a frame to a peer, by whatever way there is.
	Tell func(to wire.EndpointID, f wire.Frame)
	// Report queues a message to the server.
	Report func(kind wire.Kind, body any) bool
	// Listen opens a UDP socket for probes.
	Listen func() (net.PacketConn, error)
	// Reflectors lists addresses (host:port) of STUN servers that the server named.
	Reflectors func() []string
	// Ping measures a round trip to the server over TCP; nil for none. It is the
	// reflector where UDP does not pass.
	Ping func(ctx context.Context) error
	Log  *slog.Logger
}

// An event changes the governor. While apply runs it is the only code that does.
type event func(g *Governor, now time.Time)

// Governor governs, or obeys whoever does. The goroutine in Run owns it.
type Governor struct {
	cfg    Config
	events chan event
	done   chan struct{}

	// Owned by Run.
	govern      wire.Govern
	appointed   bool
	appointedAt time.Time
	fetchers    map[wire.EndpointID]*fetcher // others, by what they say
	control     *Controller                  // nil while somebody else governs
	probes      *probes                      // nil while nobody fetches
	obeyed      grantFence
	grant       wire.Grant // the last one heard
	grantAt     time.Time
	seq         uint64        // of grants given
	taken       int64         // by this endpoint, as seen last
	held        time.Duration // readers here, as seen last
	wants       bool          // this endpoint could use more
	activeAt    time.Time     // somebody fetched last
	stepped     time.Time     // the controller decided last
	grantedAt   time.Time
	told        time.Time // when the server heard last
	sleeping    bool      // until an event comes
	receipt     wire.Receipt
	active      time.Duration // for the receipt
	yielded     time.Duration
	base        map[string]time.Duration // known of reflectors before they were probed

	// mu guards the rest, for those who look.
	mu     sync.Mutex
	status Status
}

// fetcher is what the holder knows of one.
type fetcher struct {
	bytes uint64 // taken as it said last
	since uint64 // taken and not yet counted
	wants bool
	at    time.Time // when it spoke last
	// viaServer: there is no link to it, and what it says comes by way of the server.
	viaServer bool
}

// grantFence orders grants.
type grantFence struct{ epoch, term, seq uint64 }

func (f grantFence) after(o grantFence) bool {
	if f.epoch != o.epoch {
		return f.epoch > o.epoch
	}
	if f.term != o.term {
		return f.term > o.term
	}
	return f.seq > o.seq
}

// Status is what a governor does now, for people and metrics.
type Status struct {
	Role      string  `json:"role"` // holder, stand-by, fetcher or none
	State     string  `json:"state,omitempty"`
	Reason    string  `json:"reason,omitempty"`
	Rate      int64   `json:"rate_bytes_per_second"` // of the whole egress
	Mine      int64   `json:"mine_bytes_per_second"`
	Capacity  int64   `json:"capacity_bytes_per_second"`
	BaseMs    float64 `json:"base_ms"`
	QueueMs   float64 `json:"queue_ms"`
	Reflector string  `json:"reflector,omitempty"`
	Taken     int64   `json:"taken_bytes"`
}

// New returns a governor that does nothing until Run.
func New(cfg Config) *Governor {
	return &Governor{cfg: cfg, events: make(chan event, inbox), done: make(chan struct{}),
		fetchers: map[wire.EndpointID]*fetcher{}, base: map[string]time.Duration{}, status: Status{Role: "none"}}
}

// Status is a snapshot.
func (g *Governor) Status() Status {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.status
}

// post hands an event to the loop. It may be called while the loop is full: then
// the oldest news is no loss, because newer comes.
func (g *Governor) post(e event) {
	select {
	case g.events <- e:
	case <-g.done:
	}
}

// Appointed takes in who governs.
func (g *Governor) Appointed(w wire.Govern) {
	g.post(func(g *Governor, now time.Time) { g.appoint(now, w) })
}

// Granted takes in a grant that came from a peer.
func (g *Governor) Granted(w wire.Grant) {
	g.post(func(g *Governor, now time.Time) { g.obey(now, w) })
}

// Took takes in what a fetcher took.
func (g *Governor) Took(w wire.Taken) {
	g.post(func(g *Governor, now time.Time) { g.count(now, w) })
}

// Forget is for a new session: the server says anew who governs, perhaps with
// lower numbers.
func (g *Governor) Forget() {
	g.post(func(g *Governor, _ time.Time) { g.govern.Epoch, g.govern.Term = 0, 0 })
}

// Run owns the governor until ctx ends.
func (g *Governor) Run(ctx context.Context) error {
	defer close(g.done)
	timer := time.NewTimer(tick)
	defer timer.Stop()
	defer func() { g.rest(time.Now()) }()
	for {
		var replies <-chan reply
		if g.probes != nil {
			replies = g.probes.replies
		}
		select {
		case <-ctx.Done():
			return nil
		case e := <-g.events:
			e(g, time.Now())
			if g.sleeping {
				g.sleeping = false
				timer.Reset(0)
			}
			continue
		case r := <-replies:
			if q, ok := g.probes.heard(time.Now(), r); ok {
				g.measured(time.Now(), q)
			}
			continue
		case <-timer.C:
		}
		timer.Reset(g.act(ctx, time.Now()))
	}
}

// appoint obeys the server's choice.
func (g *Governor) appoint(now time.Time, w wire.Govern) {
	if g.appointed && !(grantFence{w.Epoch, w.Term, 1}).after(grantFence{g.govern.Epoch, g.govern.Term, 0}) {
		return
	}
	// The server may change something else before it knows that the holder is gone.
	standsIn := w.Holder == g.govern.Holder && w.StandBy == g.cfg.Self && g.govern.StandBy == g.cfg.Self
	g.govern, g.appointed = w, true
	for name, us := range w.Line.Base {
		g.base[name] = time.Duration(us) * time.Microsecond
	}
	for id := range g.fetchers {
		if !slices.Contains(w.Fetchers, id) {
			delete(g.fetchers, id)
		}
	}
	if g.control != nil {
		g.control.SetLimits(g.limits())
		if w.Holder != g.cfg.Self && !standsIn {
			g.control = nil
		}
	}
	g.appointedAt = now
	g.setRate(now)
}

func (g *Governor) limits() Limits {
	l := Limits{Capacity: float64(g.govern.Line.Capacity), Busy: g.govern.Line.Busy}
	if len(g.govern.Fetchers) > 1 || len(g.govern.Fetchers) == 1 && !g.mine() {
		l.Lag = reportLag
	}
	for _, f := range g.fetchers {
		if f.viaServer {
			l.Lag = reportLag + viaServerLag
		}
	}
	if g.govern.Bound != wire.Unlimited {
		l.Bound = float64(max(g.govern.Bound, 1))
	}
	return l
}

// obey takes in a grant of the holder or the stand-by.
func (g *Governor) obey(now time.Time, w wire.Grant) {
	fence := grantFence{w.Epoch, w.Term, w.Seq}
	if !fence.after(g.obeyed) || w.Epoch < g.govern.Epoch || w.From == g.cfg.Self ||
		w.From != "" && w.From != g.govern.Holder && w.From != g.govern.StandBy {
		return
	}
	if g.control != nil && g.govern.Holder == g.cfg.Self {
		g.seq = max(g.seq, w.Seq) // the stand-by did not hear us for a while; it hears our next
		return
	}
	g.control = nil
	g.obeyed, g.grant, g.grantAt = fence, w, now
	g.setRate(now)
}

func (g *Governor) count(now time.Time, w wire.Taken) {
	if !slices.Contains(g.govern.Fetchers, w.From) {
		return
	}
	f := g.fetchers[w.From]
	if f == nil {
		f = &fetcher{bytes: w.Bytes}
		g.fetchers[w.From] = f
	}
	if w.Bytes > f.bytes {
		f.since += w.Bytes - f.bytes
	}
	f.bytes, f.wants, f.at = w.Bytes, w.Wants, now
	// The server forwards what is addressed; on a link nothing has to be.
	if via := w.To != ""; via != f.viaServer {
		f.viaServer = via
		if g.control != nil {
			g.control.SetLimits(g.limits())
		}
	}
}
