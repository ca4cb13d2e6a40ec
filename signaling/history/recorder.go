// Package history keeps what sites showed in the last 24 hours, so that it can be looked at
// again as it was. Every Step what changed is written behind what was there, and now and then a whole picture,
// so that little has to be read for any moment; files of an hour are removed when they
// are a day old. What that takes is bounded on the disk: where more changes than fits in it, steps
// are further apart, and never less of the day.
package history

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/sitecast/sitecast/signaling/board"
)

const (
	// Step is how far apart steps are at least.
	Step = 10 * time.Second
	// maxStep is how far apart they are at most, also where much changes.
	maxStep = 10 * time.Minute
	// wholeEvery is how often a whole picture is written.
	wholeEvery = 10 * time.Minute
	// UsualBytes bounds the files unless another bound is given.
	UsualBytes = 1_000_000_000
	// LeastBytes is the lowest bound that is of use.
	LeastBytes = 16_000_000
	// hoursOfBytes is by how many hours the bound is divided: of those kept there are 25 at most.
	hoursOfBytes = 26
	// lookTimeout bounds the wait for sites.
	lookTimeout = 30 * time.Second
)

// Recorder writes down what a board shows.
type Recorder struct {
	// Set by New, then constant.
	*Store
	board *board.Board
	log   *slog.Logger

	// Owned by Run.
	was    []*board.Shown
	whole  time.Time // when a whole picture was written last; zero: the next one is
	budget budget
	quiet  bool // it was said that it can't be written
}

// New records into a store once it runs.
func New(to *Store, from *board.Board, log *slog.Logger) *Recorder {
	rate := float64(to.limit) / (hoursOfBytes * time.Hour).Seconds()
	return &Recorder{Store: to, board: from, log: log, budget: budget{rate: rate, most: rate * wholeEvery.Seconds(), left: rate * wholeEvery.Seconds()}}
}

// Run records until ctx ends. What can't be recorded is said once and tried again.
func (r *Recorder) Run(ctx context.Context) error {
	timer := time.NewTimer(Step)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		next, err := r.step(ctx)
		if err != nil {
			r.whole, r.was, next = time.Time{}, nil, Step
			if ctx.Err() == nil && !r.quiet {
				r.log.Warn("what sites show is not recorded; the portal can't look back at it", "err", err)
			}
		}
		r.quiet = err != nil
		r.forget(time.Now())
		timer.Reset(next)
	}
}

// step writes one, and says when the next one comes.
func (r *Recorder) step(ctx context.Context) (time.Duration, error) {
	ctx, stop := context.WithTimeout(ctx, lookTimeout)
	defer stop()
	if err := r.board.LookAtStirred(ctx); errors.Is(err, context.Canceled) {
		return 0, err // the rest is as it was when it was seen last
	}
	now, all := time.Now(), r.board.All()
	full := r.whole.IsZero() || now.Sub(r.whole) >= wholeEvery || r.begins(now)
	raw, err := appendStep(nil, r.was, all, full)
	if err != nil {
		return 0, err
	}
	text := appendFrame(nil, raw, now, full)
	next := r.budget.spend(now, len(text))
	seal(text, next)
	if err := r.append(text); err != nil {
		return 0, err
	}
	r.was = all
	if full {
		r.whole = now
	}
	return next, nil
}

// budget says how much may be written: bytes come at a rate, and some can be saved up.
type budget struct {
	rate, most float64 // a second, and saved up at most
	left       float64
	at         time.Time
}

// spend takes what was written, and returns how long to wait before more is.
func (b *budget) spend(now time.Time, bytes int) time.Duration {
	if !b.at.IsZero() {
		b.left = min(b.left+now.Sub(b.at).Seconds()*b.rate, b.most)
	}
	b.at = now
	b.left -= float64(bytes)
	return min(max(Step, time.Duration(-b.left/b.rate*float64(time.Second))), maxStep)
}
