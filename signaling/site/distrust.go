package site

import (
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

// Limits of distrust.
const (
	// distrustFor is how long two endpoints are not linked after one reported the
	// other; it doubles with each report.
	distrustFor = time.Minute
	maxDistrust = time.Hour
	// maxReported bounds the peers that one endpoint is listened to about.
	maxReported = 64
)

// lies are the codes of reports after which a link is not made again at once.
var lies = []string{wire.CodeBadChunk, wire.CodeBadBody, wire.CodeProtocol, wire.CodeUnknownType, wire.CodeStatement}

// distrust is what one endpoint proved to itself about another. The server can't
// know which of the two lies, so it parts these two and nobody else: who reports
// falsely loses only links of its own.
type distrust struct {
	by, of wire.EndpointID
	code   string
	until  time.Time
	off    time.Duration
}

// reported takes in that a member says that a peer or the origin misbehaved. The
// peer may have left meanwhile, and come back as if nothing had been.
func (s *Site) reported(now time.Time, m *member, r *wire.Report) {
	s.cfg.Refused.Add(wire.DoorReport, wire.CountedCode(r.Code))
	s.log.Warn("endpoint reports misbehaviour", "endpoint", m.ID.Short(), "peer", r.Peer.Short(), "code", r.Code, "detail", r.Detail)
	if r.Peer == "" || r.Peer == m.ID || !slices.Contains(lies, r.Code) {
		return
	}
	others := 0
	for key, d := range s.distrusts {
		if now.Sub(d.until) > maxDistrust {
			delete(s.distrusts, key)
		} else if d.by == m.ID && d.of != r.Peer {
			others++
		}
	}
	if others >= maxReported {
		return
	}
	key := schedule.EdgeOf(m.ID, r.Peer)
	off := distrustFor
	if d, again := s.distrusts[key]; again {
		off = min(2*d.off, maxDistrust)
	}
	s.links.regroup = true
	s.distrusts[key] = distrust{by: m.ID, of: r.Peer, code: wire.CountedCode(r.Code), until: now.Add(off), off: off}
}

// distrusted reports whether two endpoints are not to be linked for now.
func (s *Site) distrusted(now time.Time, e schedule.Edge) bool {
	d, ok := s.distrusts[e]
	return ok && now.Before(d.until)
}

// reportedBy says who reported an endpoint lately, and why.
func (s *Site) reportedBy(now time.Time, id wire.EndpointID) (out []string) {
	for _, d := range s.distrusts {
		if d.of == id && now.Before(d.until) {
			out = append(out, string(d.by)+": "+d.code)
		}
	}
	slices.Sort(out)
	return out
}
