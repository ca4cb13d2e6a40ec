package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/evidence"
	"github.com/sitecast/sitecast/signaling/socket"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// retryMap is the wait before a map of networks that could not be read is read again.
const retryMap = time.Second

// places knows at which site everybody is who enrolled and is online, by the map of
// networks. Who is elsewhere by a new map is sent away, and is placed there when it
// connects again. Pages are where their token says.
type places struct {
	catalog catalog.Catalog
	log     *slog.Logger
	changed chan struct{}

	// mu guards the rest.
	mu     sync.Mutex
	by     *evidence.Map
	online map[wire.EndpointID]*presence
}

// presence is one endpoint that is online.
type presence struct {
	evidence.Standing
	session *socket.Session
	leaves  bool // it is elsewhere by now, and its session is about to end
}

// newPlaces reads the map.
func newPlaces(ctx context.Context, c catalog.Catalog, log *slog.Logger) (*places, error) {
	p := &places{catalog: c, log: log, changed: make(chan struct{}, 1), online: map[wire.EndpointID]*presence{}}
	by, err := p.read(ctx)
	p.by = by
	return p, err
}

func (p *places) read(ctx context.Context) (*evidence.Map, error) {
	networks, err := p.catalog.Networks(ctx)
	if err != nil {
		return nil, err
	}
	return evidence.NewMap(networks)
}

// Changed implements api.Places.
func (p *places) Changed() {
	select {
	case p.changed <- struct{}{}:
	default: // a change is waiting to be read already
	}
}

// run goes by each new map until ctx ends.
func (p *places) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.changed:
		}
		by, err := p.read(ctx)
		if err == nil {
			p.obey(by)
			continue
		}
		if ctx.Err() != nil {
			return nil
		}
		p.log.Error("reading the map of networks; everybody stays where they are", "err", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryMap):
			p.Changed()
		}
	}
}

// obey takes a map over, and sends away who is elsewhere by it.
func (p *places) obey(by *evidence.Map) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.by = by
	for _, e := range p.online {
		v := by.Weigh(e.Seen)
		if v.Site == e.session.Site {
			e.Verdict = v
			continue
		}
		p.log.Info("endpoint is elsewhere by the new map", "endpoint", e.ID.Short(), "from", e.session.Site, "to", v.Site, "why", v.Detail)
		e.leaves = true
		e.session.Close(wire.CodeMoved, v.Detail)
	}
}

// place implements what a socket asks.
func (p *places) place(ctx context.Context, who socket.Identity, hello wire.Hello, from netip.Addr) (socket.Identity, error) {
	if who.Visit != nil {
		return who, nil
	}
	ep, err := p.catalog.Endpoint(ctx, string(who.ID))
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		return who, &wire.RefusedError{Code: wire.CodeUnauthorized, Detail: "this endpoint is not enrolled here"}
	case err != nil:
		return who, fmt.Errorf("%w: %w", socket.ErrUnavailable, err)
	}
	who.Enrolled, who.Roaming = ep.Site, ep.Roaming
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.by.Weigh(seenOf(who.Enrolled, who.Roaming, hello, from))
	if who.Site = v.Site; v.Site == "" {
		who.Quarantine = v.Detail
	}
	if old := p.online[who.ID]; old != nil && old.session.Site != v.Site {
		old.leaves = true // the session that begins ends it
	}
	return who, nil
}

// seenOf is what is known of an endpoint. What its hello names twice or badly counts once
// or not.
func seenOf(enrolled string, roaming bool, hello wire.Hello, from netip.Addr) evidence.Seen {
	s := evidence.Seen{Public: from, Tunnelled: hello.Tunnelled, Enrolled: enrolled, Roaming: roaming}
	for _, text := range hello.Subnets {
		n, err := netip.ParsePrefix(text)
		if err != nil || slices.Contains(hello.Aside, text) || n.Addr().Is4In6() {
			continue
		}
		if n = n.Masked(); !slices.Contains(s.Networks, n) {
			s.Networks = append(s.Networks, n)
		}
	}
	slices.SortFunc(s.Networks, netip.Prefix.Compare)
	return s
}

// joined takes in a session. It reports false where the map says something else by now
// than when it was placed; then the session ends.
func (p *places) joined(session *socket.Session) bool {
	if session.Visit != nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := seenOf(session.Home, session.Roams, session.Hello, session.Remote)
	e := &presence{session: session, Standing: evidence.Standing{ID: session.ID, Name: session.Hello.Name, Since: time.Now(), Seen: seen, Verdict: p.by.Weigh(seen)}}
	if e.Site != session.Site {
		session.Close(wire.CodeMoved, e.Detail)
		return false
	}
	p.online[session.ID] = e
	if e.Site == "" {
		p.log.Warn("endpoint is in quarantine", "endpoint", session.ID.Short(), "name", session.Hello.Name, "why", e.Detail)
	}
	return true
}

// left forgets a session, and reports whether its endpoint is elsewhere by now.
func (p *places) left(session *socket.Session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.online[session.ID]
	if e == nil || e.session != session {
		return false
	}
	delete(p.online, session.ID)
	return e.leaves
}

// Standing implements api.Places.
func (p *places) Standing(id wire.EndpointID) (evidence.Standing, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.online[id]; e != nil {
		return e.Standing, true
	}
	return evidence.Standing{}, false
}

// Expel implements api.Places. Sites do it, too, but who is in quarantine is at none.
func (p *places) Expel(id wire.EndpointID, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.online[id]; e != nil {
		e.session.Close(wire.CodeUnauthorized, why)
	}
}

// PlaceAnew implements api.Places.
func (p *places) PlaceAnew(id wire.EndpointID, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.online[id]; e != nil {
		e.leaves = true // its session would be resumed as it was
		e.session.Close(wire.CodeMoved, why)
	}
}

// Standings implements api.Places.
func (p *places) Standings() []evidence.Standing {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]evidence.Standing, 0, len(p.online))
	for _, e := range p.online {
		all = append(all, e.Standing)
	}
	return all
}

// quarantined is how many are at no site.
func (p *places) quarantined() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.online {
		if e.Site == "" {
			n++
		}
	}
	return n
}
