// Package engine runs an endpoint's downloads. One loop owns every flow, lease
// and link of the endpoint; it turns what the server orders and what peers say
// into requests, using package swarm to decide, and hands the work itself
// (sockets, disks, hashing) to goroutines that come back with events.
//
// What it promises: bytes are announced and served only after their hash matched
// a version signed by a trusted key; a pause stops origin and peer bytes at once;
// without a socket to the server exchange on the LAN goes on, while fetching from
// the origin stops within a second if a peer still has one, and with the lease's
// life otherwise.
package engine

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/sitecast/sitecast/edge/polite"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// Uplink is the way to the server.
type Uplink interface {
	// Send queues a message without blocking; false means that the session is
	// gone and everything will be announced anew.
	Send(kind wire.Kind, body any) bool
	// Now is the server's time as well as it is known.
	Now() time.Time
}

// Links makes and closes links; outcomes come back as LinkUp and LinkDown.
type Links interface {
	SetSite(site string)
	SetNetworks(on wire.Networks) // that links may go over
	Dial(peer wire.EndpointID, attempt int)
	Signal(s wire.Signal)
	HangUp(peer wire.EndpointID)
}

// Link is a connection to one peer.
type Link interface {
	Peer() wire.EndpointID
	Attempt() int
	Relayed() bool
	SendCtl(f wire.Frame) error
	SendBulk(ctx context.Context, f wire.Frame) error
	Close(reason string)
}

// Origin fetches what a lease allows.
type Origin interface {
	FetchParts(ctx context.Context, lease wire.Lease, plainLen func(chunk uint32) uint32,
		each func(part wire.Part, plain []byte) error) error
	// FetchPatches does the same where parts are patches to what dictionary returns.
	FetchPatches(ctx context.Context, lease wire.Lease, plainLen func(chunk uint32) uint32,
		dictionary func(chunk uint32) ([]byte, error), each func(part wire.Part, plain []byte) error) error
	FetchBody(ctx context.Context, lease wire.Lease, max int64) ([]byte, error)
}

// Config is what an engine is made of. All fields but Refused and those that may be nil are required.
type Config struct {
	Uplink   Uplink
	Links    Links
	Origin   Origin
	Governor Governor
	Uploads  Uploads  // nil: they go as fast as they can
	Cache    *Cache   // nil: what was superseded stays for ever
	Manners  Manners  // nil: the computer is nobody else's
	Scrub    *Scrub   // nil: nothing is read but what is needed
	Staging  *Staging // nil: what is not to be used yet is forgotten with the process
	User     User     // nil: nobody here uses what is delivered
	Store    chunk.Store
	// Root verifies trust documents; Trust is the one held, and SaveTrust keeps a
	// newer one.
	Root      ed25519.PublicKey
	Trust     *content.Trust
	SaveTrust func(document json.RawMessage) error
	SetICE    func([]wire.ICE)
	// Clock is the server's time, and whether it is known; nil: as Uplink has it, once there
	// was a socket.
	Clock func() (time.Time, bool)
	// Attempts lists what became of the latest attempts at a link to a peer; nil: nobody
	// knows.
	Attempts func(peer wire.EndpointID) []wire.Attempt
	Refused  *wire.Refusals // counts what is refused of peers, origin and server
	Log      *slog.Logger
	// Seed makes choices between equals repeatable.
	Seed uint64
}

// Limits and delays.
const (
	inboxEvents = 256
	// batchEvents bounds the events applied before decisions are made.
	batchEvents = 64
	// ProgressInterval is how often an active flow reports.
	ProgressInterval = time.Second
	// AgainInterval is how often a flow that lacks something says so, though nothing
	// changed: the server tells from it who waits in vain from who sleeps.
	AgainInterval = 5 * time.Second
	// restAfter is how long after a completed flow memory is given back.
	restAfter = 15 * time.Second
	// retryFailed is when a flow that could not be stored is tried again.
	retryFailed = 30 * time.Second
)

// An event changes the engine. While apply runs it is the only code that does.
type event interface {
	apply(e *Engine, now time.Time)
}

// Engine is the state of one endpoint. The goroutine in Run owns it; everyone
// else speaks to it through the exported methods, none of which blocks for I/O.
type Engine struct {
	cfg   Config
	log   *slog.Logger
	inbox chan event
	done  chan struct{}
	open  registry
	gate  *gate
	wg    sync.WaitGroup

	manners Manners
	storing context.Context // ends when nothing more is to be stored
	stop    context.CancelFunc

	// mu guards the links by their rtc object, for frames that arrive, and what waits
	// to be stored.
	mu    sync.Mutex
	links map[Link]*link
	ended bool // nothing more is begun

	// Owned by Run.
	ctx        context.Context
	rng        *rand.Rand
	trust      *content.Trust
	flows      map[content.VersionID]*flow
	order      []content.VersionID // of flows, as first heard
	peers      map[wire.EndpointID]*link
	visitors   map[wire.EndpointID]visitor
	restraints []polite.Restraint
	leases     []*lease // as granted; the first unfinished one of a class is current
	connected  bool
	orphan     orphan
	cache      *keeper   // nil: nothing is evicted
	scrub      *scrubber // nil: nothing is checked
	sent       int64     // content bytes to peers
	begun      time.Time // with a clock that only runs forward
	busyAt     time.Time // when something was fetched or served last
	site       string
	toldVia    map[wire.EndpointID]time.Time // of what the governor says by way of the server
	generation uint64
	known      bool          // flows were heard: before, nobody knows what is wanted
	zone       string        // of the site
	reports    time.Duration // how often the server wants to hear of what came
	quarantine string        // why there is no site
	delivering delivering
	stager     stager
}

// New returns an engine that does nothing until Run.
func New(cfg Config) *Engine {
	storing, stop := context.WithCancel(context.Background())
	manners := cfg.Manners
	if manners == nil {
		manners = noManners{}
	}
	return &Engine{
		cfg: cfg, log: cfg.Log, manners: manners, storing: storing, stop: stop, scrub: newScrubber(cfg.Scrub),
		inbox: make(chan event, inboxEvents),
		done:  make(chan struct{}),
		open:  registry{versions: map[content.VersionID]served{}},
		gate:  newGate(),
		links: map[Link]*link{},
		rng:   rand.New(rand.NewPCG(cfg.Seed, cfg.Seed)),
		trust: cfg.Trust,
		cache: newKeeper(cfg.Cache),
		flows: map[content.VersionID]*flow{},
		peers: map[wire.EndpointID]*link{}, visitors: map[wire.EndpointID]visitor{}, toldVia: map[wire.EndpointID]time.Time{},
	}
}

// post hands an event to the loop, or drops it once the loop has ended. Never
// call it from apply.
func (e *Engine) post(ev event) bool {
	select {
	case e.inbox <- ev:
		return true
	case <-e.done:
		return false
	}
}

// postSoon hands over what is said anew soon: when the loop is behind, it is
// dropped. So two loops that tell each other things never wait for each other.
func (e *Engine) postSoon(ev event) {
	select {
	case e.inbox <- ev:
	default:
	}
}

// Run owns the engine until ctx ends, and returns when everything it started has
// returned. The store stays open.
func (e *Engine) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	e.ctx = ctx
	timer := time.NewTimer(0)
	defer timer.Stop()
	e.reopen()
	e.recall()
	e.begun, e.busyAt = time.Now(), time.Now()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case ev := <-e.inbox:
			ev.apply(e, time.Now())
			for range batchEvents {
				select {
				case ev := <-e.inbox:
					ev.apply(e, time.Now())
					continue
				default:
				}
				break
			}
		case <-e.usesChanged():
			e.cache.changed()
		case <-timer.C:
		}
		timer.Reset(e.act(time.Now()))
	}
	stop()
	e.stop()
	close(e.done)
	e.mu.Lock()
	e.ended = true
	e.mu.Unlock()
	for _, l := range e.peers {
		l.end()
	}
	e.wg.Wait()
	return nil
}

// act makes the decisions that are due and returns how long it can wait.
func (e *Engine) act(now time.Time) time.Duration {
	lapse := e.orphaned(now)
	e.startLeases(now)
	next := now.Add(time.Hour)
	sooner := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	sooner(lapse)
	for _, id := range e.order {
		sooner(e.advance(now, e.flows[id]))
	}
	e.deliver(now)
	e.obey()
	sooner(e.keepStaged(now))
	sooner(e.tend(now))
	sooner(e.scrubOn(now))
	return max(next.Sub(now), 0)
}

// Connected tells of a socket to the server; a resumed one goes on where the
// last stopped.
func (e *Engine) Connected(w wire.Welcome) { e.post(connected{w}) }

// Disconnected tells that the socket is gone.
func (e *Engine) Disconnected() { e.post(disconnected{}) }

// Heard hands over a message of the server.
func (e *Engine) Heard(kind wire.Kind, body any) { e.post(heard{kind, body}) }

// Lost tells that a chunk of a version did not match when it was read elsewhere than
// here: it is fetched again.
func (e *Engine) Lost(id content.VersionID, chunk uint32) { e.post(lostChunk{id, chunk}) }

// Signal sends a step of link set-up to the peer by way of the server, which also
// hears why a link was refused.
func (e *Engine) Signal(s wire.Signal) {
	e.cfg.Uplink.Send(wire.KindSignal, s)
	if code, detail, ok := strings.Cut(s.Refused, ": "); ok {
		e.cfg.Uplink.Send(wire.KindReport, wire.Report{Peer: s.To, Code: code, Detail: wire.Clip(detail)})
	}
}
