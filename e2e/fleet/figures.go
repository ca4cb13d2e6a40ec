package fleet

import (
	"context"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// State is how an endpoint that is on does.
type State struct {
	Endpoint int
	Open     bool          // it has a socket
	Joining  time.Duration // from being switched on to obeying what is wanted; 0: it does not yet
	Obeyed   uint64        // the highest generation since it was switched on
	At       time.Time     // when it heard that
	Moved    time.Time     // when its counters last grew; zero: never
	Links    int           // up
	Flows    []FlowState
}

// FlowState is an endpoint's part in a flow.
type FlowState struct {
	Ref      content.Ref
	Priority wire.Priority
	Paused   bool
	Complete bool
	Bytes    wire.Sources
	WAN      int64
}

// States tells how everybody does who is on.
func (f *Fleet) States(ctx context.Context) ([]State, error) {
	var all []State
	for _, s := range f.shards {
		reply := make(chan []State, 1)
		if !s.post(func(time.Time) { reply <- s.states() }) {
			return nil, context.Canceled
		}
		select {
		case part := <-reply:
			all = append(all, part...)
		case <-f.done:
			return nil, context.Canceled
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return all, nil
}

func (s *shard) states() (all []State) {
	for _, p := range s.places {
		for _, e := range p.here {
			all = append(all, e.state())
		}
	}
	return all
}

func (e *endpoint) state() State {
	s := State{Endpoint: e.index, Open: e.open, Obeyed: e.obeyed, At: e.at, Moved: e.moved}
	if e.obeyed > 0 && !e.first.IsZero() {
		s.Joining = e.first.Sub(e.asked)
	}
	for _, l := range e.links {
		if l.up {
			s.Links++
		}
	}
	for _, h := range e.wanted {
		s.Flows = append(s.Flows, FlowState{Ref: h.head.Ref(), Priority: h.priority, Paused: h.paused, Complete: h.complete, Bytes: h.bytes, WAN: h.wan})
	}
	return s
}

// Tally counts over all endpoints since the start.
type Tally struct {
	Sent, Heard int64 // messages, without acknowledgements
	Sockets     int64 // opened
	Lost        int64 // that ended, also in order
	Denied      int64 // attempts to get a token that failed
	Why         error // the last one did
	Misplaced   int64 // welcomes to another site than planned, or to none
	Refused     int64 // messages of the server that broke the rules
}

// Tally returns what was counted.
func (f *Fleet) Tally() Tally {
	t := &f.tally
	out := Tally{Sent: t.sent.Load(), Heard: t.heard.Load(), Sockets: t.sockets.Load(), Lost: t.lost.Load(), Denied: t.denied.Load(), Misplaced: t.misplaced.Load()}
	if why := t.why.Load(); why != nil {
		out.Why = *why
	}
	f.refused.Each(func(_ wire.Refusal, n uint64) { out.Refused += int64(n) })
	return out
}
