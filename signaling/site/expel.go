package site

import (
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// expel ends the sessions of endpoints whose keys were revoked, and has everybody drop
// what links there are to them: they must not serve, nor be served.
func (s *Site) expel(now time.Time) {
	for id := range s.expelled {
		if _, still := s.desired.Revoked[id]; !still {
			delete(s.expelled, id)
		}
	}
	for id, why := range s.desired.Revoked {
		if s.expelled[id] {
			continue
		}
		s.expelled[id] = true
		if m := s.members[id]; m != nil {
			s.leave(now, m)
			m.conn.Close(wire.CodeUnauthorized, RevokedText(why))
			s.log.Info("endpoint was revoked", "endpoint", id.Short(), "why", why)
		}
		// Not only those who are known to be linked: some may have said so to nobody yet.
		for _, m := range s.members {
			m.conn.Send(wire.KindHangUp, wire.HangUp{Peer: id})
		}
	}
}

// turnedAway ends a session of an endpoint that was revoked.
func (s *Site) turnedAway(id wire.EndpointID, conn Conn) bool {
	why, revoked := s.desired.Revoked[id]
	if revoked {
		conn.Close(wire.CodeUnauthorized, RevokedText(why))
	}
	return revoked
}

// cut has a member drop a link to a revoked endpoint that it tells of.
func (s *Site) cut(m *member, l *wire.Linked) bool {
	_, revoked := s.desired.Revoked[l.Peer]
	if revoked && l.Up {
		m.conn.Send(wire.KindHangUp, wire.HangUp{Peer: l.Peer})
	}
	return revoked
}

// RevokedText is what an endpoint is told that was revoked.
func RevokedText(why string) string {
	if why == "" {
		return "the endpoint was revoked"
	}
	return wire.Clip("the endpoint was revoked: " + why)
}
