package engine

import (
	"bytes"
	"errors"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// rejudge asks of each flow whether its head is trusted still, after keys changed. What is
// complete stays and is said: it was trusted when it came, and is what there is to work
// with. What is not is not fetched any more, until its head comes signed by a good key.
func (e *Engine) rejudge(now time.Time) {
	for _, id := range e.order {
		e.judge(now, e.flows[id])
	}
}

// judge does so for one flow. A key that expired is no reason: it may be that nobody
// rotated it in time.
func (e *Engine) judge(now time.Time, f *flow) {
	was := f.distrust
	f.distrust = e.trust.Distrusts(f.envelope)
	switch {
	case f.distrust == was:
	case f.distrust == "":
		f.retryAt = now
	case f.whole:
		e.log.Warn("what is held was signed by a key that is trusted no more", "content", f.head.Ref().String(), "why", f.distrust)
		e.cfg.Uplink.Send(wire.KindReport, wire.Report{Code: wire.CodeBadHead, Detail: wire.Clip(f.head.Ref().String() + " is held: " + f.distrust)})
	default:
		e.fail(now, f, wire.CodeBadHead, errors.New(f.distrust))
	}
}

// shunned reports whether nothing of a flow may come.
func (f *flow) shunned() bool { return f.distrust != "" && !f.whole }

// resigned takes a head that was signed anew. What it says is the same to a byte, or it
// would be of another version.
func (e *Engine) resigned(now time.Time, f *flow, w *wire.Flow) {
	if e.takeHead(f, w) {
		e.judge(now, f)
	}
}

// takeHead has the head of a flow be the one that came, if that is another and a trusted
// key signed it.
func (e *Engine) takeHead(f *flow, w *wire.Flow) bool {
	if bytes.Equal(f.envelope, w.Head) {
		return false
	}
	_, id, err := e.trust.OpenHead(w.Head, e.cfg.Uplink.Now())
	if err != nil || id != f.id {
		return false
	}
	f.envelope = w.Head
	return true
}
