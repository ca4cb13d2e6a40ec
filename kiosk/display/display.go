// Package display keeps a program on the screen of a kiosk: Chromium in kiosk mode, any
// other command, or none. A program that ends, or a page that crashes, is started again,
// later each time when it does not last; that it does not last is said, and never given
// up. When another version becomes active the screen shows that: Chromium opens the page
// anew, other programs are started anew. With the kiosk everything ends that the program
// started; what an end of the kiosk by force left behind is ended when it starts again.
package display

import (
	"context"
	"log/slog"
	"time"

	"github.com/sitecast/sitecast/kiosk/serve"
)

// None is the command for a screen that is somebody else's business.
const None = "none"

// Options are what a screen is made of.
type Options struct {
	Command  string       // None, chromium with further flags, or a command for the system's shell
	URL      string       // the page it shows
	Profile  string       // a folder of its own, which is made; no other display has it
	Source   serve.Source // whose active version it shows
	Log      *slog.Logger
	Anew     <-chan struct{} // has the program that runs started anew; nil: nobody asks for that
	OnChange func(State)     // hears of each change, from the goroutine of Run; nil for nobody

	launch func(*Options) (screen, error) // for tests; nil: a process
}

// Phase is what the screen does.
type Phase string

// The phases of a screen.
const (
	Off     Phase = "off"     // there is no program to keep
	Running Phase = "running" // it has a process
	Waiting Phase = "waiting" // it ended, and is started again soon
	Failing Phase = "failing" // it did not last several times in a row, and is started again all the same
)

// State is what is known of the screen.
type State struct {
	Phase Phase     `json:"phase"`
	Since time.Time `json:"since"`          // by the device's clock
	Ends  int       `json:"ends,omitempty"` // how often in a row it did not last
	Why   string    `json:"why,omitempty"`  // how it ended last
	Next  time.Time `json:"next,omitzero"`  // when it is started again; zero while it runs
}

// screen is a program that runs.
type screen interface {
	// Ended is closed when it has ended; then Why says how.
	Ended() <-chan struct{}
	Why() string
	// Refresh has it show what is active now. False: it has to be started anew.
	Refresh(ctx context.Context) bool
	// Stop ends it with all that it started, and returns when nothing of it is left.
	Stop()
}

// Run keeps the program on the screen until ctx ends; then nothing of it is left. It
// fails only where the command can never be run.
func Run(ctx context.Context, o Options) error {
	if o.OnChange == nil {
		o.OnChange = func(State) {}
	}
	if o.launch == nil {
		o.launch = launch
	}
	if o.Command == None {
		o.OnChange(State{Phase: Off, Since: time.Now()})
		<-ctx.Done()
		return nil
	}
	if err := o.check(); err != nil {
		return err
	}
	var p patience
	for ctx.Err() == nil {
		flipped := o.Source.Flipped() // before it starts, so that no flip is missed
		began := time.Now()
		why, expected := o.keep(ctx, flipped, p)
		if expected {
			continue
		}
		wait := p.ended(time.Since(began), why)
		o.Log.Warn("the screen's program ended", "why", why, "again_in", wait, "ends", p.ends)
		o.OnChange(p.state(Waiting, time.Now().Add(wait)))
		select {
		case <-time.After(wait):
		case <-o.Source.Flipped():
			p = patience{} // another version, another chance
		case <-ctx.Done():
		}
	}
	return nil
}

// keep starts the program and returns when it ended, with the reason, or (as expected)
// when it has to be started anew, as for another version, or stays away.
func (o *Options) keep(ctx context.Context, flipped <-chan struct{}, p patience) (why string, expected bool) {
	select {
	case <-o.Anew: // it is
	default:
	}
	s, err := o.launch(o)
	if err != nil {
		return err.Error(), false
	}
	defer s.Stop()
	o.OnChange(p.state(Running, time.Time{}))
	well := time.NewTimer(steady)
	defer well.Stop()
	for {
		select {
		case <-well.C:
			if p.ends > 0 {
				o.OnChange(patience{}.state(Running, time.Time{}))
			}
		case <-s.Ended():
			return s.Why(), ctx.Err() != nil
		case <-flipped:
			flipped = o.Source.Flipped()
			if !s.Refresh(ctx) {
				return "", true
			}
		case <-o.Anew:
			return "", true
		case <-ctx.Done():
			return "", true
		}
	}
}
