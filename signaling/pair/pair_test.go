package pair_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/pair"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/signaling/wire/finding"
)

// What attempts look like.
var (
	hosts  = wire.Attempt{Attempt: 1, Own: wire.Addresses{Host: 1}, Theirs: wire.Addresses{Host: 1}, Ended: "no connection in time"}
	silent = wire.Attempt{Attempt: 2, STUN: true, RelayUDP: true, Own: wire.Addresses{Host: 1}, Theirs: wire.Addresses{Host: 1}, Ended: "no connection in time"}
	placed = wire.Attempt{Attempt: 2, STUN: true, Answered: true, RelayUDP: true, Own: wire.Addresses{Host: 1, Relay: 1}, Theirs: wire.Addresses{Host: 1}, Ended: "no connection in time"}
)

func with(a wire.Attempt, change func(*wire.Attempt)) wire.Attempt {
	change(&a)
	return a
}

func via(a wire.Attempt, how string) wire.Attempt {
	return with(a, func(a *wire.Attempt) { a.Up, a.Via, a.Ended = true, how, "" })
}

// end is an endpoint in a subnet of its own, or (subnet) another.
func end(name, subnet string, attempts ...wire.Attempt) pair.End {
	return pair.End{Name: name, Online: true, Address: "192.0.2.1", Subnets: []string{subnet}, Seen: &wire.Examined{Attempts: attempts}}
}

// away is an endpoint that is behind a line of its own.
func away(e pair.End) pair.End {
	e.Address = "198.51.100.7"
	return e
}

func TestAFaultBetweenTwoEndpointsHasItsName(t *testing.T) {
	const here, there = "10.1.0.0/24", "10.2.0.0/24"
	wanted, up := pair.Link{Wanted: true, Busy: true, RetryIn: 4 * time.Second}, pair.Link{Wanted: true, Busy: true, Up: true}
	far := pair.Link{Wanted: true, Busy: true, Up: true, Relayed: true}
	tcp := func(a *wire.Attempt) { a.RelayTCP = true }
	for name, c := range map[string]struct {
		a, b   pair.End
		link   pair.Link
		linked bool
		path   string
		faults []finding.Fault // in order
	}{
		"direct":                                {end("a", here, via(hosts, wire.ViaDirect)), end("b", here, via(hosts, wire.ViaDirect)), up, true, "linked directly", nil},
		"one is off":                            {end("a", here, hosts), pair.End{Name: "b"}, pair.Link{}, false, "not linked", []finding.Fault{pair.FaultOffline}},
		"reported":                              {end("a", here), end("b", here), pair.Link{Busy: true, Distrusted: time.Minute}, false, "not linked", []finding.Fault{pair.FaultDistrust}},
		"nothing to do":                         {end("a", here), end("b", here), pair.Link{}, false, "not linked", nil},
		"through others":                        {end("a", here), end("b", here), pair.Link{Busy: true, SameGroup: true}, false, "need not be", nil},
		"isolated":                              {end("a", here, hosts, via(placed, wire.ViaFarRelay)), end("b", here, hosts, via(placed, wire.ViaFarRelay)), far, true, "beyond the WAN", []finding.Fault{pair.FaultIsolation}},
		"at the site":                           {end("a", here, hosts, via(placed, wire.ViaSiteRelay)), end("b", here, via(placed, wire.ViaSiteRelay)), up, true, "relay at their site", []finding.Fault{pair.FaultIsolation}},
		"no relay":                              {end("a", there, hosts, with(hosts, func(a *wire.Attempt) { a.Attempt = 2 })), end("b", here, hosts), wanted, false, "not linked", []finding.Fault{pair.FaultNoRelay}},
		"UDP blocked":                           {end("a", there, hosts, silent), end("b", here, hosts, placed), wanted, false, "not linked", []finding.Fault{pair.FaultUDP, pair.FaultRelay}},
		"and TCP":                               {end("a", there, with(silent, tcp)), end("b", here, with(placed, tcp)), wanted, false, "not linked", []finding.Fault{pair.FaultUDP, pair.FaultRelay, pair.FaultRelay}},
		"isolated, with addresses of their own": {end("a", here, hosts, via(placed, wire.ViaFarRelay)), away(end("b", here, hosts, via(placed, wire.ViaFarRelay))), far, true, "beyond the WAN", []finding.Fault{pair.FaultIsolation}},
		"symmetric NATs":                        {end("a", there, via(placed, wire.ViaFarRelay)), away(end("b", here, via(placed, wire.ViaFarRelay))), far, true, "beyond the WAN", []finding.Fault{pair.FaultNAT}},
		"two relays":                            {end("a", there, placed), end("b", here, placed), wanted, false, "not linked", []finding.Fault{pair.FaultRelay}},
		"different kinds":                       {end("a", here, via(placed, wire.ViaSiteRelay)), away(end("b", "fd00:1::/64", via(placed, wire.ViaSiteRelay))), up, true, "relay at their site", []finding.Fault{pair.FaultKinds}},
		"hidden":                                {end("a", here, with(hosts, func(a *wire.Attempt) { a.Theirs = wire.Addresses{Hidden: 2} })), end("b", there), wanted, false, "not linked", []finding.Fault{pair.FaultHidden}},
		"a scanner":                             {end("a", here, with(hosts, func(a *wire.Attempt) { a.Theirs.Refused = 9 })), end("b", there), wanted, false, "not linked", []finding.Fault{pair.FaultRefused}},
		"an older agent":                        {end("a", here, via(hosts, wire.ViaDirect)), pair.End{Name: "b", Online: true}, up, true, "linked directly", nil},
		"no attempt made":                       {end("a", here), end("b", here), pair.Link{Wanted: true, Busy: true, Dialing: true}, false, "not linked", nil},
	} {
		r := pair.Explain(c.a, c.b, c.link)
		for _, f := range r.Findings {
			if f.Fault != "" && (f.Do == "" || !strings.Contains(r.Advice, f.Do)) {
				t.Errorf("%s: %s comes without what to do: %q", name, f.Fault, r.Advice)
			}
			if f.Rung == "" || f.Mark == "" || f.Seen == "" {
				t.Errorf("%s: %+v says too little", name, f)
			}
		}
		faults := finding.Faults(r.Findings)
		if r.Linked != c.linked || !strings.Contains(r.Path, c.path) || !slices.Equal(faults, c.faults) {
			t.Errorf("%s: linked %v, %q, faults %v; want %v, %q, %v\n%+v", name, r.Linked, r.Path, faults, c.linked, c.path, c.faults, r.Findings)
		}
	}
}
