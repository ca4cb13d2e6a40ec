package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sitecast/sitecast/edge/origin"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/pack"
	"github.com/sitecast/sitecast/storage/patch"
)

const (
	// piece is what crosses the WAN at once.
	piece = 8 << 10
	// window is what may have crossed without being read.
	window = 64 << 10
	// slowdown is how much slower than the site a slow endpoint takes.
	slowdown = 20
)

// wan is a site's way to the origin: one pipe, which its fetches share in turn.
type wan struct {
	s    *Site
	line *stream
	rate int64

	// mu of the world guards the rest.
	up        bool  // the site is connected
	serving   bool  // the origin answers
	busy      bool  // a piece is on its way
	unread    int64 // crossed whole parts that nobody has taken or dropped yet
	transfers []*transfer
	turn      int
	look      time.Time // when serve is called next
}

// transfer is one fetch.
type transfer struct {
	a       *agent
	lease   wire.Lease
	parts   []wire.Part
	part    int   // that comes next
	got     int64 // of it
	out     chan wire.Part
	unread  int64 // in out, or in the hands of the reader
	err     error // why it ended early, before out is closed
	over    bool  // nothing more crosses
	left    bool  // the reader has returned
	started bool
	next    time.Time // not before, for its own pace
	heard   time.Time // the last piece, or the last time the wait was its own
}

func newWAN(s *Site, rate int64) *wan {
	return &wan{s: s, line: s.w.queue.stream(), rate: rate, up: true, serving: true}
}

var errRefused = errors.New("ask the origin: connection refused")

// Appointed implements engine.Governor: there is no other traffic here, so a fetcher
// takes its part of the bound, and nothing has to be granted.
func (a *agent) Appointed(w wire.Govern) {
	rate := int64(wire.Unlimited)
	if w.Bound != wire.Unlimited {
		rate = max(w.Bound/int64(max(len(w.Fetchers), 1)), 1)
	}
	a.w.mu.Lock()
	a.rate = rate
	a.w.mu.Unlock()
	a.e.wan.alarm(time.Microsecond, a.e.site.wan.serve)
}

// Granted implements engine.Governor.
func (a *agent) Granted(wire.Grant) {}

// Took implements engine.Governor.
func (a *agent) Took(wire.Taken) {}

// Forget implements engine.Governor.
func (a *agent) Forget() {}

// FetchParts implements engine.Origin.
func (a *agent) FetchParts(ctx context.Context, lease wire.Lease, plainLen func(uint32) uint32,
	each func(wire.Part, []byte) error) error {
	return a.e.site.wan.fetch(ctx, a, lease, lease.Parts, func(p wire.Part) error { return a.keep(lease, p, plainLen, each) })
}

// keep hands on a part that came.
func (a *agent) keep(lease wire.Lease, p wire.Part, plainLen func(uint32) uint32, each func(wire.Part, []byte) error) error {
	v := stock().byID[lease.Flow]
	if int(plainLen(p.Chunk)) != len(v.chunks[p.Chunk]) {
		return fmt.Errorf("chunk %d has %d bytes", p.Chunk, len(v.chunks[p.Chunk]))
	}
	err := each(p, v.chunks[p.Chunk])
	if err == nil {
		a.w.mu.Lock()
		a.e.site.books.fetched(a, lease, int(p.Chunk), int64(p.Length))
		a.w.mu.Unlock()
	}
	return err
}

// FetchPatches implements engine.Origin. Where patches are spoilt they make something
// else.
func (a *agent) FetchPatches(ctx context.Context, lease wire.Lease, plainLen func(uint32) uint32,
	dictionary func(uint32) ([]byte, error), each func(wire.Part, []byte) error) error {
	v := stock().byID[lease.Flow]
	return a.e.site.wan.fetch(ctx, a, lease, lease.Parts, func(p wire.Part) error {
		if pack.Encoding(p.Encoding) == pack.Patch {
			of, err := dictionary(p.Chunk)
			a.w.mu.Lock()
			if err == nil && !bytes.Equal(of, v.dictionary(p.Chunk)) {
				a.w.fault("%s makes chunk %d of %s of %d bytes that are not its dictionary", a.e.Name, p.Chunk, v.Name, len(of))
			}
			if err == nil && a.e.site.spoilt {
				err = errSpoilt
			}
			a.w.mu.Unlock()
			if err != nil {
				return fmt.Errorf("%w: %w", patch.ErrUnusable, err)
			}
		}
		return a.keep(lease, p, plainLen, each)
	})
}

var errSpoilt = errors.New("the patch makes something else")

// FetchBody implements engine.Origin.
func (a *agent) FetchBody(ctx context.Context, lease wire.Lease, limit int64) ([]byte, error) {
	v := stock().byID[lease.Flow]
	size := lease.To - lease.From
	if size > limit || size != int64(len(v.body)) {
		return nil, fmt.Errorf("body of %d bytes, limit %d", size, limit)
	}
	err := a.e.site.wan.fetch(ctx, a, lease, []wire.Part{{Length: uint32(size)}}, func(wire.Part) error {
		a.w.mu.Lock()
		a.e.site.books.fetched(a, lease, body, size)
		a.w.mu.Unlock()
		return nil
	})
	return slices.Clone(v.body), err
}

// fetch waits for the parts of a lease and hands them on as they come.
func (p *wan) fetch(ctx context.Context, a *agent, lease wire.Lease, parts []wire.Part, each func(wire.Part) error) error {
	t := &transfer{a: a, lease: lease, parts: parts, out: make(chan wire.Part, len(parts))}
	w := p.s.w
	w.mu.Lock()
	p.transfers = append(p.transfers, t)
	slices.SortFunc(p.transfers, func(x, y *transfer) int {
		return cmpOr(x.a.e.index-y.a.e.index, int(x.lease.Lease)-int(y.lease.Lease))
	})
	w.mu.Unlock()
	a.e.wan.alarm(2*wanLatency, func() { p.begin(t) })
	defer p.leave(t)
	for {
		select {
		case <-ctx.Done():
			w.mu.Lock()
			p.s.books.broke()
			w.mu.Unlock()
			// The origin hears of it half a round trip later.
			a.e.wan.alarm(wanLatency, func() { p.end(t, nil) })
			p.drain(t, each)
			return context.Cause(ctx)
		case part, more := <-t.out:
			if !more {
				w.mu.Lock()
				defer w.mu.Unlock()
				return t.err
			}
			err := each(part)
			w.mu.Lock()
			t.unread -= int64(part.Length)
			p.unread -= int64(part.Length)
			t.heard = time.Now() // the wait was the reader's
			if err != nil {
				p.s.books.broke()
			}
			w.mu.Unlock()
			a.e.wan.alarm(time.Microsecond, p.serve)
			if err != nil {
				a.e.wan.alarm(wanLatency, func() { p.end(t, nil) })
				return err
			}
		}
	}
}

// drain hands on what came before the fetch was stopped.
func (p *wan) drain(t *transfer, each func(wire.Part) error) {
	for {
		select {
		case part, more := <-t.out:
			if !more || each(part) != nil {
				return
			}
		default:
			return
		}
	}
}

// leave drops what came and was not read.
func (p *wan) leave(t *transfer) {
	p.s.w.mu.Lock()
	defer p.s.w.mu.Unlock()
	p.unread -= t.unread
	t.unread, t.left = 0, true
}

func cmpOr(a, b int) int {
	if a != 0 {
		return a
	}
	return b
}

func (p *wan) begin(t *transfer) {
	p.s.w.mu.Lock()
	t.started, t.heard = true, time.Now()
	p.s.w.mu.Unlock()
	switch {
	case !p.serving:
		p.end(t, errRefused)
		return
	case !p.up:
	default:
		p.kick()
	}
	p.watch(t)
}

// watch ends a transfer that gets nothing for long.
func (p *wan) watch(t *transfer) {
	p.s.w.mu.Lock()
	defer p.s.w.mu.Unlock()
	if t.unread >= window || p.pace(t) == 0 {
		t.heard = time.Now() // the wait is its own
	}
	left := origin.StallTimeout - time.Since(t.heard)
	switch {
	case t.over:
	case left > 0:
		t.a.e.wan.alarm(left, func() { p.watch(t) })
	default:
		t.a.e.wan.alarm(0, func() { p.end(t, origin.ErrStalled) })
	}
}

// end takes a transfer out.
func (p *wan) end(t *transfer, err error) {
	p.s.w.mu.Lock()
	defer p.s.w.mu.Unlock()
	if t.over {
		return
	}
	t.over, t.err = true, err
	close(t.out)
	p.transfers = slices.DeleteFunc(p.transfers, func(o *transfer) bool { return o == t })
	if err != nil {
		p.s.w.tell("%s: fetch of lease %d ends: %v", t.a.e.Name, t.lease.Lease, err)
		p.s.books.broke()
	}
}

// pace is how fast a transfer may go by itself; 0 is not at all.
func (p *wan) pace(t *transfer) int64 {
	pace := p.rate
	if t.a.e.slow {
		pace /= slowdown
	}
	if t.a.rate != wire.Unlimited {
		pace = min(pace, t.a.rate)
	}
	return pace
}

// kick looks whether something can cross.
func (p *wan) kick() { p.line.alarm(time.Microsecond, p.serve) }

// serve sends the next piece.
func (p *wan) serve() {
	p.s.w.mu.Lock()
	defer p.s.w.mu.Unlock()
	if p.busy || !p.up || !p.serving {
		return
	}
	now := time.Now()
	var soonest time.Time
	for k := range p.transfers {
		t := p.transfers[(p.turn+k)%len(p.transfers)]
		pace := p.pace(t)
		if !t.started || t.a.e.frozen || t.a.e.stalled {
			continue
		}
		if t.unread >= window {
			t.heard = now
			continue
		}
		if pace == 0 || t.next.After(now) {
			t.heard = now // the wait is its own
			if pace > 0 && (soonest.IsZero() || t.next.Before(soonest)) {
				soonest = t.next
			}
			continue
		}
		p.turn = (p.turn + k + 1) % len(p.transfers)
		n := min(piece, int64(t.parts[t.part].Length)-t.got)
		t.next = now.Add(time.Duration(n * int64(time.Second) / pace))
		p.busy = true
		p.line.alarm(time.Duration(n*int64(time.Second)/p.rate), func() { p.crossed(t, n) })
		return
	}
	if !soonest.IsZero() && (!p.look.After(now) || soonest.Before(p.look)) {
		p.look = soonest
		p.line.alarm(soonest.Sub(now), p.serve)
	}
}

// crossed counts a piece that has come.
func (p *wan) crossed(t *transfer, n int64) {
	p.s.w.mu.Lock()
	p.busy = false
	c := body
	if !t.lease.Body && t.part < len(t.parts) {
		c = int(t.parts[t.part].Chunk)
	}
	p.s.books.crossed(t, c, n)
	t.heard = time.Now()
	if t.got += n; !t.over && t.got >= int64(t.parts[t.part].Length) {
		t.out <- t.parts[t.part]
		if !t.left {
			t.unread += int64(t.parts[t.part].Length)
			p.unread += int64(t.parts[t.part].Length)
		}
		t.part, t.got = t.part+1, 0
	}
	done := t.part == len(t.parts)
	p.s.w.mu.Unlock()
	if done {
		p.end(t, nil)
	}
	p.serve()
}

// Fetching reports whether the endpoint takes something from the origin now.
func (e *Endpoint) Fetching() bool {
	e.w.mu.Lock()
	defer e.w.mu.Unlock()
	return e.agent != nil && slices.ContainsFunc(e.site.wan.transfers, func(t *transfer) bool { return t.a == e.agent })
}

// Disconnect cuts a whole site off from the server and the origin, Reconnect mends
// it.
func (s *Site) Disconnect(silent bool) {
	s.w.Tell("%s: WAN cut, silently %v", s.Name, silent)
	s.w.mu.Lock()
	s.wan.up = false
	s.w.mu.Unlock()
	for _, e := range s.Endpoints {
		e.deaf()
		e.cutOff(silent)
		e.checkLinks()
	}
}

// Reconnect mends what Disconnect cut.
func (s *Site) Reconnect() {
	s.w.Tell("%s: WAN mended", s.Name)
	s.w.mu.Lock()
	s.wan.up = true
	s.w.mu.Unlock()
	for _, e := range s.Endpoints {
		if e.plugged {
			e.mended()
		}
		e.checkLinks()
	}
	s.wan.kick()
}

// Connected reports whether the site's WAN is up.
func (s *Site) Connected() bool { return s.wan.up }

// Serving reports whether the origin serves the site.
func (s *Site) Serving() bool { return s.wan.serving }

// Origin lets the origin serve a site, or refuse everything.
func (s *Site) Origin(serving bool) {
	s.w.Tell("%s: origin serves: %v", s.Name, serving)
	s.w.mu.Lock()
	s.wan.serving = serving
	open := slices.Clone(s.wan.transfers)
	s.w.mu.Unlock()
	if !serving {
		for _, t := range open {
			if t.started {
				s.wan.end(t, errRefused)
			}
		}
	}
	s.wan.kick()
}
