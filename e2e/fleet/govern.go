package fleet

import (
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Times of the governor, as those of an endpoint's.
const (
	viaServerEvery = 250 * time.Millisecond
	grantValid     = time.Second
	// fetchedLately is how long after its last byte somebody fetches, to the governor.
	fetchedLately = 2 * time.Second
)

// governing is an endpoint's part in leading the line to the WAN. The simulated line
// needs no governor; what one says is said all the same.
type governing struct {
	wire.Govern
	fetched time.Time // when it last fetched
	taken   uint64    // over the WAN, since it began
	seq     uint64
	told    time.Time // when it last said something by way of the server
	said    time.Time // when it last gave account
}

// lead has those say what they have to who have a part in leading the line, and reports
// whether somebody has one.
func (p *place) lead(now time.Time) (pending bool) {
	fetches := false
	for _, e := range p.here {
		fetches = fetches || now.Sub(e.govern.fetched) < fetchedLately
	}
	if !fetches {
		return false
	}
	for _, e := range p.here {
		switch {
		case e.govern.Holder == e.id:
			p.account(now, e)
			p.grant(now, e)
		case e.govern.Holder != "" && now.Sub(e.govern.fetched) < fetchedLately:
			p.count(now, e)
		}
	}
	return true
}

// account is what the holder says as often as flows report.
func (p *place) account(now time.Time, e *endpoint) {
	g := &e.govern
	every := e.fleet.cfg.Report
	if now.Sub(g.said) < every {
		return
	}
	var r wire.Receipt
	if !g.said.IsZero() {
		r.ActiveMs = min(now.Sub(g.said), 2*every).Milliseconds()
	}
	r.Note(time.Millisecond)
	rate := int64(p.rate)
	e.send(wire.KindGoverned, wire.Governed{Epoch: g.Epoch, Term: g.Term, State: "steady", Reason: "simulated line", Rate: rate,
		Receipt: r, Line: wire.Line{Capacity: rate}})
	g.said = now
}

// grant tells those under the holder what they may take, where it has no link to them.
func (p *place) grant(now time.Time, e *endpoint) {
	g := &e.govern
	if now.Sub(g.told) < viaServerEvery {
		return
	}
	g.told = now
	g.seq++
	told := map[wire.EndpointID]bool{"": true, e.id: true}
	for _, id := range append([]wire.EndpointID{g.StandBy}, g.Fetchers...) {
		if told[id] || e.reaches(id) {
			continue
		}
		told[id] = true
		rate := int64(p.rate)
		e.send(wire.KindGrant, wire.Grant{To: id, Epoch: g.Epoch, Term: g.Term, Seq: g.seq, BytesPerSecond: rate / int64(max(len(g.Fetchers), 1)),
			Site: rate, Floor: rate / 20, ValidMs: uint32(grantValid.Milliseconds())})
	}
}

// count tells who governs, or may have to, what a fetcher took, where it has no link to
// them.
func (p *place) count(now time.Time, e *endpoint) {
	g := &e.govern
	if now.Sub(g.told) < viaServerEvery {
		return
	}
	g.told = now
	for _, id := range []wire.EndpointID{g.Holder, g.StandBy} {
		if id != "" && id != e.id && !e.reaches(id) {
			e.send(wire.KindTaken, wire.Taken{To: id, Bytes: g.taken, Wants: true})
		}
	}
}

// reaches reports whether frames to a peer need no server.
func (e *endpoint) reaches(id wire.EndpointID) bool {
	l := e.links[e.stay.place.byID[id]]
	return l != nil && l.up
}
