package engine

import (
	"bytes"
	"slices"
	"time"

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
}

// circumstances are what is told beside the versions.
type circumstances struct {
	known     bool   // the server said what is wanted
	zone      string // of the site
	clock     bool   // the server's time is known
	connected bool   // with each socket it is known better
}

// deliver tells the user what there is, when that is new.
func (e *Engine) deliver() {
	if e.cfg.User == nil {
		return
	}
	d := &e.delivering
	now := circumstances{e.known, e.zone, d.clock || e.connected, e.connected}
	d.spare = d.spare[:0]
	for _, f := range e.flows {
		if v := e.delivery(f); v.Complete || v.Wanted {
			d.spare = append(d.spare, v)
		}
	}
	slices.SortFunc(d.spare, func(a, b Delivery) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	if d.told != nil && now == d.circumstances && slices.Equal(d.spare, d.told) {
		return
	}
	d.told, d.circumstances = append([]Delivery{}, d.spare...), now
	out := Delivered{Versions: d.told, Known: now.known, Zone: now.zone}
	if now.clock {
		out.Now = e.cfg.Uplink.Now()
	}
	e.cfg.User.Delivered(out)
}

func (e *Engine) delivery(f *flow) Delivery {
	going := false
	if e.cache != nil {
		_, going = e.cache.going[f.id]
	}
	v := Delivery{ID: f.id, Head: f.head, Complete: f.stored && f.whole && !going, Retry: f.retry,
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
