package lab

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"

	"github.com/sitecast/sitecast/edge/rtc/rtctest"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/site"
)

// Carry takes an endpoint that is switched off to another place: to an address of the
// LAN there, which is also the one that the server sees.
func (e *Endpoint) Carry(from, to *Site, ip string) {
	e.lab.t.Helper()
	laying.Lock()
	defer laying.Unlock()
	var err error
	e.net, err = rtctest.At(ip)
	e.lab.must(err)
	e.lab.must(to.lan.AddNet(e.net.Net))
	e.Host = ip
	e.at.Store(&ip)
	from.Endpoints = slices.DeleteFunc(from.Endpoints, func(other *Endpoint) bool { return other == e })
	to.Endpoints = append(to.Endpoints, e)
}

// SetNetwork puts a network on the map.
func (l *Lab) SetNetwork(cidr, kind string, s *Site) {
	l.t.Helper()
	l.must(operator.NetworkSet{Remote: l.Remote(io.Discard), OneNetwork: operator.OneNetwork{CIDR: cidr, Kind: kind, Site: s.Name}}.Run(l.t.Context()))
}

// RemoveNetwork takes a network off the map.
func (l *Lab) RemoveNetwork(cidr, kind string, s *Site) {
	l.t.Helper()
	l.must(operator.NetworkRemove{Remote: l.Remote(io.Discard), OneNetwork: operator.OneNetwork{CIDR: cidr, Kind: kind, Site: s.Name}}.Run(l.t.Context()))
}

// Quarantine returns who is in quarantine, by name, and what operators are told of it.
func (l *Lab) Quarantine() (names []string, told string) {
	l.t.Helper()
	var out bytes.Buffer
	l.must(operator.Endpoints{Remote: l.Remote(&out), Quarantined: true, JSON: true}.Run(l.t.Context()))
	var list []site.EndpointView
	l.must(json.Unmarshal(out.Bytes(), &list))
	for _, e := range list {
		names = append(names, e.Name)
	}
	slices.Sort(names)
	out.Reset()
	l.must(operator.Endpoints{Remote: l.Remote(&out), Quarantined: true}.Run(l.t.Context()))
	return names, out.String()
}
