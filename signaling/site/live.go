package site

import "time"

// Stirs counts what may have changed what the site shows: it shows the same, but for what
// follows from the time, as long as the count stands still. It asks nobody.
func (s *Site) Stirs() uint64 { return s.stirs.Load() }

// Orders counts how often it was said what is wanted of the site: what somebody who gave an
// order waits to see is among what stirred it then. It asks nobody.
func (s *Site) Orders() uint64 { return s.orders.Load() }

// Live returns the loop that owns the named site if it runs, and starts none.
func (h *Hub) Live(name string) *Site {
	h.mu.Lock()
	defer h.mu.Unlock()
	if o := h.sites[name]; o != nil && h.ctx != nil {
		return o.Site
	}
	return nil
}

// Runs reports whether the hub runs.
func (h *Hub) Runs() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ctx != nil && h.ctx.Err() == nil
}

// Epoch is the number of the server's start.
func (h *Hub) Epoch() uint64 { return h.cfg.Epoch }

// At is the flow as it is shown at now, when nothing but the time has changed.
func (f FlowView) At(now time.Time) FlowView {
	if f.Finished.IsZero() {
		f.Seconds = max(now.Sub(f.Ordered).Seconds(), 0)
	}
	return f
}

// At is the endpoint as it is shown at now, when nothing but the time has changed.
func (e EndpointView) At(now time.Time) EndpointView {
	if e.Online {
		e.LastSeen = now
	}
	return e
}
