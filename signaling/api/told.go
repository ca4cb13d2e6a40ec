package api

import (
	"sync"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// tellings are what the rest of the server is told of changes. A change with an
// Idempotency-Key is seen by others only once its answer is kept with it, while its
// handler tells of it before: whoever was told looks at once, and finds what was. So what
// is told while such a change is under way is told again when it is there to be seen. To
// be told twice harms nobody: all it does is to read again.
type tellings struct {
	mu   sync.Mutex
	open map[*toldAgain]bool
}

// toldAgain is what was told since a change began, by whomever: a change takes
// milliseconds, and at most [requestTimeout].
type toldAgain struct{ told []func() }

func (t *tellings) begin() *toldAgain {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = map[*toldAgain]bool{}
	}
	again := new(toldAgain)
	t.open[again] = true
	return again
}

// end tells it all again.
func (t *tellings) end(again *toldAgain) {
	t.mu.Lock()
	delete(t.open, again)
	told := again.told
	t.mu.Unlock()
	for _, tell := range told {
		tell()
	}
}

// tell tells now, and again with each change that is under way.
func (t *tellings) tell(tell func()) {
	tell()
	t.mu.Lock()
	defer t.mu.Unlock()
	for again := range t.open {
		again.told = append(again.told, tell)
	}
}

// toldHub is the hub as operations see it.
type toldHub struct {
	*site.Hub
	t *tellings
}

// Changed hides that of the hub.
func (h toldHub) Changed(name string) { h.t.tell(func() { h.Hub.Changed(name) }) }

// toldPlaces is what operations see of where endpoints are.
type toldPlaces struct {
	Places
	t *tellings
}

// Changed hides that of the places.
func (p toldPlaces) Changed() { p.t.tell(p.Places.Changed) }

// Expel hides that of the places: who comes back before it can be seen that it was revoked
// is sent away again.
func (p toldPlaces) Expel(id wire.EndpointID, why string) {
	p.t.tell(func() { p.Places.Expel(id, why) })
}

// PlaceAnew hides that of the places.
func (p toldPlaces) PlaceAnew(id wire.EndpointID, why string) {
	p.t.tell(func() { p.Places.PlaceAnew(id, why) })
}

// toldRollouts is what operations see of rollouts.
type toldRollouts struct {
	Rollouts
	t *tellings
}

// Wake hides that of the rollouts.
func (r toldRollouts) Wake() { r.t.tell(r.Rollouts.Wake) }

// through has all who are told of changes told by way of t.
func (t *tellings) through(cfg *Config) {
	again := func(f func(content.Ref)) func(content.Ref) {
		if f == nil {
			return nil
		}
		return func(ref content.Ref) { t.tell(func() { f(ref) }) }
	}
	cfg.Removed, cfg.Resigned = again(cfg.Removed), again(cfg.Resigned)
	if published := cfg.Published; published != nil {
		cfg.Published = func() { t.tell(published) }
	}
	if cfg.Rollouts != nil {
		cfg.Rollouts = toldRollouts{cfg.Rollouts, t}
	}
	if cfg.Places != nil {
		cfg.Places = toldPlaces{cfg.Places, t}
	}
}
