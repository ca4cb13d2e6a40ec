package polite

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// burst is what may go at once, so that a commit is not many small ones.
	burst = 1 << 20
	// restAfter is how long after the last byte nobody looks at the disk any more.
	restAfter = 5 * time.Second
	// calmStep is how often who waits for a calm disk looks again.
	calmStep = time.Second
)

// Config is what a keeper is made of. All fields are required.
type Config struct {
	Of Thing
	// Pressure is for how long some program waited for it, ever; ok is false where
	// that is not known.
	Pressure func() (waited time.Duration, ok bool)
	// Own is for how long this program itself waited for it.
	Own func() time.Duration
	Log *slog.Logger
}

// Keeper holds what moves to what is decided of one thing. Its methods may be called from several
// goroutines.
type Keeper struct {
	cfg  Config
	lim  *rate.Limiter
	wake chan struct{}

	// mu guards the rest.
	mu      sync.Mutex
	verdict Verdict
	most    int64     // a bound besides, bytes a second
	busy    time.Time // when others needed it last
	used    time.Time // when somebody asked last
	awake   bool      // somebody looks at the disk
	moved   int64     // bytes asked for
	urgent  int64     // of them, past the bound
}

// New returns a keeper that lets its start rate go until Run.
func New(cfg Config) *Keeper {
	return &Keeper{cfg: cfg, lim: rate.NewLimiter(startRate, burst), wake: make(chan struct{}, 1),
		most: Unlimited, verdict: Verdict{Rising, startRate, "nothing was moved yet"}}
}

// Run looks while there is a need, until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-k.wake:
		}
		if err := k.watch(ctx); err != nil {
			return err
		}
	}
}

// watch looks until nobody has asked for a while.
func (k *Keeper) watch(ctx context.Context) error {
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	for d := NewDecider(k.cfg.Of); k.look(d, time.Now()); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
	return nil
}

// look decides once, and reports whether it is still worth while.
func (k *Keeper) look(d *Decider, now time.Time) bool {
	waited, known := k.cfg.Pressure()
	v := d.Decide(now, Look{waited, known, k.cfg.Own()})
	k.mu.Lock()
	defer k.mu.Unlock()
	if v.State != k.verdict.State {
		k.cfg.Log.Debug("pressure", "of", k.cfg.Of, "state", v.State, "reason", v.Reason)
	}
	k.verdict = v
	if v.Busy() {
		k.busy = now
	}
	k.awake = now.Sub(k.used) < restAfter
	if !k.awake { // what was seen will be void when somebody asks again
		k.verdict = Verdict{Rising, startRate, "nothing was moved lately"}
	}
	k.set()
	return k.awake
}

// Bound holds what moves to so many bytes a second besides; Unlimited ends that.
func (k *Keeper) Bound(most int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.most = most
	k.set()
}

// set has the limiter let go what may. mu is held.
func (k *Keeper) set() {
	bytes := min(k.verdict.Rate, k.most)
	limit := rate.Limit(bytes)
	if bytes == Unlimited {
		limit = rate.Inf
	}
	if k.lim.Limit() != limit {
		k.lim.SetLimit(limit)
	}
}

// ask notes that somebody needs it, for n bytes.
func (k *Keeper) ask(n int, urgent bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.used = time.Now()
	k.moved += int64(n)
	if urgent {
		k.urgent += int64(n)
	}
	if !k.awake {
		k.awake = true
		select {
		case k.wake <- struct{}{}:
		default:
		}
	}
}

// Take waits until n bytes may be moved. What is urgent does not wait.
func (k *Keeper) Take(ctx context.Context, n int, urgent bool) error {
	k.ask(n, urgent)
	if urgent {
		return nil
	}
	for ; n > burst; n -= burst {
		if err := k.lim.WaitN(ctx, burst); err != nil {
			return err
		}
	}
	return k.lim.WaitN(ctx, n)
}

// lately is how long ago others may have needed it to count: they come and go.
const lately = 10 * time.Second

// Yielded says why content moves at the floor, or did a moment ago; empty where it
// does not.
func (k *Keeper) Yielded() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.busy.IsZero() || time.Since(k.busy) > lately {
		return ""
	}
	return fmt.Sprintf("other programs use the %s: it moves at most %d KiB/s while they do", k.cfg.Of, k.cfg.Of.Floor()>>10)
}

// Calm waits until nobody else needs it; told, which may be nil, hears each
// time why it is not so yet.
func (k *Keeper) Calm(ctx context.Context, told func(why string)) error {
	for {
		k.ask(0, false)
		k.mu.Lock()
		v := k.verdict
		k.mu.Unlock()
		if !v.Busy() {
			return nil
		}
		if told != nil {
			told(v.Reason)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(calmStep):
		}
	}
}

// Status is what the agent shows.
type Status struct {
	State  State  `json:"state"`
	Rate   int64  `json:"bytes_per_second,omitempty"` // the bound; none is 0
	Reason string `json:"reason"`
	Moved  int64  `json:"bytes"`        // moved under it since the start
	Urgent int64  `json:"urgent_bytes"` // of them, past it because the flow is urgent
}

// Status returns what is decided now.
func (k *Keeper) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := Status{State: k.verdict.State, Rate: min(k.verdict.Rate, k.most), Reason: k.verdict.Reason, Moved: k.moved, Urgent: k.urgent}
	if s.Rate == Unlimited {
		s.Rate = 0
	}
	return s
}
