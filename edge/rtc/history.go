package rtc

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sitecast/sitecast/signaling/wire"
)

// maxRemembered bounds the peers whose attempts are remembered.
const maxRemembered = 256

// history remembers the latest attempts at links, for who asks why there is none.
type history struct {
	mu sync.Mutex
	by map[wire.EndpointID][]ended
}

type ended struct {
	at time.Time
	wire.Attempt
}

// note remembers an attempt.
func (h *history) note(peer wire.EndpointID, now time.Time, a wire.Attempt) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.by == nil {
		h.by = map[wire.EndpointID][]ended{}
	}
	if h.by[peer] == nil && len(h.by) >= maxRemembered {
		var oldest wire.EndpointID
		for id, list := range h.by {
			if oldest == "" || list[len(list)-1].at.Before(h.by[oldest][len(h.by[oldest])-1].at) {
				oldest = id
			}
		}
		delete(h.by, oldest)
	}
	list := append(h.by[peer], ended{now, a})
	h.by[peer] = list[max(0, len(list)-wire.MaxAttempts):]
}

// Attempts lists the latest attempts at a link to a peer, oldest first.
func (t *Transport) Attempts(peer wire.EndpointID) (list []wire.Attempt) {
	t.past.mu.Lock()
	defer t.past.mu.Unlock()
	for _, e := range t.past.by[peer] {
		e.AgoMs = max(time.Since(e.at), 0).Milliseconds()
		list = append(list, e.Attempt)
	}
	return list
}

// asks notes whom an attempt asks.
func (s *session) asks(servers []webrtc.ICEServer) {
	s.seen.Attempt, s.seen.STUN, s.seen.AtSite = s.attempt, len(s.ask) > 0, s.nearby
	for _, server := range servers {
		for _, u := range server.URLs {
			if strings.HasPrefix(u, "turn") {
				s.seen.RelayTCP = s.seen.RelayTCP || overTCP(u)
				s.seen.RelayUDP = s.seen.RelayUDP || !overTCP(u)
			}
		}
	}
}

// ofKind counts an address.
func ofKind(n *wire.Addresses, c wire.Candidate, err error) {
	switch {
	case errors.Is(err, wire.ErrUnused):
		n.Hidden++
	case err != nil && !errors.Is(err, errNoAnswer):
		n.Refused++
	case c.Type == wire.CandidateRelay:
		n.Relay++
	case c.Type == wire.CandidateHost:
		n.Host++
	default:
		n.Reflexive++
	}
}

// remember notes how the attempt ended.
func (s *session) remember(link *Link, err error) {
	switch {
	case err != nil:
		s.seen.Ended = wire.Clip(s.reason())
	case !link.through:
		s.seen.Up, s.seen.Via = true, wire.ViaDirect
	case s.nearby:
		s.seen.Up, s.seen.Via = true, wire.ViaSiteRelay
	default:
		s.seen.Up, s.seen.Via = true, wire.ViaFarRelay
	}
	s.t.past.note(s.peer, time.Now(), s.seen)
}
