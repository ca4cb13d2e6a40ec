package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sitecast/sitecast/storage/content"
)

// Kinds of network on the map.
const (
	NetworkLAN    = "lan"    // endpoints at the site have addresses in it
	NetworkEgress = "egress" // the site's endpoints are seen under its addresses from outside
)

// MaxNetworks bounds the map of networks.
const MaxNetworks = 100_000

// Network says of a range of addresses at which site it is.
type Network struct {
	CIDR string `json:"cidr"` // as [Network.Normal] writes it
	Site string `json:"site"`
	Kind string `json:"kind" enum:"lan,egress"`
}

func (n Network) String() string { return n.CIDR + " (" + n.Kind + ") at " + n.Site }

// Order orders networks as they are listed.
func (n Network) Order(other Network) int {
	return cmp.Or(cmp.Compare(n.Kind, other.Kind), cmp.Compare(n.CIDR, other.CIDR), cmp.Compare(n.Site, other.Site))
}

// Normal returns the network as the map has it, or what is wrong with it. An address
// alone stands for the range of itself, and no kind for a LAN.
func (n Network) Normal() (Network, error) {
	n.Kind = cmp.Or(n.Kind, NetworkLAN)
	p, err := parseRange(n.CIDR)
	switch {
	case err != nil:
		return n, err
	case n.Kind != NetworkLAN && n.Kind != NetworkEgress:
		return n, fmt.Errorf("kind %.20q: want %s or %s", n.Kind, NetworkLAN, NetworkEgress)
	case p.Bits() == 0:
		return n, fmt.Errorf("network %s is everything: nobody's place follows from it", p)
	case p.Addr().IsMulticast(), p.Addr().IsLinkLocalUnicast(), p.Addr().IsUnspecified(), n.Kind == NetworkLAN && p.Addr().IsLoopback():
		return n, fmt.Errorf("network %s is the same everywhere: nobody's place follows from it", p)
	}
	if err := content.CheckName(n.Site); err != nil {
		return n, fmt.Errorf("site: %w", err)
	}
	n.CIDR = p.String()
	return n, nil
}

// parseRange reads a range, or an address.
func parseRange(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("network %.60q: want one such as 10.12.0.0/16, fd00:12::/32 or 203.0.113.7", text)
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return p, fmt.Errorf("network %.60q: want one such as 10.12.0.0/16, fd00:12::/32 or 203.0.113.7", text)
	case p.Addr().Is4In6():
		return p, fmt.Errorf("network %s is IPv4 written as IPv6: write it as IPv4", text)
	case p != p.Masked():
		return p, fmt.Errorf("network %s has bits set behind its prefix: did you mean %v?", text, p.Masked())
	}
	return p, nil
}

// LANs are the ranges that a site was created with, as networks. What is none is left
// out: it was created by an earlier release.
func (s Site) LANs() (lans []Network) {
	for _, text := range s.CIDRs {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			continue
		}
		if n, err := (Network{CIDR: p.Masked().String(), Site: s.Name}).Normal(); err == nil {
			lans = append(lans, n)
		}
	}
	return lans
}

// carrier is what is shared behind the NATs of carriers (RFC 6598).
var carrier = netip.MustParsePrefix("100.64.0.0/10")

// alone reports whether a network can be at one site only: one that others see under, or
// of addresses that are given out once in the world.
func (n Network) alone() bool {
	p, err := netip.ParsePrefix(n.CIDR)
	return err == nil && (n.Kind == NetworkEgress || !p.Addr().IsPrivate() && !carrier.Contains(p.Addr()))
}

// NetworkError says what is wrong with one network of a change.
type NetworkError struct {
	Network Network
	Err     error // wraps ErrNotFound or ErrConflict
}

func (e *NetworkError) Error() string { return e.Network.String() + ": " + e.Err.Error() }

func (e *NetworkError) Unwrap() error { return e.Err }

// MergeNetworks returns what becomes of a map of networks when some are taken out and
// then some are put in, in the order of [Network.Order]; all are as [Network.Normal]
// writes them. What can't be is told of each: to take out what is not there, and to have
// a network at two sites that can be at one only. To put in what is there is nothing.
func MergeNetworks(have, remove, add []Network) (merged []Network, wrong []*NetworkError) {
	is := make(map[Network]bool, len(have)+len(add))
	at := map[Network]string{} // of those that are alone, without their site
	key := func(n Network) Network { return Network{CIDR: n.CIDR, Kind: n.Kind} }
	for _, n := range have {
		is[n] = true
	}
	for _, n := range remove {
		if !is[n] {
			wrong = append(wrong, &NetworkError{n, fmt.Errorf("it is not on the map: %w", ErrNotFound)})
		}
		delete(is, n)
	}
	for n := range is {
		if n.alone() {
			at[key(n)] = n.Site
		}
	}
	for _, n := range add {
		if is[n] {
			continue
		}
		if other, taken := at[key(n)]; taken && other != n.Site {
			wrong = append(wrong, &NetworkError{n, fmt.Errorf("it is at %s, and no two sites can have it: %w", other, ErrConflict)})
			continue
		}
		if is[n] = true; n.alone() {
			at[key(n)] = n.Site
		}
	}
	if len(is) > MaxNetworks && len(add) > 0 {
		wrong = append(wrong, &NetworkError{add[len(add)-1], fmt.Errorf("the map would have %d networks, limit %d: %w", len(is), MaxNetworks, ErrConflict)})
	}
	for n := range is {
		merged = append(merged, n)
	}
	slices.SortFunc(merged, Network.Order)
	return merged, wrong
}

// maxWrong is how many wrong networks one error names.
const maxWrong = 8

// WrongNetworks makes one error of several.
func WrongNetworks(wrong []*NetworkError) error {
	var errs []error
	for _, w := range wrong[:min(len(wrong), maxWrong)] {
		errs = append(errs, w)
	}
	if more := len(wrong) - maxWrong; more > 0 {
		errs = append(errs, fmt.Errorf("and %d more", more))
	}
	return errors.Join(errs...)
}

// Networks keeps the map by which endpoints are matched with sites.
type Networks interface {
	// Networks lists the map in the order of [Network.Order]. The ranges that sites were
	// created with are LANs on it.
	Networks(ctx context.Context) ([]Network, error)
	// ChangeNetworks takes networks out and puts others in, all or nothing; errors are
	// those of [MergeNetworks], and ErrNotFound for a site that is not there. It returns
	// the map as it is then.
	ChangeNetworks(ctx context.Context, by string, remove, add []Network) ([]Network, error)
}
