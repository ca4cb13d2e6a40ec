package polite

import (
	"context"
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
	// Pressure is for how long some program waited for a disk, ever; ok is false where
	// that is not known.
	Pressure func() (waited time.Duration, ok bool)
	// Own is for how long the store itself waited for it.
	Own func() time.Duration
	Log *slog.Logger
}

// Keeper holds a store to what is decided. Its methods may be called from several
// goroutines.
type Keeper struct {
	cfg  Config
	lim  *rate.Limiter
	wake chan struct{}

	// mu guards the rest.
	mu      sync.Mutex
	verdict Verdict
	used    time.Time // when somebody asked last
	awake   bool      // somebody looks at the disk
	moved   int64     // bytes asked for
	urgent  int64     // of them, past the bound
}

// New returns a keeper that lets its start rate go until Run.
func New(cfg Config) *Keeper {
	return &Keeper{cfg: cfg, lim: rate.NewLimiter(startRate, burst), wake: make(chan struct{}, 1),
		verdict: Verdict{Rising, startRate, "nothing was written or read yet"}}
}

// Run looks at the disk while there is a need, until ctx ends.
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
	for d := new(Decider); k.look(d, time.Now()); {
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
		k.cfg.Log.Debug("disk", "state", v.State, "reason", v.Reason)
	}
	k.verdict = v
	k.awake = now.Sub(k.used) < restAfter
	if !k.awake { // what was seen will be void when somebody asks again
		k.verdict = Verdict{Rising, startRate, "nothing was written or read lately"}
	}
	k.set(k.verdict.Rate)
	return k.awake
}

// set has the limiter let so much go.
func (k *Keeper) set(bytes int64) {
	limit := rate.Limit(bytes)
	if bytes == Unlimited {
		limit = rate.Inf
	}
	if k.lim.Limit() != limit {
		k.lim.SetLimit(limit)
	}
}

// ask notes that somebody needs the disk, for n bytes.
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

// Take waits until n bytes may be written or read. What is urgent does not wait.
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

// Calm waits until nobody else needs the disk; told, which may be nil, hears each
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
	Moved  int64  `json:"bytes"`        // written and read under it since the start
	Urgent int64  `json:"urgent_bytes"` // of them, past it because the flow is urgent
}

// Status returns what is decided now.
func (k *Keeper) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := Status{State: k.verdict.State, Rate: k.verdict.Rate, Reason: k.verdict.Reason, Moved: k.moved, Urgent: k.urgent}
	if s.Rate == Unlimited {
		s.Rate = 0
	}
	return s
}
