package fleet

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/sitecast/sitecast/edge/uplink"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// software is what endpoints say that they run.
const software = "sitecast fleet"

// room is how much an endpoint would take into its store.
const room = 256 << 30

// endpoint is one device. The shard of the place where it is owns what is not constant;
// while it is off nobody does.
type endpoint struct {
	// Set by New, then constant.
	fleet *Fleet
	index int
	key   ed25519.PrivateKey
	id    wire.EndpointID
	name  string
	roams bool

	stay *stay // nil while it is off
	// copies are what it holds, also while it is off, and wanted those of flows, in order.
	copies map[content.VersionID]*holding
	wanted []*holding

	// Of the stay.
	open    bool        // there is a socket
	stocked *wire.Stock // as said last
	leases  []*lease
	credit  float64 // bytes of the line that no part was full with
	links   map[*endpoint]*link
	govern  governing

	asked   time.Time     // when it was switched on
	first   time.Time     // when it first obeyed what is wanted, since then
	reports time.Duration // how often it says what it got
	obeyed  uint64        // the highest generation, since it was switched on
	at      time.Time     // when it heard that
	moved   time.Time     // when a counter of it last grew
}

// stay is the time between switching on and off, with its socket. It hears what that
// says, and passes it to the shard.
type stay struct {
	e      *endpoint
	place  *place
	uplink *uplink.Uplink
	end    context.CancelFunc
	gone   chan struct{} // closed when the socket is
}

// Connected implements uplink.Handler.
func (s *stay) Connected(w wire.Welcome) {
	s.e.fleet.tally.sockets.Add(1)
	s.post(func(time.Time) { s.e.welcomed(w) })
}

// Disconnected implements uplink.Handler.
func (s *stay) Disconnected(error) {
	s.e.fleet.tally.lost.Add(1)
	s.post(func(time.Time) { s.e.open = false })
}

// Heard implements uplink.Handler.
func (s *stay) Heard(_ wire.Kind, body any) {
	s.e.fleet.tally.heard.Add(1)
	s.post(func(now time.Time) { s.e.heard(now, body) })
}

// post hands over what is of this stay, as long as it lasts.
func (s *stay) post(event func(now time.Time)) {
	s.place.shard.post(func(now time.Time) {
		if s.e.stay == s {
			event(now)
		}
	})
}

// come switches an endpoint on.
func (e *endpoint) come(at *place, asked time.Time) {
	f := e.fleet
	ctx, end := context.WithCancel(context.Background())
	s := &stay{e: e, place: at, end: end, gone: make(chan struct{})}
	var err error
	s.uplink, err = uplink.New(uplink.Config{URL: f.socket, Dial: at.dial, TLS: f.cfg.TLS, Handler: s, Refused: &f.refused, Log: quiet(f.cfg.Log, e.name),
		Token: func(ctx context.Context) (string, error) {
			token, err := e.token(ctx, at)
			if err != nil {
				f.tally.denied.Add(1)
				f.tally.why.Store(&err)
			}
			return token, err
		},
		Hello: func() wire.Hello {
			return wire.Hello{Version: wire.Version, Software: software, Name: e.name, Device: wire.DeviceAgent, Subnets: []string{at.LAN.String()}}
		}})
	if err != nil {
		panic(fmt.Sprintf("fleet: %v", err)) // New made sure of the URL
	}
	e.stay, e.asked, e.first, e.obeyed, e.at = s, asked, time.Time{}, 0, time.Time{}
	e.links, e.leases, e.wanted, e.govern = map[*endpoint]*link{}, nil, nil, governing{}
	at.here = append(at.here, e)
	at.byID[e.id] = e
	at.shard.stays.Go(func() {
		defer close(s.gone)
		_ = s.uplink.Run(ctx) // returns nil
	})
}

// quiet is a log of what endpoints have to say, which is the fleet's only where somebody
// looks.
func quiet(log *slog.Logger, name string) *slog.Logger {
	if !log.Enabled(context.Background(), slog.LevelDebug) {
		return slog.New(slog.DiscardHandler)
	}
	return log.With("endpoint", name)
}

// leave switches it off; gone is closed when its socket is.
func (e *endpoint) leave(now time.Time, gone chan struct{}) {
	s := e.stay
	for peer := range e.links {
		s.place.unlink(now, e, peer, "closed")
	}
	s.place.forget(e)
	e.stay, e.open = nil, false
	s.end()
	s.place.shard.stays.Go(func() {
		<-s.gone
		close(gone)
	})
}

// send says something to the server. What can't be said now is said anew in the next
// session.
func (e *endpoint) send(kind wire.Kind, body any) bool {
	if !e.open || !e.stay.uplink.Send(kind, body) {
		return false
	}
	e.fleet.tally.sent.Add(1)
	return true
}

// welcomed begins a session, or goes on with one.
func (e *endpoint) welcomed(w wire.Welcome) {
	e.open = true
	if w.Site != e.stay.place.Name {
		e.fleet.tally.misplaced.Add(1)
	}
	if w.Resumed {
		return
	}
	for _, h := range e.copies {
		h.reported, h.announced, h.dirty, h.reportedAt = nil, false, true, time.Time{}
	}
	for _, l := range e.leases {
		l.announce = true
	}
	e.stocked, e.govern = nil, governing{}
	e.stock()
	for peer, l := range e.links {
		if l.up {
			e.send(wire.KindLinked, wire.Linked{Peer: peer.id, Attempt: l.attempt, Up: true})
		}
	}
}

// heard obeys a message.
func (e *endpoint) heard(now time.Time, body any) {
	p := e.stay.place
	switch b := body.(type) {
	case *wire.Flow:
		e.desired(now, b)
	case *wire.Flows:
		e.closed(now, b)
	case *wire.Dial:
		p.offer(now, e, b)
	case *wire.Signal:
		p.signal(now, e, b)
	case *wire.HangUp:
		if peer := p.byID[b.Peer]; peer != nil {
			p.unlink(now, e, peer, "the server said so")
		}
	case *wire.Lease:
		e.granted(b)
	case *wire.Revoke:
		for _, l := range e.leases {
			if l.Epoch == b.Epoch && l.Lease.Lease == b.Lease {
				e.giveBack(l, "revoked")
			}
		}
	case *wire.Govern:
		e.govern = governing{Govern: *b}
	case *wire.Examine:
		out := wire.Examined{Question: b.Question, Peer: b.Peer}
		if l := e.links[p.byID[b.Peer]]; l != nil {
			out.Up = l.up
		}
		e.send(wire.KindExamined, out)
	}
}

// desired obeys one flow's desired state.
func (e *endpoint) desired(now time.Time, w *wire.Flow) {
	h := e.copies[w.ID]
	if h == nil {
		v, err := e.fleet.version(w)
		if err != nil {
			e.send(wire.KindProgress, wire.Progress{Flow: w.ID, Code: wire.CodeBadHead, Error: wire.Clip(err.Error())})
			return
		}
		h = newHolding(v)
		e.copies[w.ID] = h
	}
	if !slices.Contains(e.wanted, h) {
		e.wanted = append(e.wanted, h)
		h.reported, h.announced, h.dirty, h.reportedAt = nil, false, true, time.Time{}
	}
	h.priority = w.Priority
	if w.Paused != h.paused {
		h.paused, h.dirty, h.reportedAt = w.Paused, true, time.Time{}
		e.stay.place.stirred = true
	}
	if h.paused {
		for _, l := range e.leases {
			if l.Flow == w.ID {
				e.giveBack(l, "paused")
			}
		}
	}
	e.report(now, h)
}

// closed closes a generation: what is not listed is wanted no more, and what is purged
// goes.
func (e *endpoint) closed(now time.Time, w *wire.Flows) {
	e.wanted = slices.DeleteFunc(e.wanted, func(h *holding) bool {
		if slices.Contains(w.IDs, h.id) {
			return false
		}
		for _, l := range e.leases {
			if l.Flow == h.id {
				e.giveBack(l, "flow ended")
			}
		}
		return true
	})
	for id, h := range e.copies {
		purged := slices.ContainsFunc(w.Purges, func(p wire.Purge) bool { return p.Covers(h.spare()) })
		if !slices.Contains(e.wanted, h) && (purged || !h.complete) {
			delete(e.copies, id)
		}
	}
	e.reports = time.Duration(w.ReportMs) * time.Millisecond
	e.send(wire.KindObeyed, wire.Obeyed{Generation: w.Generation})
	if w.Generation > e.obeyed {
		e.obeyed, e.at = w.Generation, now
	}
	if e.first.IsZero() {
		e.first = now
	}
	e.stay.place.stirred = true
	e.stock()
}

// stock says what the store holds, where that changed.
func (e *endpoint) stock() {
	out := wire.Stock{Room: room, Free: room}
	for _, h := range e.copies {
		if h.complete {
			out.Holds = append(out.Holds, h.id)
		}
		if !slices.Contains(e.wanted, h) && len(out.Spare) < wire.MaxKeeping {
			out.Spare = append(out.Spare, h.spare())
		}
		out.Room, out.Free = out.Room-h.got(), out.Free-h.got()
	}
	slices.SortFunc(out.Holds, func(a, b content.VersionID) int { return cmp.Compare(a.String(), b.String()) })
	slices.SortFunc(out.Spare, func(a, b wire.Spare) int { return cmp.Compare(a.Serial, b.Serial) })
	if was := e.stocked; was != nil && slices.Equal(was.Holds, out.Holds) && slices.Equal(was.Spare, out.Spare) {
		return
	}
	if e.send(wire.KindStock, out) {
		e.stocked = &out
	}
}
