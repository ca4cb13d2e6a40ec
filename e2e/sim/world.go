// Package sim is a world for random stories: sites of endpoints that run the real
// engine, under a server that runs the real loop of each site, on a network, an
// origin and disks that exist only in memory and in fake time. Everything that can
// break does so on demand, and the world keeps books of what must never happen
// (see [World.Faults]).
//
// It lives in one testing/synctest bubble. All that travels (messages, frames,
// bytes of the origin) waits in one queue, and one goroutine, the one that calls
// [World.Pass], delivers it piece by piece: what one piece brings about is over
// before the next is delivered. So a story is told again by its steps and seed, but
// for what depends inside an engine or a site on the order in which goroutines of one
// instant run or a map is walked: now and then that is one frame more or less.
package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"
)

// Plan is what a world is made of.
type Plan struct {
	// Endpoints of each site.
	Sites []int
	// WAN is what a site takes from the origin, bytes per second.
	WAN int64
	// LAN is what one link carries in one direction, bytes per second.
	LAN int64
	// Relay says whether there is a relay for links that can't be made directly.
	Relay bool
	Seed  uint64
}

// Delays of the network.
const (
	wanLatency   = 20 * time.Millisecond // one way
	lanLatency   = 500 * time.Microsecond
	relayLatency = 45 * time.Millisecond
)

// World is everything there is. Its methods are called by one goroutine, inside a
// bubble.
type World struct {
	Sites []*Site

	plan   Plan
	start  time.Time
	queue  queue
	server *server
	pairs  map[[2]*Endpoint]*pair // set by New, then constant

	// mu guards everything below, and all that sites, endpoints and links hold that
	// is not said to be constant. Nobody calls an engine or a site's loop with it held.
	mu      sync.Mutex
	rng     *rand.Rand // used by the goroutine that delivers
	links   int        // begun so far
	history []string
	faults  []string
	log     []string
}

// Site is one site: its endpoints, its way to the origin, and what is wanted of it.
type Site struct {
	Name      string
	Endpoints []*Endpoint

	w     *World
	wan   *wan
	books *books
	loop  *loop // nil while the server is down
	want  desired

	spoilt bool // its patches make something else
}

// New makes a world whose server runs and whose endpoints are switched off.
func New(plan Plan) *World {
	w := &World{plan: plan, start: time.Now(), rng: rand.New(rand.NewPCG(plan.Seed, 1)),
		pairs: map[[2]*Endpoint]*pair{}}
	w.queue.wake = make(chan struct{}, 1)
	for i, n := range plan.Sites {
		s := &Site{Name: fmt.Sprintf("site-%d", i+1), w: w, want: newDesired()}
		s.books = newBooks(s)
		s.wan = newWAN(s, plan.WAN)
		for k := range n {
			s.Endpoints = append(s.Endpoints, newEndpoint(s, fmt.Sprintf("%c%d", 'a'+rune(i), k+1)))
		}
		w.pairUp(s)
		w.Sites = append(w.Sites, s)
	}
	w.server = newServer(w)
	w.server.start()
	return w
}

// Close ends everything; afterwards no goroutine of the world runs.
func (w *World) Close() {
	for _, e := range w.endpoints() {
		if e.Running() {
			e.kill()
		}
	}
	w.server.stop()
	synctest.Wait()
}

func (w *World) endpoints() (all []*Endpoint) {
	for _, s := range w.Sites {
		all = append(all, s.Endpoints...)
	}
	return all
}

// Pass lets time go by, delivering what becomes due.
func (w *World) Pass(d time.Duration) {
	synctest.Wait()
	until := time.Now().Add(d)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next, ok := w.queue.next()
		if !ok || next.After(until) {
			next = until
		}
		if wait := time.Until(next); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-w.queue.wake: // something earlier may have come
			}
			synctest.Wait()
			continue
		}
		ev, ok := w.queue.pop(time.Now())
		if !ok {
			return
		}
		ev.do()
		synctest.Wait()
	}
}

// Events is how many deliveries there were.
func (w *World) Events() uint64 { return w.queue.popped }

// Tell adds a line to the history.
func (w *World) Tell(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell(format, args...)
}

func (w *World) tell(format string, args ...any) {
	w.history = append(w.history, fmt.Sprintf("%9.3f  ", time.Since(w.start).Seconds())+fmt.Sprintf(format, args...))
}

// maxFaults bounds what is written down once something is wrong.
const maxFaults = 20

// fault writes down that a promise was broken. mu is held.
func (w *World) fault(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if len(w.faults) >= maxFaults {
		return
	}
	w.faults = append(w.faults, text)
	w.tell("WRONG: %s", text)
}

// Faults lists the promises broken so far.
func (w *World) Faults() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.faults)
}

// History is what happened, for people.
func (w *World) History() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.history, "\n")
}
