package sim

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// bulkBuffered is how much a link takes ahead of what it has carried, in time and
// bytes, whichever is more.
const (
	bufferTime  = 200 * time.Millisecond
	bufferBytes = 64 << 10
)

// cable is a link that is up: two ends, and the frames between them.
type cable struct {
	w       *World
	relayed bool
	rate    int64
	ends    [2]*end
	stuck   int // times that nothing flowed; owned by the goroutine that delivers

	// mu of the world guards the rest.
	closed bool
	held   [2][]func() // arrivals at an end that could not be
}

// end is one end of a cable; it implements engine.Link.
type end struct {
	c    *cable
	d    *dialog
	side int
	gone chan struct{}
	once sync.Once
	// What it sends, by channel. They do not share the rate, lest the order in which
	// goroutines use them matters.
	line [2]*stream
	busy [2]time.Time // until when it sends what it has taken; mu of the world guards it
}

func newCable(a, b *dialog, relayed bool) *cable {
	c := &cable{w: a.a.w, relayed: relayed, rate: a.a.w.plan.LAN}
	if relayed {
		c.rate /= 4
	}
	for side, d := range []*dialog{a, b} {
		c.ends[side] = &end{c: c, d: d, side: side, line: [2]*stream{c.w.queue.stream(), c.w.queue.stream()}, gone: make(chan struct{})}
	}
	return c
}

func (c *cable) latency() time.Duration {
	if c.relayed {
		return relayLatency
	}
	return lanLatency
}

// carries reports whether packets pass.
func (c *cable) carries() bool {
	a, b := c.ends[0].d.a, c.ends[1].d.a
	switch {
	case a.dead || b.dead || a.e.frozen || b.e.frozen:
		return false
	case c.relayed:
		return a.e.site.wan.up
	}
	return !c.w.pair(a.e, b.e).blocked
}

// shut ends one side; nothing arrives anywhere any more.
func (c *cable) shut(side int) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.closed = true
	c.ends[side].once.Do(func() { close(c.ends[side].gone) })
}

// flush delivers what was held back, before anything that is on its way now.
func (c *cable) flush() {
	c.w.mu.Lock()
	held := c.held
	c.held = [2][]func(){}
	c.w.mu.Unlock()
	for _, do := range slices.Concat(held[0], held[1]) {
		do()
		synctest.Wait()
	}
}

// Peer implements engine.Link.
func (l *end) Peer() wire.EndpointID { return l.d.peer.ID }

// Attempt implements engine.Link.
func (l *end) Attempt() int { return l.d.attempt }

// Relayed implements engine.Link.
func (l *end) Relayed() bool { return l.c.relayed }

var errClosed = errors.New("link is closed")

// SendCtl implements engine.Link.
func (l *end) SendCtl(f wire.Frame) error {
	l.c.w.mu.Lock()
	defer l.c.w.mu.Unlock()
	return l.send(f)
}

// SendBulk implements engine.Link.
func (l *end) SendBulk(ctx context.Context, f wire.Frame) error {
	for {
		l.c.w.mu.Lock()
		ahead := max(bufferTime, time.Duration(bufferBytes*int64(time.Second)/l.c.rate))
		wait := max(time.Until(l.busy[wire.ChannelBulk]), 0) - ahead
		if !l.c.closed && !l.c.carries() {
			wait = max(wait, 50*time.Millisecond)
		}
		if wait <= 0 {
			err := l.send(f)
			l.c.w.mu.Unlock()
			return err
		}
		l.c.w.mu.Unlock()
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		case <-l.gone:
			return errClosed
		}
	}
}

// send puts a frame on its way. mu is held.
func (l *end) send(f wire.Frame) error {
	if l.c.closed || l.d.a.dead {
		return errClosed
	}
	l.d.a.e.site.books.frame(l, &f)
	text := wire.AppendFrame(nil, f)
	now, busy := time.Now(), &l.busy[f.Kind.Channel()]
	if busy.Before(now) {
		*busy = now
	}
	*busy = busy.Add(time.Duration(int64(len(text)) * int64(time.Second) / l.c.rate))
	l.line[f.Kind.Channel()].in(busy.Sub(now)+l.c.latency(), func() { l.c.arrive(1-l.side, text) })
	return nil
}

// arrive hands a frame to the agent at an end.
func (c *cable) arrive(side int, text []byte) {
	c.w.mu.Lock()
	if c.closed || c.ends[side].d.over {
		c.w.mu.Unlock()
		return
	}
	if !c.carries() {
		c.held[side] = append(c.held[side], func() { c.arrive(side, text) })
		c.w.mu.Unlock()
		return
	}
	f, err := wire.ParseFrame(text)
	if err != nil {
		c.w.fault("%s sends a frame that breaks the protocol: %v", c.ends[1-side].d.a.e.Name, err)
	}
	c.w.mu.Unlock()
	if err != nil {
		return
	}
	at := c.ends[side]
	at.d.a.input(func() {
		if f.Kind.Channel() == wire.ChannelBulk {
			at.d.a.eng.Bulk(at, f)
		} else {
			at.d.a.eng.Ctl(at, f)
		}
	})
}

// Close implements engine.Link. The engine calls it from its loop, so the end comes
// as an event.
func (l *end) Close(reason string) {
	l.d.a.e.lan.in(time.Microsecond, func() { l.d.a.input(func() { l.d.close(reason) }) })
}
