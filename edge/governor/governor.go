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
	// takeOverAfter is how long the stand-by hears no grant before it governs: by then
	// the last grants of the holder have lapsed at every fetcher, however late they came.
	takeOverAfter = GrantValid + 2*GrantEvery
	// lastRateLasts is how long after the last grant its rate says something of the line.
	lastRateLasts = 10 * time.Second
	// dealtOver is how much longer than it took a fetcher its bytes count as arriving.
	dealtOver = 1.25
	// maxBases bounds the reflectors whose round trips are remembered.
	maxBases = 64
	inbox    = 256
)

// Origin is what fetches here.
type Origin interface {
	SetRate(bytesPerSecond int64, rtt time.Duration, lossy bool)
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
	// Ping measures a round trip to the server over TCP, without the time that it lay
	// at either end; nil for none. It is the reflector where UDP does not pass.
	Ping func(ctx context.Context) (time.Duration, error)
	// Tunnelled reports that pings go by plain requests, through whatever lets no more
	// pass; nil: they do not.
	Tunnelled func() bool
	Log       *slog.Logger
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
	anew        bool // a session began: the next appointment counts, whatever its number
	appointedAt time.Time
	deposed     bool                         // another governs in a later term than we were told of
	fetchers    map[wire.EndpointID]*fetcher // others, by what they say
	control     *Controller                  // nil while somebody else governs
	probes      *probes                      // nil while nobody fetches
	losses      Losses                       // of the line
	heard       map[wire.EndpointID]grantFence
	past        grantFence // of before the server counted anew
	grant       wire.Grant // the last one obeyed
	grantAt     time.Time
	rival       wire.Grant // of a stand-by that governs though this endpoint does
	rivalAt     time.Time
	quietUntil  time.Time                   // this loop stood still, and a stand-by may have taken over
	seq         uint64                      // of grants given
	parts       map[wire.EndpointID]float64 // shares of the rate, as granted last
	granted     float64                     // the rate then
	taken       int64                       // by this endpoint, as seen last
	counted     int64                       // of taken, what the controller knows
	fraction    float64                     // of a byte of others that was not told yet
	held        time.Duration               // readers here, as seen last
	lookedAt    time.Time                   // when that was
	wants       bool                        // this endpoint could use more
	wanted      time.Time                   // when it could last
	fetchedAt   time.Time                   // something was fetched here last
	activeAt    time.Time                   // somebody fetched last
	activeSince time.Time                   // without a rest
	actedAt     time.Time
	stepped     time.Time // the controller decided last
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
	bytes  uint64    // taken as it said last
	owed   float64   // taken and not yet told to the controller
	pace   float64   // bytes per second at which it is told
	dealt  time.Time // until when it was
	wants  bool
	wanted time.Time // when it wanted more last
	at     time.Time // when it spoke last
	worked time.Time // when it wanted or took something last
	// viaServer: there is no link to it, and what it says comes by way of the server.
	viaServer bool
}

// grantFence orders appointments, and the grants of one endpoint.
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

// office is the fence of the appointment that is known here.
func (g *Governor) office() grantFence { return grantFence{g.govern.Epoch, g.govern.Term, 0} }

// holds reports whether this endpoint governs, as far as it knows.
func (g *Governor) holds() bool { return g.govern.Holder == g.cfg.Self && !g.deposed }

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
	Loss      float64 `json:"loss_share"` // of packets, that the line loses by itself
	Taken     int64   `json:"taken_bytes"`
}

// New returns a governor that holds its origin to FirstRate, and does no more until
// Run.
func New(cfg Config) *Governor {
	g := &Governor{cfg: cfg, events: make(chan event, inbox), done: make(chan struct{}),
		fetchers: map[wire.EndpointID]*fetcher{}, heard: map[wire.EndpointID]grantFence{}, base: map[string]time.Duration{}}
	g.setRate(time.Now())
	return g
}

// Status is a snapshot.
func (g *Governor) Status() Status {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.status
}

// post hands an event to the loop. The loop waits for nobody, so neither does who
// posts, for long.
func (g *Governor) post(e event) {
	select {
	case g.events <- e:
	case <-g.done:
	}
}

// postSoon hands over what is said anew soon: when the loop is behind, it is dropped.
func (g *Governor) postSoon(e event) {
	select {
	case g.events <- e:
	default:
	}
}

// Appointed takes in who governs.
func (g *Governor) Appointed(w wire.Govern) {
	g.post(func(g *Governor, now time.Time) { g.appoint(now, w) })
}

// Granted takes in a grant that came from a peer.
func (g *Governor) Granted(w wire.Grant) {
	g.postSoon(func(g *Governor, now time.Time) { g.obey(now, w) })
}

// Took takes in what a fetcher took.
func (g *Governor) Took(w wire.Taken) {
	g.postSoon(func(g *Governor, now time.Time) { g.count(now, w) })
}

// Forget is for a new session: the server says anew who governs, perhaps with
// lower numbers. Until then whoever governs goes on.
func (g *Governor) Forget() {
	g.post(func(g *Governor, _ time.Time) { g.anew = true })
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
		g.hear() // first what was said while this loop stood still
		timer.Reset(g.act(ctx, time.Now()))
	}
}

// hear applies what waits.
func (g *Governor) hear() {
	for range inbox {
		select {
		case e := <-g.events:
			e(g, time.Now())
		default:
			return
		}
	}
}

// appoint obeys the server's choice.
func (g *Governor) appoint(now time.Time, w wire.Govern) {
	office := grantFence{w.Epoch, w.Term, 0}
	later := office.after(g.office())
	if g.appointed && !g.anew && !later {
		return
	}
	if !later {
		g.past = g.office()
	}
	for id := range g.heard {
		if !later || id != w.Holder && id != w.StandBy { // the server counts anew
			delete(g.heard, id)
		}
	}
	acting := w.Holder == g.govern.Holder && w.StandBy == g.cfg.Self
	if w.Holder != g.govern.Holder {
		g.appointedAt = now
	}
	g.govern, g.appointed, g.anew, g.deposed = w, true, false, false
	if len(g.base)+len(w.Line.Base) > maxBases {
		clear(g.base)
	}
	for name, us := range w.Line.Base {
		g.base[name] = time.Duration(us) * time.Microsecond
	}
	for id := range g.fetchers {
		if !slices.Contains(w.Fetchers, id) {
			delete(g.fetchers, id)
		}
	}
	switch {
	case g.control == nil:
	case w.Holder == g.cfg.Self, acting:
		g.control.SetLimits(g.limits())
	default:
		g.resign()
	}
	g.setRate(now)
}

// resign leaves it to somebody else to govern, and to account.
func (g *Governor) resign() {
	g.control, g.receipt, g.active, g.yielded = nil, wire.Receipt{}, 0, 0
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

// count takes in what a fetcher said of itself.
func (g *Governor) count(now time.Time, w wire.Taken) {
	if !slices.Contains(g.govern.Fetchers, w.From) || w.From == g.cfg.Self {
		return
	}
	f := g.fetchers[w.From]
	if f == nil {
		f = &fetcher{bytes: w.Bytes, dealt: now}
		g.fetchers[w.From] = f
	}
	if w.Wants || w.Bytes > f.bytes {
		f.worked = now
	}
	if w.Bytes > f.bytes {
		f.owed += float64(w.Bytes - f.bytes)
	}
	// What it took since it spoke last is dealt out over as long a time, and a little
	// longer so that it lasts until the next count: in one lump it would look like the
	// rate of a faster line.
	f.pace = f.owed / (dealtOver * min(max(now.Sub(f.at), GrantEvery), takenLasts).Seconds())
	f.bytes, f.wants, f.at = w.Bytes, w.Wants, now
	if w.Wants {
		f.wanted = now
	}
	// The server forwards what is addressed; on a link nothing has to be.
	if via := w.To != ""; via != f.viaServer {
		f.viaServer = via
		if g.control != nil {
			g.control.SetLimits(g.limits())
		}
	}
}

// deal is what of a fetcher's bytes counts as arrived since the last call.
func (f *fetcher) deal(now time.Time) float64 {
	part := min(f.owed, f.pace*now.Sub(f.dealt).Seconds())
	f.owed -= part
	f.dealt = now
	return part
}

// wantsMore reports whether a fetcher said of late that it could use more. Who says
// nothing any more wants nothing.
func (f *fetcher) wantsMore(now time.Time) bool { return f.wants && now.Sub(f.at) < takenLasts }
