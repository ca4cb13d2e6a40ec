// Package fleet is thousands of endpoints in one process, for a server to be measured
// with. To the server they are real: each enrols, proves its key, holds a socket of its
// own (edge/uplink's), and says what an endpoint says when an endpoint says it, with the
// same messages. What is behind that is simulated: links are up after a moment with nothing
// between, a site's line carries what the plan says, and chunks are bits that go from peer
// to peer. So flows progress, counters add up (one copy over the WAN, the rest from
// peers), and who is paused stands still; no content crosses a network.
//
// Endpoints do not verify heads, trust documents and statements of peers, which the
// server can't tell; they make statements as the server forwards them. They hold no
// versions but those they got, take no patches and reuse nothing.
//
// A goroutine leads some hundred endpoints, always whole places; each endpoint that is on
// costs two goroutines of its socket besides.
package fleet

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

const (
	// perShard is how many endpoints a goroutine leads, about.
	perShard = 256
	// Tick is how often a place where something goes on is looked at. What an operator
	// orders is obeyed when it is heard, and not at the next tick.
	Tick = 100 * time.Millisecond
)

// Config is what a fleet is made of.
type Config struct {
	Plan
	Server *url.URL
	TLS    *tls.Config // nil for what the system trusts
	// Dial opens the connections of a place's endpoints; nil: [From] where the server is
	// on loopback, else the computer's network.
	Dial func(Place) DialFunc
	// Enrol returns a token for an endpoint to enrol with that the server does not know;
	// nil: it knows all, as after [Seed].
	Enrol func(endpoint int) string
	// Report is how long it is between two reports of a flow, or of a line; zero: a second, as
	// agents have it. Rates that the server shows are those of some seconds, so with more than
	// five they come and go.
	Report time.Duration
	Log    *slog.Logger // nil: nothing is logged
}

// Fleet is endpoints and where they are. Its methods may be called from several
// goroutines while Run runs.
type Fleet struct {
	// Set by New, then constant.
	cfg       Config
	socket    string // its URL
	endpoints []*endpoint
	places    []*place
	shards    []*shard
	refused   wire.Refusals
	tally     tally
	done      chan struct{} // closed when Run is told to end

	// mu guards the rest.
	mu       sync.Mutex
	versions map[content.VersionID]*version
	on       map[*endpoint]*place // where each is that is on
}

// tally counts over all endpoints.
type tally struct {
	sent, heard, sockets, lost, denied, misplaced atomic.Int64 // see [Tally]
	why                                           atomic.Pointer[error]
}

// New returns a fleet of which nobody is on. Run must follow.
func New(cfg Config) (*Fleet, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	cfg.Report = cmp.Or(cfg.Report, progressEvery)
	scheme := map[string]string{"http": "ws", "https": "wss"}[cfg.Server.Scheme]
	if scheme == "" {
		return nil, errors.New("the server's URL is one of http or https")
	}
	socket := *cfg.Server
	socket.Scheme = scheme
	f := &Fleet{cfg: cfg, socket: socket.JoinPath(wire.PathSignal).String(), done: make(chan struct{}),
		versions: map[content.VersionID]*version{}, on: map[*endpoint]*place{}}
	dial := cfg.Dial
	if at, err := netip.ParseAddr(cfg.Server.Hostname()); dial == nil && err == nil && at.IsLoopback() {
		dial = func(p Place) DialFunc { return From(p.Host) }
	}
	each := max(perShard*cfg.Places/cfg.Endpoints, 1)
	for i := range cfg.Places {
		if i%each == 0 {
			f.shards = append(f.shards, newShard(f))
		}
		f.places = append(f.places, newPlace(f, f.shards[len(f.shards)-1], i, dial))
	}
	for k := range cfg.Endpoints {
		key := cfg.Key(k)
		f.endpoints = append(f.endpoints, &endpoint{fleet: f, index: k, key: key, id: wire.IDOf(key.Public().(ed25519.PublicKey)),
			name: cfg.Name(k), roams: cfg.Roams(k), copies: map[content.VersionID]*holding{}})
	}
	return f, nil
}

// Run lets the fleet live until ctx ends; then everybody leaves, and it returns when they
// have. It returns nil.
func (f *Fleet) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, s := range f.shards {
		wg.Go(func() { s.run(ctx) })
	}
	<-ctx.Done()
	close(f.done)
	wg.Wait()
	return nil
}

// Join switches an endpoint on, at the site where it enrolled. One that is on stays as it
// is.
func (f *Fleet) Join(endpoint int) { f.JoinAt(endpoint, f.cfg.Home(endpoint)) }

// JoinAt switches an endpoint on at a place: one that roams is at its site then, and one
// that does not is in quarantine where that is not its own.
func (f *Fleet) JoinAt(endpoint, where int) {
	e, p := f.endpoints[endpoint], f.places[where]
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.on[e] != nil {
		return
	}
	f.on[e] = p
	at := time.Now()
	p.shard.post(func(time.Time) { e.come(p, at) })
}

// Leave switches an endpoint off in order, and returns when it is off.
func (f *Fleet) Leave(endpoint int) {
	e := f.endpoints[endpoint]
	f.mu.Lock()
	p := f.on[e]
	f.mu.Unlock()
	if p == nil {
		return
	}
	gone := make(chan struct{})
	if !p.shard.post(func(now time.Time) { e.leave(now, gone) }) {
		return
	}
	select {
	case <-gone:
	case <-f.done:
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.on, e)
}

// Size is how many endpoints there are, on or off.
func (f *Fleet) Size() int { return len(f.endpoints) }

// Roams reports whether an endpoint roams.
func (f *Fleet) Roams(endpoint int) bool { return f.endpoints[endpoint].roams }

// version is what is known of a version, once for all.
func (f *Fleet) version(w *wire.Flow) (*version, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v := f.versions[w.ID]; v != nil {
		return v, nil
	}
	head, _, err := content.ReadHead(w.Head)
	if err != nil {
		return nil, err
	}
	v := &version{id: w.ID, head: head}
	f.versions[w.ID] = v
	return v, nil
}
