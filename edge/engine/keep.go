package engine

import (
	"context"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// What peers send is written beside the goroutine that receives it, version by
// version: a disk that is slow, or that the user needs, must hold up neither what else
// comes over the link (grants, pauses, the word of other versions) nor its other
// versions. What waits for the disk is not granted again to the peer, so memory stays
// bounded; and while much of a version waits, no more of it is asked for.

// Manners says when disk and processor may be used: they are also somebody else's.
type Manners interface {
	// Take waits until n bytes may be written or read, Lend until they may be sent to a
	// peer. What is urgent does not wait.
	Take(ctx context.Context, n int, urgent bool) error
	Lend(ctx context.Context, n int, urgent bool) error
	// Calm waits until nobody else needs the disk; told, which may be nil, hears why it
	// is not so yet.
	Calm(ctx context.Context, told func(why string)) error
}

// noManners takes the computer as it is.
type noManners struct{}

func (noManners) Take(context.Context, int, bool) error    { return nil }
func (noManners) Lend(context.Context, int, bool) error    { return nil }
func (noManners) Calm(context.Context, func(string)) error { return nil }

const (
	// maxBehind and behindTime are how much of a version may wait for the disk, and for
	// how long, until no more of it is asked for.
	maxBehind  = 1 << 20
	behindTime = time.Second
	// behindStep is how soon a flow that is behind looks again, if nothing arrives.
	behindStep = time.Second
)

// delivery is a chunk that came as a whole and waits for the disk.
type delivery struct {
	chunk uint32
	data  []byte
	came  time.Time
}

// keep has a chunk stored that a peer sent; the store hashes it.
func (e *Engine) keep(l *link, t target, data []byte) {
	l.down.waits(len(data))
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return
	}
	queue := l.kept[t.version]
	l.kept[t.version] = append(queue, delivery{t.chunk, data, time.Now()})
	if len(queue) == 0 {
		e.wg.Go(func() { e.keepAll(l, t.version) })
	}
}

// keepAll stores what came of a version over a link, in turn, until nothing waits.
func (e *Engine) keepAll(l *link, id content.VersionID) {
	for more := true; more; {
		e.mu.Lock()
		d := l.kept[id][0]
		e.mu.Unlock()
		e.keepOne(l, id, d)
		e.mu.Lock()
		rest := l.kept[id][1:] // the first stays while it is written: it waits, too
		if more = len(rest) > 0; more {
			l.kept[id] = rest
		} else {
			delete(l.kept, id)
		}
		e.mu.Unlock()
		if total := l.down.stored(len(d.data)); total > 0 {
			_ = l.SendCtl(wire.Frame{Kind: wire.FrameCredit, Total: total}) // a dead link is reported by its Down
		}
	}
}

func (e *Engine) keepOne(l *link, id content.VersionID, d delivery) {
	if e.yield(e.storing, id, len(d.data)) != nil {
		return // the engine ends
	}
	s, ok := e.open.get(id)
	if !ok || s.ver == nil {
		return // paused or gone meanwhile
	}
	from := chunk.Peer
	if l.Relayed() {
		from = chunk.Relay
	}
	_, err := s.ver.Put(d.chunk, d.data, from, 0)
	e.post(arrived{version: id, chunk: d.chunk, from: l, err: err})
}

// yield waits until n bytes of a version may be written: those of an urgent one always may.
func (e *Engine) yield(ctx context.Context, id content.VersionID, n int) error {
	return e.manners.Take(ctx, n, e.open.urgent(id))
}

// behind reports whether so much of f waits for the disk that no more should come.
func (e *Engine) behind(now time.Time, f *flow) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	waits := 0
	for _, l := range e.peers {
		for k, d := range l.kept[f.id] {
			if k == 0 && now.Sub(d.came) > behindTime {
				return true
			}
			waits += len(d.data)
		}
	}
	return waits > maxBehind
}
