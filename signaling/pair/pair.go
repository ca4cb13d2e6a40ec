// Package pair says in plain words why two endpoints of a site are linked or not: by
// which way, which ways failed, and what a person can do. It is pure. The server knows
// whether it wants the link and how dialing went, and each endpoint tells what it saw of
// its attempts; what both saw together shows what stands between them.
package pair

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/signaling/wire/finding"
)

// End is one of both endpoints.
type End struct {
	ID      wire.EndpointID
	Name    string
	Online  bool
	Address string   // as the server sees it
	Subnets []string // of its own addresses
	Seen    *wire.Examined
}

// Link is what the server knows of the link.
type Link struct {
	Up, Relayed bool
	Wanted      bool          // by the server, now
	Busy        bool          // the site has something to exchange
	SameGroup   bool          // others join the two over the LAN
	Dialing     bool          // an attempt is under way
	RetryIn     time.Duration // until the next one
	Distrusted  time.Duration // how long they are kept apart yet, because one reported the other
}

// The rungs, as attempts climb them.
const (
	RungOnline finding.Rung = "online"
	RungWanted finding.Rung = "wanted"
	RungLAN    finding.Rung = "LAN"
	RungNAT    finding.Rung = "NAT"
	RungUDP    finding.Rung = "relay over UDP"
	RungTCP    finding.Rung = "relay over TCP"
	RungLink   finding.Rung = "link"
)

// The faults.
const (
	FaultOffline   finding.Fault = "offline"
	FaultDistrust  finding.Fault = "distrust"
	FaultIsolation               = finding.Isolation
	FaultUDP                     = finding.UDP
	FaultNAT                     = finding.NAT
	FaultRelay                   = finding.Relay
	FaultNoRelay   finding.Fault = "no relay"
	FaultHidden    finding.Fault = "mDNS hidden"
	FaultRefused   finding.Fault = "addresses refused"
	FaultKinds     finding.Fault = "IPv4 and IPv6"
)

// Report is the answer.
type Report struct {
	A        string            `json:"a"`
	B        string            `json:"b"`
	Linked   bool              `json:"linked"`
	Path     string            `json:"path"` // which way is used
	Advice   string            `json:"advice"`
	Findings []finding.Finding `json:"findings"`
}

// Stands reports whether something stands between the two.
func (r Report) Stands() bool {
	return slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Mark == finding.Fail })
}

// exam is one examination.
type exam struct {
	ends  [2]End
	link  Link
	found []finding.Finding
}

func (e *exam) add(f finding.Finding) { e.found = append(e.found, f) }

// Explain says what is known of a pair.
func Explain(a, b End, link Link) Report {
	e := &exam{ends: [2]End{a, b}, link: link}
	if e.online() {
		e.wanted()
		e.lan()
		e.nat()
		e.relay(RungUDP, func(a wire.Attempt) bool { return a.RelayUDP })
		e.relay(RungTCP, func(a wire.Attempt) bool { return a.RelayTCP })
	}
	path := e.path()
	return Report{A: a.Name, B: b.Name, Linked: link.Up, Path: path, Advice: e.advice(), Findings: e.found}
}

func (e *exam) online() bool {
	all := true
	for _, end := range e.ends {
		if !end.Online {
			all = false
			e.add(finding.Finding{Rung: RungOnline, Mark: finding.Fail, Fault: FaultOffline, Seen: end.Name + " is not connected to the server",
				Do: fmt.Sprintf("see that %s is on and its agent runs; if it does, run sitecast doctor there.", end.Name)})
		}
	}
	if all {
		e.add(finding.Finding{Rung: RungOnline, Mark: finding.OK, Seen: "both are connected to the server"})
	}
	for _, end := range e.ends {
		if end.Online && end.Seen == nil {
			e.add(finding.Finding{Rung: RungOnline, Mark: finding.Warn, Seen: end.Name + " did not say what it saw; it may be of an older release",
				Do: fmt.Sprintf("update the agent at %s to learn more.", end.Name)})
		}
	}
	return all
}

func (e *exam) wanted() {
	f := finding.Finding{Rung: RungWanted, Mark: finding.OK, Seen: "the server wants the two linked"}
	switch {
	case e.link.Distrusted > 0:
		f = finding.Finding{Rung: RungWanted, Mark: finding.Fail, Fault: FaultDistrust, Seen: fmt.Sprintf("one reported that the other misbehaved: they are kept apart for %v more", e.link.Distrusted.Round(time.Second)),
			Do: "sitecast endpoints --json says who reported whom; an endpoint that several others report has a broken disk or memory, or is not what it should be."}
	case e.link.Wanted:
	case !e.link.Busy:
		f.Mark, f.Seen = finding.Skipped, "nothing is to be exchanged at the site now, and idle endpoints keep few links"
	case e.link.SameGroup:
		f.Mark, f.Seen = finding.Skipped, "each endpoint has a few links only, and these two reach each other through others"
	default:
		f.Mark, f.Seen = finding.Skipped, "the server does not want the two linked"
	}
	e.add(f)
}

// attempts are those of both that match, each with the end that saw it, newest last.
func (e *exam) attempts(match func(wire.Attempt) bool) (all []sight) {
	for i, end := range e.ends {
		if end.Seen == nil {
			continue
		}
		for _, a := range end.Seen.Attempts {
			if match(a) {
				all = append(all, sight{a, i})
			}
		}
	}
	return all
}

type sight struct {
	wire.Attempt
	by int
}

// failed reports whether there are attempts that match, and none came up.
func failed(all []sight) bool {
	for _, a := range all {
		if a.Up {
			return false
		}
	}
	return len(all) > 0
}

// direct reports whether the two are linked without a relay.
func (e *exam) direct() bool {
	for _, a := range e.attempts(func(a wire.Attempt) bool { return a.Up }) {
		if a.Via != wire.ViaDirect {
			return false
		}
	}
	return e.link.Up && !e.link.Relayed
}

// together is a subnet that both are in.
func (e *exam) together() string {
	for _, a := range e.ends[0].Subnets {
		for _, b := range e.ends[1].Subnets {
			pa, errA := netip.ParsePrefix(a)
			pb, errB := netip.ParsePrefix(b)
			if errA == nil && errB == nil && pa.Masked() == pb.Masked() {
				return pa.Masked().String()
			}
		}
	}
	return ""
}

// kinds reports whether one has addresses of IPv4 alone, and the other of IPv6 alone.
func (e *exam) kinds() bool {
	var has [2]map[bool]bool // IPv4, at each end
	for i, end := range e.ends {
		has[i] = map[bool]bool{}
		for _, text := range end.Subnets {
			if p, err := netip.ParsePrefix(text); err == nil {
				has[i][p.Addr().Unmap().Is4()] = true
			}
		}
	}
	return len(has[0]) == 1 && len(has[1]) == 1 && has[0][true] != has[1][true]
}

func (e *exam) lan() {
	all := e.attempts(func(wire.Attempt) bool { return true })
	switch {
	case e.direct():
		e.add(finding.Finding{Rung: RungLAN, Mark: finding.OK, Seen: "packets pass between the two without a relay"})
		return
	case len(all) == 0:
		e.add(finding.Finding{Rung: RungLAN, Mark: finding.Skipped, Seen: "neither remembers an attempt at a link"})
		return
	}
	for i, end := range e.ends {
		hidden, refused, hosts := 0, 0, 0
		for _, a := range all {
			if a.by != i { // the other saw what this one told
				hidden, refused, hosts = max(hidden, a.Theirs.Hidden), max(refused, a.Theirs.Refused), max(hosts, a.Theirs.Host)
			}
		}
		switch {
		case refused > 0:
			e.add(finding.Finding{Rung: RungLAN, Mark: finding.Warn, Fault: FaultRefused, Seen: fmt.Sprintf("%s names %d addresses at which no peer may be", end.Name, refused),
				Do: fmt.Sprintf("look at the interfaces of %s; if they are in order, somebody changed its agent.", end.Name)})
		case hidden > 0 && hosts == 0:
			e.add(finding.Finding{Rung: RungLAN, Mark: finding.Warn, Fault: FaultHidden, Seen: end.Name + " hides its addresses on the LAN (mDNS)",
				Do: "two browsers that hide their addresses need a relay; let one of the two be an agent."})
		}
	}
	if e.kinds() {
		e.add(finding.Finding{Rung: RungLAN, Mark: finding.Fail, Fault: FaultKinds, Seen: "one has only IPv4 and the other only IPv6: nothing but a relay joins them",
			Do: "give both the same kind of address, or have a relay at the site with an address of each (sitecast relay --public-ip twice)."})
		return
	}
	if subnet := e.together(); subnet != "" {
		e.add(finding.Finding{Rung: RungLAN, Mark: finding.Fail, Fault: FaultIsolation, Seen: fmt.Sprintf("both are in %s, and packets between them do not arrive", subnet),
			Do: "turn off client isolation (also called AP or guest isolation) at the access point or switch, and let UDP pass in the firewalls of both hosts."})
		return
	}
	e.add(finding.Finding{Rung: RungLAN, Mark: finding.Fail, Seen: "the two are in different subnets, and packets between them do not arrive directly",
		Do: "let UDP pass between their subnets (VLANs) in both directions."})
}

func (e *exam) nat() {
	asked := e.attempts(func(a wire.Attempt) bool { return a.STUN })
	if len(asked) == 0 || e.direct() {
		e.add(finding.Finding{Rung: RungNAT, Mark: finding.Skipped, Seen: "nobody had to ask a STUN server"})
		return
	}
	blocked := false
	for i, end := range e.ends {
		mine := only(asked, i)
		if len(mine) == 0 || mine[len(mine)-1].Answered {
			continue
		}
		blocked = true
		e.add(finding.Finding{Rung: RungNAT, Mark: finding.Warn, Fault: FaultUDP, Seen: "no STUN server answers " + end.Name,
			Do: fmt.Sprintf("let UDP from %s to port 3478 of the server pass, and the answers.", end.Name)})
	}
	switch {
	case blocked:
	case e.kinds():
		e.add(finding.Finding{Rung: RungNAT, Mark: finding.Skipped, Seen: "the two have no kind of address in common: a NAT is not what keeps them apart"})
	case e.together() != "":
		e.add(finding.Finding{Rung: RungNAT, Mark: finding.Skipped, Seen: "both are in one subnet: a NAT is not what keeps them apart"})
	case e.ends[0].Address != e.ends[1].Address:
		e.add(finding.Finding{Rung: RungNAT, Mark: finding.Warn, Fault: FaultNAT, Seen: fmt.Sprintf("the two are behind different addresses (%s and %s), and no way leads past their NATs", e.ends[0].Address, e.ends[1].Address),
			Do: "have the NATs map each port independently of the destination (endpoint-independent mapping), or give the site a relay."})
	default:
		e.add(finding.Finding{Rung: RungNAT, Mark: finding.Skipped, Seen: "both are behind the same address: a NAT is not what keeps them apart"})
	}
}

func only(all []sight, by int) (mine []sight) {
	for _, a := range all {
		if a.by == by {
			mine = append(mine, a)
		}
	}
	return mine
}

// relay looks at what became of the attempts that asked a relay in one way.
func (e *exam) relay(rung finding.Rung, asks func(wire.Attempt) bool) {
	asked := e.attempts(asks)
	switch {
	case e.direct():
		e.add(finding.Finding{Rung: rung, Mark: finding.Skipped, Seen: "none is needed"})
		return
	case len(asked) == 0:
		f := finding.Finding{Rung: rung, Mark: finding.Skipped, Seen: "it was not tried"}
		if rung == RungUDP && len(e.attempts(func(a wire.Attempt) bool { return a.Attempt > 1 })) > 0 {
			f = finding.Finding{Rung: rung, Mark: finding.Fail, Fault: FaultNoRelay, Seen: "the two know of no relay",
				Do: "run sitecast relay at the site and name it with sitecast site set SITE --relay, or give the server --turn-listen and --turn-public-ip."}
		}
		e.add(f)
		return
	case !failed(asked):
		e.add(finding.Finding{Rung: rung, Mark: finding.OK, Seen: "a relay carries the link"})
		return
	}
	unreached := false
	for i, end := range e.ends {
		if mine := only(asked, i); len(mine) > 0 && mine[len(mine)-1].Own.Relay == 0 {
			unreached = true
			e.add(finding.Finding{Rung: rung, Mark: finding.Fail, Fault: FaultRelay, Seen: end.Name + " got nothing from the relay",
				Do: fmt.Sprintf("see that the relay runs, that %s reaches it (sitecast doctor there tells), and that no quota is used up (the relay's log).", end.Name)})
		}
	}
	if !unreached {
		e.add(finding.Finding{Rung: rung, Mark: finding.Fail, Fault: FaultRelay, Seen: "both got a place at a relay, and it carries nothing between them",
			Do: "see that both use the same relay: one behind two addresses has to be named by the same one at --public-ip and for all its clients."})
	}
}

// path says which way is used, and adds what the server is about to do.
func (e *exam) path() string {
	a, b := e.ends[0].Name, e.ends[1].Name
	via := ""
	for _, s := range e.attempts(func(a wire.Attempt) bool { return a.Up }) {
		via = s.Via
	}
	switch {
	case e.link.Up && (e.link.Relayed || via == wire.ViaFarRelay):
		e.add(finding.Finding{Rung: RungLink, Mark: finding.Warn, Seen: "the link goes through a relay beyond the WAN, and counts for content only where the origin is dearer or out of reach",
			Do: "run a relay at the site (sitecast relay, sitecast site set SITE --relay): what goes through it does not cross the WAN."})
		return fmt.Sprintf("%s and %s are linked through a relay beyond the WAN.", a, b)
	case e.link.Up && via == wire.ViaSiteRelay:
		e.add(finding.Finding{Rung: RungLink, Mark: finding.OK, Seen: "the link goes through the relay at the site, which counts as LAN"})
		return fmt.Sprintf("%s and %s are linked through the relay at their site.", a, b)
	case e.link.Up:
		e.add(finding.Finding{Rung: RungLink, Mark: finding.OK, Seen: "the link is direct"})
		return fmt.Sprintf("%s and %s are linked directly.", a, b)
	case e.link.Dialing:
		e.add(finding.Finding{Rung: RungLink, Mark: finding.Skipped, Seen: "an attempt is under way"})
	case e.link.Wanted && e.link.RetryIn > 0:
		e.add(finding.Finding{Rung: RungLink, Mark: finding.Fail, Seen: fmt.Sprintf("there is no link; it is tried again in %v", max(e.link.RetryIn.Round(time.Second), time.Second))})
	default:
		e.add(finding.Finding{Rung: RungLink, Mark: finding.Skipped, Seen: "there is no link"})
	}
	if e.link.SameGroup && !e.link.Wanted {
		return fmt.Sprintf("%s and %s are not linked, and need not be: others pass on what they exchange.", a, b)
	}
	return fmt.Sprintf("%s and %s are not linked.", a, b)
}

func (e *exam) advice() string {
	var all []string
	for _, f := range e.found {
		if f.Do == "" || (f.Mark != finding.Fail && f.Mark != finding.Warn) {
			continue
		}
		all = append(all, f.Advice())
	}
	if len(all) == 0 {
		return finding.NothingToDo
	}
	return strings.Join(all, " ")
}
