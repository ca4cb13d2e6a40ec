package site

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Activate says that a version is held, until an operator says otherwise or the instant
// has come that its publisher signed.
type Activate struct {
	At        time.Time       // zero: until an operator says so
	Statement json.RawMessage // signed, of At
}

func (a *Activate) equal(b *Activate) bool {
	return (a == nil) == (b == nil) && (a == nil || bytes.Equal(a.Statement, b.Statement))
}

// wire is what endpoints are told.
func (a *Activate) wire() *wire.Activate {
	if a == nil {
		return nil
	}
	return &wire.Activate{Statement: a.Statement}
}

// view puts it into a flow as operators see it.
func (a *Activate) view(v *FlowView) {
	if a != nil {
		v.Held, v.ActivateAt = true, a.At
	}
}

// instant is when the next version is activated, of which the desired state has to be read
// again; zero for never.
func (d Desired) instant() (next time.Time) {
	for _, f := range d.Flows {
		if a := f.Activate; a != nil && !a.At.IsZero() && (next.IsZero() || a.At.Before(next)) {
			next = a.At
		}
	}
	return next
}
