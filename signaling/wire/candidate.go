package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A Candidate is one way that a peer says it can be reached (RFC 8839, 5.1), as far as
// endpoints use it: over UDP, by address.
type Candidate struct {
	Foundation string
	Priority   uint32
	Addr       netip.AddrPort // canonical: IPv4 inside IPv6 is the IPv4 it is
	Type       string         // CandidateHost and so on
}

// Kinds of candidate.
const (
	CandidateHost      = "host"
	CandidateReflexive = "srflx"
	CandidatePeer      = "prflx"
	CandidateRelay     = "relay"
)

// MaxCandidates bounds the candidates of one peer in one attempt, and MaxAddresses the
// different addresses in them: whoever names more wants the other side to look for
// something.
const (
	MaxCandidates = 64
	MaxAddresses  = 16
)

// minPort is the lowest port that a link may go to. Endpoints open ports that the system
// picks, and a NAT keeps those above the well-known ones (RFC 4787, REQ-3): below are
// services.
const minPort = 1024

var (
	// ErrCandidate means that an address is one that no peer can have.
	ErrCandidate = errors.New("candidate may not be used")
	// ErrUnused means that a candidate is of a kind that is not used here: over TCP, by
	// name, or for another component. Browsers send such.
	ErrUnused = errors.New("candidate is of a kind that is not used")
)

// ParseCandidate reads a candidate attribute, with or without its "candidate:". Whether
// its address is one that a peer can have is not looked at.
func ParseCandidate(text string) (c Candidate, err error) {
	fields := strings.Fields(strings.TrimPrefix(text, "candidate:"))
	if len(text) > MaxCandidateBytes || len(fields) < 8 || fields[6] != "typ" {
		return c, fmt.Errorf("candidate %.100q is none", text)
	}
	component, err1 := strconv.ParseUint(fields[1], 10, 16)
	priority, err2 := strconv.ParseUint(fields[3], 10, 32)
	port, err3 := strconv.ParseUint(fields[5], 10, 16)
	if err := errors.Join(err1, err2, err3); err != nil {
		return c, fmt.Errorf("candidate %.100q: %w", text, err)
	}
	c = Candidate{Foundation: fields[0], Priority: uint32(priority), Type: fields[7]}
	if component != 1 || !strings.EqualFold(fields[2], "udp") {
		return c, ErrUnused
	}
	if !isFoundation(c.Foundation) {
		return c, fmt.Errorf("candidate with foundation %.40q", c.Foundation)
	}
	switch c.Type {
	case CandidateHost, CandidateReflexive, CandidatePeer, CandidateRelay:
	default:
		return c, ErrUnused
	}
	if strings.HasSuffix(strings.ToLower(fields[4]), ".local") { // a browser hides its address (mDNS)
		return c, ErrUnused
	}
	ip, err := netip.ParseAddr(fields[4])
	if err != nil || ip.Zone() != "" {
		return c, fmt.Errorf("%w: %.80q is no address", ErrCandidate, fields[4])
	}
	c.Addr = netip.AddrPortFrom(ip.Unmap(), uint16(port))
	return c, nil
}

// isFoundation reports whether s is made of 1 to 32 ice-chars.
func isFoundation(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '+' && r != '/' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 32
}

// String is the candidate attribute, without what nobody reads.
func (c Candidate) String() string {
	text := fmt.Sprintf("candidate:%s 1 udp %d %s %d typ %s", c.Foundation, c.Priority, c.Addr.Addr(), c.Addr.Port(), c.Type)
	if c.Type != CandidateHost {
		text += " raddr 0.0.0.0 rport 0" // the real one is nobody's business
	}
	return text
}

var (
	thisNetwork = netip.MustParsePrefix("0.0.0.0/8")   // RFC 791: some systems take it for themselves
	reserved    = netip.MustParsePrefix("240.0.0.0/4") // with the broadcast address
)

// CheckAddress reports why no peer can be reached at a canonical address: nobody may be
// made to send to its own host, to all of a network, or to what only its own network
// knows. With loopback the endpoints are on one host, and meet there.
func CheckAddress(ip netip.Addr, loopback bool) error {
	switch {
	case !ip.IsValid() || ip.Is4In6() || ip.Zone() != "":
		return fmt.Errorf("%w: %v is not canonical", ErrCandidate, ip)
	case ip.IsLoopback() && !loopback, ip.IsUnspecified(), ip.IsLinkLocalUnicast(), ip.IsMulticast(), thisNetwork.Contains(ip), reserved.Contains(ip):
		return fmt.Errorf("%w: no peer is at %v", ErrCandidate, ip)
	}
	return nil
}

// Check reports why no peer can be reached at c.
func (c Candidate) Check(loopback bool) error {
	if err := CheckAddress(c.Addr.Addr(), loopback); err != nil {
		return err
	}
	if c.Addr.Port() < minPort {
		return fmt.Errorf("%w: no link goes to port %d", ErrCandidate, c.Addr.Port())
	}
	return nil
}

// MaxNetworks bounds the networks that a site's links may go over.
const MaxNetworks = 64

// Networks are those that a site's links may go over; none stands for any.
type Networks []netip.Prefix

// Allow reports whether an endpoint may be met at a canonical address.
func (n Networks) Allow(ip netip.Addr) bool {
	return len(n) == 0 || slices.ContainsFunc(n, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// Check reports what is wrong with a list of networks.
func (n Networks) Check() error {
	if slices.ContainsFunc(n, func(p netip.Prefix) bool { return !p.IsValid() }) {
		return errors.New("a network is empty")
	}
	return count("networks", len(n), MaxNetworks)
}

// Admits reports why no link goes over c. What goes through a relay goes over no network
// of the site's.
func (n Networks) Admits(c Candidate) error {
	if c.Type != CandidateRelay && !n.Allow(c.Addr.Addr()) {
		return fmt.Errorf("%w: %v is in no network that this site's links go over", ErrCandidate, c.Addr.Addr())
	}
	return nil
}

// CheckCandidates reports why a signal is not passed on: it names addresses that no peer
// can have, or too many, or that are in no network that the site's links go over. A line of a description counts wherever any reader might see
// one begin; what is not used is let through, since it is harmless.
func (s Signal) CheckCandidates(loopback bool, on Networks) error {
	var texts []string
	if s.Candidate != "" {
		texts = append(texts, s.Candidate)
	}
	for _, d := range []*Description{s.Offer, s.Answer} {
		if d == nil {
			continue
		}
		for line := range strings.FieldsFuncSeq(d.SDP, func(r rune) bool { return r == '\r' || r == '\n' }) {
			if text, ok := strings.CutPrefix(strings.TrimSpace(line), "a=candidate:"); ok {
				texts = append(texts, text)
			}
		}
	}
	addresses := map[netip.Addr]bool{}
	for _, text := range texts {
		c, err := ParseCandidate(text)
		if err == nil {
			err = errors.Join(c.Check(loopback), on.Admits(c))
			addresses[c.Addr.Addr()] = true
		}
		if err != nil && !errors.Is(err, ErrUnused) {
			return err
		}
	}
	if len(addresses) > MaxAddresses {
		return fmt.Errorf("%w: %d addresses, limit %d", ErrCandidate, len(addresses), MaxAddresses)
	}
	return nil
}
