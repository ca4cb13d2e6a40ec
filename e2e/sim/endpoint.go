package sim

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"time"

	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// Endpoint is a machine: what outlives its agent.
type Endpoint struct {
	Name string
	ID   wire.EndpointID

	w     *World
	site  *Site
	index int
	store *store
	// Lines of events: of the machine itself, to and from the server, of its links, of
	// its fetches.
	line, up, down, lan, wan *stream

	lives   uint64
	agent   *agent   // nil while it is off
	plugged bool     // it reaches the server, if its site does
	heals   int      // of that
	frozen  bool     // its process is stopped: it hears and does nothing
	waiting []func() // what came while it was frozen
	slow    bool     // it takes from the origin at a twentieth of the rate
	stalled bool     // the origin sends it nothing
	liar    bool     // it says that it holds what it does not
	lied    bool     // since it was started
}

// agent is the software on an endpoint, from its start to its end. It implements
// what the engine needs: engine.Uplink, engine.Links and engine.Origin.
type agent struct {
	w    *World
	e    *Endpoint
	eng  *engine.Engine
	stop context.CancelFunc
	done chan struct{}
	dead bool

	// Of the uplink.
	session   string
	out       wire.Outbox
	in        wire.Inbox
	sock      *sock
	tries     int
	connected bool
	since     time.Time // the last welcome
	mendedAt  time.Time // the last end of a silent cut
	thawedAt  time.Time // the last end of a freeze

	dialogs map[*Endpoint]*dialog
	rate    int64 // granted
}

func newEndpoint(s *Site, name string) *Endpoint {
	w := s.w
	e := &Endpoint{Name: name, w: w, site: s, plugged: true, index: int(w.queue.streams.Load())}
	seed := seedOf(0)
	copy(seed, name)
	e.ID = wire.IDOf(ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey))
	e.line, e.up, e.down, e.lan, e.wan = w.queue.stream(), w.queue.stream(), w.queue.stream(), w.queue.stream(), w.queue.stream()
	e.store = newStore(e.line)
	return e
}

// takesPatches reports whether its software knows of patches, as two in three do.
func (e *Endpoint) takesPatches() bool { return e.Name[len(e.Name)-1]%3 != 0 }

// Running reports whether the endpoint is switched on.
func (e *Endpoint) Running() bool { return e.agent != nil }

// Start switches an endpoint on.
func (e *Endpoint) Start() {
	e.w.Tell("%s starts", e.Name)
	e.lives++
	a := &agent{w: e.w, e: e, done: make(chan struct{}), dialogs: map[*Endpoint]*dialog{}, rate: wire.Unlimited}
	a.eng = engine.New(engine.Config{
		Uplink: a, Links: a, Origin: a, Governor: a, Store: e.store, Root: stock().root, Trust: stock().trust,
		SaveTrust: func(json.RawMessage) error { return nil }, SetICE: func([]wire.ICE) {},
		Log: e.w.logger("agent", e.Name), Seed: e.w.plan.Seed + e.lives<<8 + uint64(e.index),
	})
	ctx, stop := context.WithCancel(context.Background())
	a.stop = stop
	go func() { defer close(a.done); _ = a.eng.Run(ctx) }()
	e.w.mu.Lock()
	e.agent, e.lied = a, e.liar
	e.w.mu.Unlock()
	e.line.alarm(time.Millisecond, func() { a.input(a.connect) })
}

// input hands something to the agent, later if it is frozen.
func (a *agent) input(do func()) {
	a.w.mu.Lock()
	if a.e.frozen && !a.dead {
		a.e.waiting = append(a.e.waiting, do)
		a.w.mu.Unlock()
		return
	}
	dead := a.dead
	a.w.mu.Unlock()
	if !dead {
		do()
	}
}

// Kill ends the agent as kill -9 does: nobody hears of it, and what the disk was
// not made to keep is gone.
func (e *Endpoint) Kill() {
	lost := e.kill()
	e.w.Tell("%s is killed, %d chunks were not durable", e.Name, lost)
}

func (e *Endpoint) kill() uint32 {
	k := e.agent.sock
	e.end()
	lost := e.store.crash()
	if k != nil && k.s != nil && k.s.sock == k && e.reaches() { // the kernel closes what it had open
		k.up.in(wanLatency, k.s.sockLost)
	}
	for _, d := range e.sortedDialogs() {
		d.vanish()
	}
	e.agent = nil
	return lost
}

// end stops the agent's goroutines; it says and does nothing any more.
func (e *Endpoint) end() {
	a := e.agent
	e.w.mu.Lock()
	a.dead, e.frozen, e.waiting = true, false, nil
	e.w.mu.Unlock()
	a.stop()
	<-a.done
}

// Stop ends the agent in order.
func (e *Endpoint) Stop() {
	e.w.Tell("%s stops", e.Name)
	k := e.agent.sock
	e.end()
	_ = e.store.Close()
	if k != nil && k.s != nil && k.s.sock == k && e.reaches() {
		k.up.in(wanLatency, k.s.sockLost)
	}
	for _, d := range e.sortedDialogs() {
		d.close("agent stops")
	}
	e.agent = nil
}

// lie changes what a liar says to the server. mu is held.
func (e *Endpoint) lie(kind wire.Kind, body any) any {
	p, ok := body.(wire.Progress)
	if !ok || !e.liar {
		return body
	}
	v := stock().byID[p.Flow]
	if v == nil || !p.Body {
		return body
	}
	all := content.NewBitmap(v.spec.Head.Chunks)
	for i := range v.spec.Head.Chunks {
		all.Set(i)
	}
	p.Have, p.Complete = []wire.Bits{{Bits: all}}, true
	for i := range p.Leases {
		p.Leases[i].Failed, p.Leases[i].Done = "", true
	}
	return p
}

// GoString is how a drawn endpoint is printed.
func (e *Endpoint) GoString() string { return e.Name }
