package display

import "context"

// Played is a program that a test plays.
type Played struct {
	Over      chan struct{} // closed by the test: it ended
	Refreshes bool
	Refreshed int
	Stopped   bool
}

func (p *Played) Ended() <-chan struct{} { return p.Over }
func (p *Played) Why() string            { return "played" }
func (p *Played) Stop()                  { p.Stopped = true }
func (p *Played) Refresh(context.Context) bool {
	p.Refreshed++
	return p.Refreshes
}

// Play has a test stand for the programs that are started.
func (o *Options) Play(next func() (*Played, error)) {
	o.launch = func(*Options) (screen, error) { return next() }
}

// The limits of patience.
const (
	Steady  = steady
	MaxWait = maxWait
	TooMany = tooMany
)
