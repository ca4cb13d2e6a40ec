package rtc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/pion/webrtc/v4"

	"github.com/sitecast/sitecast/signaling/wire"
)

// maxHostAddresses bounds the host's own addresses that a peer is told of, which leaves
// room for those that servers see: a host of many bridges has more.
const maxHostAddresses = wire.MaxAddresses - 4

// described is a session description without its candidates, and these. It is read by
// pion's parser, like the fingerprint: any other might see other lines in it.
type described struct {
	sdp        string
	candidates []string
}

// sift takes the candidates out of a description: pion adds those that it finds in one,
// and only what was looked at shall be added. What is left says what it said before, or
// it is refused: written again, odd text might read otherwise.
func sift(text string) (described, error) {
	d, err := siftOnce(text)
	if err != nil {
		return described{}, err
	}
	again, err := siftOnce(d.sdp)
	if err != nil {
		return described{}, err
	}
	before, err := fingerprint(text)
	if err != nil {
		return described{}, err
	}
	if after, err := fingerprint(d.sdp); err != nil || after != before || len(again.candidates) > 0 || again.sdp != d.sdp {
		return described{}, errOdd
	}
	return d, nil
}

var errOdd = errors.New("session description reads otherwise when it is written again")

func siftOnce(text string) (d described, err error) {
	desc := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: text}
	parsed, err := desc.Unmarshal()
	if err != nil {
		return d, fmt.Errorf("read session description: %w", err)
	}
	kept := parsed.Attributes[:0]
	for _, a := range parsed.Attributes {
		if !ofCandidates(a.Key) {
			kept = append(kept, a)
		}
	}
	parsed.Attributes = kept
	for _, media := range parsed.MediaDescriptions {
		kept := media.Attributes[:0]
		for _, a := range media.Attributes {
			switch {
			case a.Key == "candidate":
				d.candidates = append(d.candidates, a.Value)
			case !ofCandidates(a.Key):
				kept = append(kept, a)
			}
		}
		media.Attributes = kept
	}
	sdp, err := parsed.Marshal()
	d.sdp = string(sdp)
	return d, err
}

// ofCandidates reports whether an attribute speaks of candidates.
func ofCandidates(key string) bool {
	key = strings.ToLower(strings.TrimSpace(key))
	return strings.HasSuffix(key, "candidate") || strings.HasSuffix(key, "candidates")
}

// minOwnPort is the lowest port at this very host that a link may go to: another agent
// here has one that the system picked, and systems pick from there on. What listens
// below is not for peers to try.
const minOwnPort = 32768

// policy is what the peer of a session may have this host send to.
type policy struct {
	speaks   families
	loopback bool
	own      map[netip.Addr]bool // addresses of this host
	all      map[netip.Addr]bool // addresses for all of a network of this host
	on       wire.Networks       // that links may go over
	relays   map[netip.Addr]bool // where a relayed candidate may be
	named    bool                // relays that are known by name only may be elsewhere
	taken    map[netip.Addr]bool // addresses of candidates that were let in
}

func (t *Transport) newPolicy() policy {
	p := policy{speaks: t.speaks, on: t.on(), own: map[netip.Addr]bool{}, all: map[netip.Addr]bool{}, taken: map[netip.Addr]bool{}}
	if udp, ok := t.sock.LocalAddr().(*net.UDPAddr); ok {
		p.loopback = udp.IP.IsLoopback()
	}
	p.relays, p.named = relaysAt(t.cfg.ICE())
	interfaces, err := t.cfg.Net.Interfaces()
	if err != nil {
		t.log.Warn("reading network interfaces", "err", err)
	}
	for _, i := range interfaces {
		addresses, err := i.Addrs()
		if err != nil {
			continue // it has gone meanwhile
		}
		for _, a := range addresses {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil {
				p.own[prefix.Addr().Unmap()] = true
				p.all[prefix.Masked().Addr()], p.all[broadcast(prefix)] = true, true
			}
		}
	}
	return p
}

// broadcast is the address for all of an IPv4 network; where there is none, or for
// IPv6, it is no address.
func broadcast(p netip.Prefix) netip.Addr {
	if !p.Addr().Is4() || p.Bits() > 30 {
		return netip.Addr{}
	}
	ip := p.Masked().Addr().As4()
	bits := binary.BigEndian.Uint32(ip[:]) | 1<<(32-p.Bits()) - 1
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, bits)))
}

// relaysAt lists the addresses of relays; named reports that some are known by name
// only.
func relaysAt(servers []wire.ICE) (at map[netip.Addr]bool, named bool) {
	at = map[netip.Addr]bool{}
	for _, s := range servers {
		for _, u := range s.URLs {
			scheme, rest, _ := strings.Cut(u, ":")
			if scheme != "turn" && scheme != "turns" {
				continue
			}
			where, _, _ := strings.Cut(rest, "?")
			if host, _, err := net.SplitHostPort(where); err == nil {
				where = host
			}
			if ip, err := netip.ParseAddr(strings.Trim(where, "[]")); err == nil {
				at[ip.Unmap()] = true
			} else {
				named = true
			}
		}
	}
	return at, named
}

// errNoAnswer keeps a relayed candidate back while no relay has answered from there. A
// relay lets its allocations reach each other and nobody else, so before this host has
// one at the same address the candidate leads nowhere.
var errNoAnswer = errors.New("no relay has answered from that address yet")

var errManyAddresses = errors.New("too many addresses")

// admit reads a candidate and reports why it is not used. An address that was let in
// counts.
func (p *policy) admit(text string) (wire.Candidate, error) {
	c, err := wire.ParseCandidate(text)
	if err == nil {
		err = errors.Join(c.Check(p.loopback), p.on.Admits(c))
	}
	if err != nil {
		return c, err
	}
	ip := c.Addr.Addr()
	switch {
	case !p.speaks.has(ip):
		return c, wire.ErrUnused // the peer may have others
	case p.own[ip] && c.Addr.Port() < minOwnPort:
		return c, fmt.Errorf("%w: port %d of this host", wire.ErrCandidate, c.Addr.Port())
	case p.all[ip] && !p.own[ip]: // one host's network may be of that host only
		return c, fmt.Errorf("%w: %v is all of a network", wire.ErrCandidate, ip)
	case c.Type == wire.CandidateRelay && !p.relays[ip] && p.named:
		return c, errNoAnswer
	case c.Type == wire.CandidateRelay && !p.relays[ip]:
		return c, fmt.Errorf("%w: no relay is at %v", wire.ErrCandidate, ip)
	case !p.taken[ip] && len(p.taken) >= wire.MaxAddresses:
		return c, errManyAddresses
	}
	p.taken[ip] = true
	return c, nil
}

// flood reports whether candidates name more addresses than a peer may have: then none
// of them is used, because whoever wrote them is looking for something.
func flood(candidates []string) bool {
	seen := map[netip.Addr]bool{}
	for _, text := range candidates {
		if c, err := wire.ParseCandidate(text); err == nil {
			seen[c.Addr.Addr()] = true
		}
	}
	return len(seen) > wire.MaxAddresses || len(candidates) > 2*wire.MaxCandidates // two components each
}

// trimmed is the own description with no more candidates than a peer takes, and none in
// other networks than links may go over.
func trimmed(text string, on wire.Networks) (string, error) {
	d, err := sift(text)
	if err != nil {
		return "", err
	}
	out := &strings.Builder{}
	out.WriteString(d.sdp)
	seen := map[netip.Addr]bool{}
	for _, text := range d.candidates {
		c, err := wire.ParseCandidate(text)
		if err != nil || on.Admits(c) != nil || !seen[c.Addr.Addr()] && len(seen) == maxHostAddresses {
			continue
		}
		seen[c.Addr.Addr()] = true
		fmt.Fprintf(out, "a=%s\r\n", c)
	}
	return out.String(), nil
}
