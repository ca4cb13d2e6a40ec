package lan

import (
	"context"
	"math"
	"time"

	"github.com/sitecast/sitecast/edge/governor"
)

// Path is the way to a peer.
type Path interface {
	// Probe measures a round trip beneath what waits to be sent; heard is called when
	// it ends, if ever. False means that this path can't be measured.
	Probe(heard func(rtt time.Duration)) bool
	// Delivered is how many bytes the peer acknowledged so far.
	Delivered() int64
}

// Upload is what goes to one peer. One goroutine at a time sends it.
type Upload struct {
	g    *Governor
	path Path

	// Guarded by the governor's mu.
	inside bool      // it waits, for its turn or for the network
	used   time.Time // when it last did
	base   governor.BaseDelay
	fresh  bool // queues[0] was not looked at
	queues [3]time.Duration
	heard  int // of queues

	seen int64 // delivered; owned by the governor's loop
}

// Join adds a path to a peer, until [Upload.Leave].
func (g *Governor) Join(p Path) *Upload {
	u := &Upload{g: g, path: p, seen: p.Delivered()}
	g.mu.Lock()
	g.uploads = append(g.uploads, u)
	g.mu.Unlock()
	u.probe() // while it is idle
	return u
}

// Leave ends it.
func (u *Upload) Leave() {
	g := u.g
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, o := range g.uploads {
		if o == u {
			g.uploads = append(g.uploads[:i:i], g.uploads[i+1:]...)
			return
		}
	}
}

// Piece is how many bytes should go at once at most: a short queue's worth of a slow
// LAN, and as many as one likes on others.
func (u *Upload) Piece() int {
	rate := u.g.rate()
	if math.IsInf(rate, 1) {
		return math.MaxInt
	}
	return max(int(rate*pieceTime.Seconds()), minPiece)
}

// Begin waits until n bytes may go to the peer. Done follows once they went.
func (u *Upload) Begin(ctx context.Context, n int) error {
	g, now := u.g, time.Now()
	g.mu.Lock()
	u.inside, u.used = true, now
	begins := g.resting
	g.resting = false
	g.mu.Unlock()
	if begins {
		g.probe(now) // before the first byte makes a queue
		g.wakeUp()
	}
	if err := g.bucket.take(ctx, n); err != nil {
		u.Done()
		return err
	}
	// What went before has left by now: a probe meets the queue of others.
	g.granted(time.Now(), n)
	return nil
}

// Done tells that the bytes of the last Begin are on their way.
func (u *Upload) Done() {
	u.g.mu.Lock()
	defer u.g.mu.Unlock()
	u.inside, u.used = false, time.Now()
}

// probe sends one.
func (u *Upload) probe() {
	u.path.Probe(func(rtt time.Duration) {
		g := u.g
		g.mu.Lock()
		defer g.mu.Unlock()
		now := time.Now()
		u.queues[2], u.queues[1] = u.queues[1], u.queues[0]
		u.queues[0] = rtt - u.base.Add(now, rtt)
		u.heard = min(u.heard+1, len(u.queues))
		u.fresh = true
	})
}

// queue is the least of the newest n that were measured. A peer answers from a busy
// processor, and radio delays single packets by itself: what holds only one or two up
// is no queue.
func (u *Upload) queue(n int) time.Duration {
	q := u.queues[0]
	for _, o := range u.queues[1:max(1, min(n, u.heard))] {
		q = min(q, o)
	}
	return q
}
