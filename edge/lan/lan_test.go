package lan_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/edge/lan"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// buffered is what a link takes before it lets its sender wait.
	buffered = 256 << 10
	base     = 500 * time.Microsecond
	step     = time.Millisecond
)

// idle is a computer whose programs never wait for a processor.
func idle() (time.Duration, bool) { return 0, true }

// cable is a link's way in fake time: one queue, which this endpoint's uploads share
// with whoever else sends. Ungoverned, uploads fill it as SCTP does.
type cable struct {
	// mu guards the rest.
	mu        sync.Mutex
	rate      float64 // bytes per second
	long      float64 // bytes that the queue holds
	takes     float64 // bytes per second that the receiver takes, 0 for all
	greedy    bool    // somebody else fills the queue
	pending   float64 // own bytes that wait in the link's buffer
	own, rest float64 // bytes in the queue, mixed well
	delivered float64
	room      chan struct{}
}

func newCable(t *testing.T, mbit float64) *cable {
	c := &cable{rate: mbit * 1e6 / 8, long: mbit * 1e6 / 8 / 10, room: make(chan struct{}, 1)}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(step)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				c.move()
			}
		}
	})
	t.Cleanup(func() { stop(); wg.Wait() })
	return c
}

// move lets a step pass.
func (c *cable) move() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.takes > 0 { // the receiver's processor is what limits, and no queue comes about
		n := min(c.pending, c.takes*step.Seconds())
		c.pending -= n
		c.delivered += n
	} else {
		if c.greedy {
			c.rest += max(0, min(0.8*c.long-c.own-c.rest, 2*c.rate*step.Seconds()))
		}
		n := min(c.pending, max(0, c.long-c.own-c.rest))
		c.pending -= n
		c.own += n
		if all := c.own + c.rest; all > 0 {
			out := min(all, c.rate*step.Seconds())
			c.delivered += out * c.own / all
			c.own, c.rest = c.own-out*c.own/all, c.rest-out*c.rest/all
		}
	}
	if c.pending < buffered {
		select {
		case c.room <- struct{}{}:
		default:
		}
	}
}

func (c *cable) send(ctx context.Context, n int) error {
	for {
		c.mu.Lock()
		if c.pending < buffered {
			c.pending += float64(n)
			c.mu.Unlock()
			return nil
		}
		c.mu.Unlock()
		select {
		case <-c.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *cable) queue() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Duration((c.own + c.rest) / c.rate * float64(time.Second))
}

func (c *cable) Probe(heard func(time.Duration)) bool {
	rtt := base + c.queue()
	time.AfterFunc(rtt, func() { heard(rtt) })
	return true
}

func (c *cable) Delivered() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int64(c.delivered)
}

// share is the part of the cable that uploads use in a while.
func (c *cable) share(span time.Duration) float64 {
	before := c.Delivered()
	time.Sleep(span)
	return float64(c.Delivered()-before) / span.Seconds() / c.rate
}

// governed starts a governor, and an upload over each cable that never ends.
func governed(t *testing.T, wireless bool, cables ...*cable) *lan.Governor {
	g := lan.New(lan.Config{Wireless: wireless, Waited: idle, Log: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = g.Run(ctx) })
	for _, c := range cables {
		u := g.Join(c)
		wg.Go(func() {
			defer u.Leave()
			for {
				n := min(u.Piece(), 64<<10)
				if u.Begin(ctx, n) != nil {
					return
				}
				err := c.send(ctx, n)
				u.Done()
				if err != nil {
					return
				}
			}
		})
	}
	t.Cleanup(func() { stop(); wg.Wait(); time.Sleep(5 * time.Second) }) // probes come back
	return g
}

func TestFastLANIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCable(t, 1000)
		g := governed(t, false, c)
		time.Sleep(5 * time.Second)
		if used := c.share(20 * time.Second); used < 0.99 || g.Status().Governed {
			t.Errorf("uploads use %.3f of a fast LAN, status %+v; want all of it ungoverned", used, g.Status())
		}
	})
}

// Processors limit uploads, too, but without a queue in the network.
func TestSlowReceiverIsNotTakenForASlowLAN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCable(t, 1000)
		c.takes = lan.SlowLAN / 10
		g := governed(t, false, c)
		time.Sleep(30 * time.Second)
		if g.Status().Governed {
			t.Errorf("status %+v, want nothing governed where the receiver is slow", g.Status())
		}
	})
}

func TestSlowLANIsNoticedAndUsedWithoutAQueue(t *testing.T) {
	for _, mbit := range []float64{2, 10, 50} {
		synctest.Test(t, func(t *testing.T) {
			c := newCable(t, mbit)
			g := governed(t, false, c)
			time.Sleep(10 * time.Second)
			if s := g.Status(); !s.Governed || s.Why == "" {
				t.Fatalf("%v Mbit/s: status %+v after 10 s, want uploads governed", mbit, s)
			}
			worst := time.Duration(0)
			before := c.Delivered()
			for range 2000 {
				time.Sleep(10 * time.Millisecond)
				worst = max(worst, c.queue())
			}
			if used := float64(c.Delivered()-before) / 20 / c.rate; used < 0.9 {
				t.Errorf("%v Mbit/s: uploads use %.3f of the cable, want 0.9; status %+v", mbit, used, g.Status())
			}
			packets := time.Duration(8 * 1514 / c.rate * float64(time.Second))
			if limit := max(30*time.Millisecond, packets); worst > limit {
				t.Errorf("%v Mbit/s: others would have waited %v, want %v at most", mbit, worst, limit)
			}
		})
	}
}

func TestUploadsStandBackForOthersAndComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCable(t, 10)
		g := governed(t, false, c)
		time.Sleep(15 * time.Second)
		c.mu.Lock()
		c.greedy = true
		c.mu.Unlock()
		time.Sleep(time.Second)
		if used := c.share(15 * time.Second); used > 0.05 {
			t.Errorf("uploads take %.3f of a cable that another fills, want 0.05 at most; status %+v", used, g.Status())
		}
		c.mu.Lock()
		c.greedy = false
		c.mu.Unlock()
		time.Sleep(12 * time.Second)
		if used := c.share(10 * time.Second); used < 0.9 {
			t.Errorf("uploads use %.3f of the cable after the other ended, want 0.9; status %+v", used, g.Status())
		}
	})
}

func TestWirelessLANIsGovernedFromTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCable(t, 40)
		g := governed(t, true, c)
		long := time.Duration(0)
		for range 300 {
			time.Sleep(10 * time.Millisecond)
			if c.queue() > 20*time.Millisecond {
				long += 10 * time.Millisecond
			}
		}
		// It takes one queue to learn what the air carries.
		if s := g.Status(); !s.Governed || long > 300*time.Millisecond {
			t.Errorf("others would have waited for long during %v of the first 3 s, status %+v; want one short queue", long, s)
		}
		time.Sleep(10 * time.Second)
		if used := c.share(20 * time.Second); used < 0.85 {
			t.Errorf("uploads use %.3f of the air, want 0.85; status %+v", used, g.Status())
		}
	})
}

// A queue before one of three peers is that peer's.
func TestOnePeersOwnQueueSlowsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, a, b := newCable(t, 10), newCable(t, 1000), newCable(t, 1000)
		g := governed(t, false, slow, a, b)
		time.Sleep(20 * time.Second)
		if g.Status().Governed {
			t.Errorf("status %+v, want the fast peers served ungoverned", g.Status())
		}
	})
}

func TestNothingRunsWhileNothingIsUploaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCable(t, 10)
		var probes atomic.Int64
		g := lan.New(lan.Config{Wireless: true, Waited: idle, Log: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = g.Run(ctx) }()
		u := g.Join(counted{c, &probes})
		if err := u.Begin(ctx, 1000); err != nil {
			t.Fatal(err)
		}
		u.Done()
		time.Sleep(5 * time.Second)
		before := probes.Load()
		time.Sleep(time.Hour)
		if n := probes.Load() - before; n > 0 {
			t.Errorf("%d probes in an hour without uploads", n)
		}
		u.Leave()
		stop()
		<-done
	})
}

type counted struct {
	*cable
	n *atomic.Int64
}

func (c counted) Probe(heard func(time.Duration)) bool {
	c.n.Add(1)
	return c.cable.Probe(heard)
}
