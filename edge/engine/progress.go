package engine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// maxHaveReport bounds the bitmap bytes of one progress message; the rest
// follows in the next, so that any version fits in any number of messages.
const maxHaveReport = 24 << 10

// report sends f's progress when it is due, and returns when it will be.
func (e *Engine) report(now time.Time, f *flow) time.Time {
	if !e.connected {
		return time.Time{}
	}
	if again := f.reportedAt.Add(AgainInterval); !f.dirty && f.active() && !f.complete && f.announced {
		if now.Before(again) {
			return again
		}
		f.dirty = true
	}
	if !f.dirty {
		return time.Time{}
	}
	if f.spec != nil && f.swarm == nil && f.code == "" {
		return time.Time{} // the store is opening, and knows the counters
	}
	if due := f.reportedAt.Add(e.reportEvery(f)); f.announced && now.Before(due) {
		return due
	}
	p := wire.Progress{Flow: f.id, Body: f.spec != nil, Seeding: e.seeks(f), Complete: f.complete, Code: f.code, Error: wire.Clip(f.trouble)}
	more := false
	if f.swarm != nil {
		p.Have, more = f.changed()
		c := f.ver.Counters()
		p.Bytes = wire.Sources{Origin: c.Bytes[chunk.Origin], Peer: c.Bytes[chunk.Peer],
			Relay: c.Bytes[chunk.Relay], Reused: c.Bytes[chunk.Reused]}
		p.WAN = c.WAN
	}
	p.Leases, p.Restraint = e.leaseStates(f), f.restraint()
	if !e.cfg.Uplink.Send(wire.KindProgress, p) {
		return time.Time{} // a new session will announce everything
	}
	f.reportedAt, f.announced, f.dirty, f.saidSeeding = now, true, more, p.Seeding
	if more {
		f.reportedAt = time.Time{}
		return now
	}
	return time.Time{}
}

// reportEvery is how often a flow reports. The server leases by what is said of leases, and
// waits for nobody who merely has more than before.
func (e *Engine) reportEvery(f *flow) time.Duration {
	if f.complete || f.code != "" || slices.ContainsFunc(e.leases, func(l *lease) bool { return l.Flow == f.id }) {
		return ProgressInterval
	}
	return max(e.reports, ProgressInterval)
}

// changed returns the parts of the bitmap that the server does not know yet, and
// whether more are left.
func (f *flow) changed() (parts []wire.Bits, more bool) {
	have := f.swarm.Have()
	if f.reported == nil {
		f.reported = make(content.Bitmap, len(have))
	}
	if bytes.Equal(f.reported, have) {
		return nil, false
	}
	budget := maxHaveReport
	for i := 0; i < len(have); i++ {
		if have[i] == f.reported[i] {
			continue
		}
		end := i + 1
		// Two unchanged bytes cost less than beginning another part.
		for end < len(have) && end-i < budget && (have[end] != f.reported[end] ||
			end+1 < len(have) && have[end+1] != f.reported[end+1]) {
			end++
		}
		parts = append(parts, wire.Bits{From: uint32(i) * 8, Bits: have[i:end:end]})
		copy(f.reported[i:end], have[i:end])
		if budget -= end - i + 32; budget <= 0 {
			return parts, true
		}
		i = end
	}
	return parts, false
}

// leaseStates reports f's leases; those that ended are reported once.
func (e *Engine) leaseStates(f *flow) []wire.LeaseState {
	var states []wire.LeaseState
	for _, l := range e.leases {
		if l.Flow != f.id || l.said {
			continue
		}
		done := l.ended && l.failed == ""
		state := wire.LeaseState{Epoch: l.Epoch, Lease: l.Lease.Lease,
			Verified: l.verified, Done: done, Failed: wire.Clip(l.failed), Code: l.code, Patched: l.patched}
		if l.announce {
			state.Range = &wire.LeaseRange{Body: l.Body, Pack: l.Pack, From: l.From, To: l.To}
			l.announce = false
		}
		states = append(states, state)
		l.said = l.ended
	}
	return states
}

// Status is what the agent shows locally.
type Status struct {
	Site       string       `json:"site"`
	Quarantine string       `json:"quarantine,omitempty"` // why there is none
	Connected  bool         `json:"connected"`
	Generation uint64       `json:"generation"`
	Links      []LinkStatus `json:"links"`
	Flows      []FlowStatus `json:"flows"`
	Sent       int64        `json:"sent_bytes"` // content bytes to peers, since the start
	Cache      *CacheStatus `json:"cache,omitempty"`
	Scrub      *ScrubStatus `json:"scrub,omitempty"`
}

// LinkStatus is one link.
type LinkStatus struct {
	Peer    wire.EndpointID `json:"peer"`
	Relayed bool            `json:"relayed"`
}

// FlowStatus is one flow.
type FlowStatus struct {
	Content    string       `json:"content"`
	Version    string       `json:"version"`
	State      string       `json:"state"` // paused, failed, preparing, seeding, filling, complete
	Reason     string       `json:"reason,omitempty"`
	Chunks     uint32       `json:"chunks"`
	ChunksHeld uint32       `json:"chunks_held"`
	BytesTotal int64        `json:"bytes_total"`
	Bytes      wire.Sources `json:"bytes"`
	WAN        int64        `json:"wan_bytes"`
	// Activation says of a complete version whether it may be used: staged or active. The
	// former is so until ActivateAt, by the server's time, or (absent) until somebody says so.
	Activation string    `json:"activation,omitempty"`
	ActivateAt time.Time `json:"activate_at,omitzero"`
}

// What FlowStatus.Activation says.
const (
	Staged = "staged"
	Active = "active"
)

type ask struct{ reply chan Status }

func (ev ask) apply(e *Engine, _ time.Time) { ev.reply <- e.status() }

// Status asks the loop for a snapshot.
func (e *Engine) Status(ctx context.Context) (Status, error) {
	ev := ask{make(chan Status, 1)}
	if !e.post(ev) {
		return Status{}, errors.New("agent is stopping")
	}
	select {
	case s := <-ev.reply:
		return s, nil
	case <-e.done:
		return Status{}, errors.New("agent is stopping")
	case <-ctx.Done():
		return Status{}, ctx.Err()
	}
}

func (e *Engine) status() Status {
	s := Status{Site: e.site, Quarantine: e.quarantine, Connected: e.connected, Generation: e.generation,
		Sent: e.sent, Links: []LinkStatus{}, Flows: []FlowStatus{}, Cache: e.cacheStatus(), Scrub: e.scrubStatus()}
	for _, l := range e.sorted() {
		s.Links = append(s.Links, LinkStatus{l.Peer(), l.Relayed()})
	}
	for _, id := range e.order {
		f := e.flows[id]
		v := FlowStatus{Content: f.head.Name, Version: f.head.Version, State: f.state(),
			Reason: cmp.Or(f.trouble, f.distrust, f.held.Reason), Chunks: f.head.Chunks, BytesTotal: f.head.UniqueBytes}
		if f.swarm != nil {
			c := f.ver.Counters()
			v.ChunksHeld = f.head.Chunks - f.swarm.Missing()
			v.Bytes = wire.Sources{Origin: c.Bytes[chunk.Origin], Peer: c.Bytes[chunk.Peer],
				Relay: c.Bytes[chunk.Relay], Reused: c.Bytes[chunk.Reused]}
			v.WAN = c.WAN
		}
		if f.complete && !f.beside {
			v.Activation = Active
			if why := e.staged(f); why != "" {
				v.Activation, v.ActivateAt, v.Reason = Staged, f.when.At, cmp.Or(v.Reason, why)
			}
		}
		s.Flows = append(s.Flows, v)
	}
	return s
}

func (f *flow) state() string {
	switch {
	case f.code != "":
		return "failed"
	case f.complete:
		return "complete"
	case f.paused, f.held.Scope.Take():
		return "paused"
	case f.swarm == nil:
		return "preparing"
	case !f.seeded:
		return "seeding"
	}
	return "filling"
}
