// Package clock keeps the server's time while the server can't be asked, also over
// restarts. A device's own clock may be wrong, or be set meanwhile; so what is kept is how
// far the server's time was ahead of two clocks of the device: the one that counts from
// the boot of the computer, also while it sleeps and whatever its time is set to, and the
// one that people set, which goes on while it is switched off. As long as the computer was
// not booted anew the first counts, afterwards the second. Time never runs back: what the
// server was heard to say has passed.
package clock

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// Reading is what a device's clocks show at a moment.
type Reading struct {
	Wall time.Time
	Boot string        // names this boot of the computer; empty: not known
	Up   time.Duration // since then, with all sleep; of no meaning without Boot
}

// Mark is a moment at which the server's time was known.
type Mark struct {
	Server time.Time     `json:"server"`
	Wall   time.Time     `json:"wall"`
	Boot   string        `json:"boot,omitempty"`
	Up     time.Duration `json:"up_ns,omitempty"`
}

// At is the server's time when the clocks show something, as far as a mark tells.
func (m Mark) At(r Reading) time.Time {
	passed := r.Wall.Round(0).Sub(m.Wall.Round(0))
	if m.Boot != "" && m.Boot == r.Boot {
		passed = r.Up - m.Up
	}
	return m.Server.Add(max(passed, 0))
}

// note is a mark of the same server's time.
func note(server time.Time, r Reading) Mark {
	return Mark{Server: server.Round(0).UTC(), Wall: r.Wall.Round(0).UTC(), Boot: r.Boot, Up: r.Up}
}

const (
	// MaxMarkBytes bounds an encoded mark.
	MaxMarkBytes = 1 << 10
	maxBootBytes = 128
	// drift is how far a clock may be off by what is kept, until that is kept anew; old is
	// when it is kept anew in any case, as then time can't run back by more.
	drift = 100 * time.Millisecond
	old   = time.Hour
)

// Parse reads a mark.
func Parse(text []byte) (m Mark, err error) {
	if len(text) > MaxMarkBytes {
		return m, fmt.Errorf("read the mark of time: %d bytes, limit %d", len(text), MaxMarkBytes)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return Mark{}, fmt.Errorf("read the mark of time: %w", err)
	}
	if m.Server.IsZero() || m.Wall.IsZero() || m.Up < 0 || len(m.Boot) > maxBootBytes {
		return Mark{}, fmt.Errorf("read the mark of time: it is out of bounds")
	}
	return m, nil
}

// Clock is the server's time. It is safe for use by several goroutines.
type Clock struct {
	// Set by New, then constant.
	read func() Reading
	save func(Mark) error

	// mu guards the rest.
	mu    sync.Mutex
	mark  Mark // zero while the server was never heard
	saved Mark // as it is kept
}

// New goes on from a mark that was kept, or from none, the zero one. Save keeps one; it may
// block.
func New(kept Mark, read func() Reading, save func(Mark) error) *Clock {
	return &Clock{read: read, save: save, mark: kept, saved: kept}
}

// Now is the server's time, and whether it is known.
func (c *Clock) Now() (time.Time, bool) {
	r := c.read()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mark.Server.IsZero() {
		return time.Time{}, false
	}
	return c.mark.At(r), true
}

// Heard takes in what time it is by the server.
func (c *Clock) Heard(server time.Time) error { return c.put(server, c.read()) }

// Look has what is kept follow the device's clocks: they may have been set, which after
// the next boot could not be told any more. It is to be called now and then.
func (c *Clock) Look() error {
	now, known := c.Now()
	if !known {
		return nil
	}
	return c.put(now, c.read())
}

func (c *Clock) put(server time.Time, r Reading) error {
	m := note(server, r)
	c.mu.Lock()
	c.mark = m
	fresh := c.saved.Server.IsZero() || c.saved.Boot != m.Boot || m.Server.Sub(c.saved.Server) >= old ||
		wallOffset(c.saved, m) > drift || c.saved.At(r).Sub(m.Server).Abs() > drift
	if fresh {
		c.saved = m
	}
	c.mu.Unlock()
	if !fresh {
		return nil
	}
	err := c.save(m)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.saved = Mark{} // it is tried again
	}
	return err
}

// wallOffset is how far the clock that people set was moved between two marks.
func wallOffset(a, b Mark) time.Duration {
	return (b.Server.Sub(b.Wall) - a.Server.Sub(a.Wall)).Abs()
}
