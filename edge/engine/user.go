package engine

import (
	"bytes"
	"slices"
	"time"

	"github.com/sitecast/sitecast/edge/staging"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// User is what on this computer uses the versions that are delivered, as a kiosk does.
// The engine's loop calls it, so its methods must not block.
type User interface {
	// Delivered is told what there is, at first and whenever that changed.
	Delivered(d Delivered)
	// Uses says what of it is in use, and Changed is sent to when that became another.
	Uses() Uses
	Changed() <-chan struct{}
}

// Delivered is what there is.
type Delivered struct {
	Versions []Delivery // not to be changed
	Known    bool       // the server said what is wanted: before, nobody knows
	// Now is the server's time at the call; zero while it was never heard.
	Now  time.Time
	Zone string // of the site, by its IANA name; empty: it has none
	// Blocks are versions that are not to be used, whatever there is of them. Not to be
	// changed.
	Blocks staging.Blocks
}

// Delivery is a version that the store holds, or is about to.
type Delivery struct {
	ID   content.VersionID
	Head content.Head
	// Have is how much of it is there, in sixty-fourths.
	Have     int
	Complete bool // and visible at its place
	// Wanted says that it is distributed to this endpoint to be used: not a copy that the
	// site keeps, or gets ahead of need, and nothing whose publisher's key was revoked.
	Wanted bool
	// Held says that it is not to be used until that is over, and At that it is from then
	// on, by the server's time and whether or not it can be asked then; zero: it is not that.
	Held bool
	At   time.Time
	// Retry is the generation in which an operator last wished that it is tried again where
	// it failed; 0: never, as far as this process was told.
	Retry uint64
}

// Uses is what is in use.
type Uses struct {
	Keep       []content.VersionID // that are not removed, whatever needs the room
	Activation *Activation         // told to the server
}

// Activation and Activated say which version of a content is used, and how that came
// about.
type (
	Activation = wire.Activation
	Activated  = wire.Activated
)

// MaxActivated bounds the history of an activation.
const MaxActivated = wire.MaxActivated

// Clip makes text fit the reasons of an activation.
func Clip(text string) string { return wire.Clip(text) }

// delivering is what the user was told last.
type delivering struct {
	told  []Delivery // nil: nothing yet
	spare []Delivery // for the next
	circumstances
	blocks staging.Blocks
	offset time.Duration // of the server's time, as it was told
}

// circumstances are what is told beside the versions.
type circumstances struct {
	known     bool   // the server said what is wanted
	zone      string // of the site
	clock     bool   // the server's time is known
	connected bool   // with each socket it is known better
}

// jump is how far the server's time may move against the clock of this process until the
// user is told: it was asleep.
const jump = 250 * time.Millisecond

// deliver tells the user what there is, when that is new.
func (e *Engine) deliver(at time.Time) {
	if e.cfg.User == nil {
		return
	}
	d := &e.delivering
	server := e.serverNow()
	now := circumstances{e.known, e.zone, !server.IsZero(), e.connected}
	offset := e.offset(at, server)
	d.spare = d.spare[:0]
	for _, f := range e.flows {
		if v := e.delivery(f); v.Complete || v.Wanted {
			d.spare = append(d.spare, v)
		}
	}
	slices.SortFunc(d.spare, func(a, b Delivery) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	if d.told != nil && now == d.circumstances && slices.Equal(d.spare, d.told) && slices.Equal(d.blocks, e.stager.blocks) &&
		(offset-d.offset).Abs() < jump {
		return
	}
	d.told, d.circumstances, d.blocks, d.offset = append([]Delivery{}, d.spare...), now, e.stager.blocks, offset
	e.cfg.User.Delivered(Delivered{Versions: d.told, Known: now.known, Zone: now.zone, Now: server, Blocks: d.blocks})
}

// offset is how far the server's time is ahead of how long this process runs, whatever the
// device's clock is set to; 0 while it is not known.
func (e *Engine) offset(now, server time.Time) time.Duration {
	if server.IsZero() {
		return 0
	}
	return server.Sub(e.begun.Round(0)) - now.Sub(e.begun)
}

func (e *Engine) delivery(f *flow) Delivery {
	going := false
	if e.cache != nil {
		_, going = e.cache.going[f.id]
	}
	_, blocked := e.stager.blocks.Of(f.head.Ref())
	v := Delivery{ID: f.id, Head: f.head, Complete: f.stored && f.whole && !going && !blocked, Held: f.when.Held, At: f.when.At, Retry: f.retry,
		Wanted: !f.beside && f.distrust == "" && slices.Contains(e.order, f.id)}
	switch {
	case v.Complete:
		v.Have = 64
	case f.swarm != nil:
		v.Have = int(64 * uint64(f.head.Chunks-f.swarm.Missing()) / uint64(max(f.head.Chunks, 1)))
	}
	return v
}

// uses is what the user uses.
func (e *Engine) uses() Uses {
	if e.cfg.User == nil {
		return Uses{}
	}
	return e.cfg.User.Uses()
}

// usesChanged is sent to when what is in use became another; nil: nobody uses anything.
func (e *Engine) usesChanged() <-chan struct{} {
	if e.cfg.User == nil {
		return nil
	}
	return e.cfg.User.Changed()
}
