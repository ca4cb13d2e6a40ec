package uplink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sitecast/sitecast/edge/host"
	"github.com/sitecast/sitecast/signaling/wire"
)

// carryTime is how long after a change of the network what was said to peers is carried
// into a new session: as long as an attempt at a link may take.
const carryTime = 10 * time.Second

// carry puts what was said to peers, and may not have reached the server, into the session
// that begins: they are the same peers, and links that a host makes anew when it moves
// would wait for answers in vain. mu is held.
func (u *Uplink) carry(said []wire.Kept, now time.Time) {
	if u.changed.IsZero() || now.Sub(u.changed) > carryTime {
		return
	}
	for _, k := range said {
		if k.Kind == wire.KindSignal {
			u.out.Add(k.Kind, k.Body) // there is room: it had some before
		}
	}
}

// Changed takes in that the host's network is not what it was. A socket from an address
// that has gone ends without a word, an attempt at one begins anew, and who waits before
// the next waits no more. Where the way is of another kind now, the next hello says so.
func (u *Uplink) Changed(c host.Change) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.over != nil && !u.over.endsBy(c) {
		return
	}
	select {
	case u.again <- struct{}{}:
	default:
	}
	u.changed = time.Now()
	if u.end != nil {
		u.end(host.ErrChanged)
	}
}

// endsBy reports whether a socket is dead, or its hello is no longer true. Of a tunnel
// nobody knows which addresses its requests go out from.
func (c *conn) endsBy(change host.Change) bool {
	return change.Turned || change.Ends(c.ws.LocalAddr()) || c.tunnelled() && len(change.Gone) > 0 && !change.Again
}

// begun notes what Changed may end.
func (u *Uplink) begun(end context.CancelCauseFunc, over *conn) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.end, u.over = end, over
}

// rest waits before the next attempt, and reports whether the network changed meanwhile
// or just before.
func (u *Uplink) rest(ctx context.Context, d time.Duration) (changed bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-u.again:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// Trouble is why there is no socket, for people; empty while there is one.
func (u *Uplink) Trouble() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.open {
		return ""
	}
	return u.trouble
}

// diagnosed notes why an attempt failed, as well as that is known.
func (u *Uplink) diagnosed(ctx context.Context, err error) error {
	if why := new(wire.RefusedError); u.cfg.Diagnose != nil && !errors.As(err, &why) && !errors.Is(err, host.ErrChanged) {
		if text := u.cfg.Diagnose(ctx); text != "" {
			err = fmt.Errorf("%s (%w)", text, err)
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.trouble = err.Error()
	return err
}
