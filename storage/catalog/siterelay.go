package catalog

import (
	"fmt"
	"net"
	"strings"
)

// SiteRelay is a relay that stands at a site, so that what it carries is no use of
// the WAN. The zero value is none.
type SiteRelay struct {
	// Address is turn:HOST:PORT, or turns:HOST:PORT where it speaks TLS. One of IPv4 and
	// one of IPv6 are turn:HOST:PORT,HOST:PORT.
	Address string
	Secret  []byte // shared with it
}

// Limits of a relay's secret, in bytes: a shorter one can be guessed.
const (
	MinRelaySecret = 16
	MaxRelaySecret = 512
	maxRelayBytes  = 300
	maxRelayPlaces = 2 // one for each kind of address
)

// Reached is how endpoints speak to it, and at which hosts and ports.
func (r SiteRelay) Reached() (scheme string, places []string) {
	scheme, where, _ := strings.Cut(r.Address, ":")
	return scheme, strings.Split(where, ",")
}

// Check reports what is wrong with it.
func (r SiteRelay) Check() error {
	if r.Address == "" && len(r.Secret) == 0 {
		return nil
	}
	scheme, places := r.Reached()
	if scheme != "turn" && scheme != "turns" || len(r.Address) > maxRelayBytes {
		return fmt.Errorf("relay %.60q: want turn:HOST:PORT, or turns:HOST:PORT where it speaks TLS", r.Address)
	}
	if len(places) > maxRelayPlaces {
		return fmt.Errorf("relay %.60q: want one address, or one of IPv4 and one of IPv6", r.Address)
	}
	for _, where := range places {
		host, port, err := net.SplitHostPort(where)
		if err != nil || host == "" || strings.ContainsAny(host, " /?#@\"") {
			return fmt.Errorf("relay %.60q: want turn:HOST:PORT, such as turn:10.12.0.5:3478", r.Address)
		}
		if n, err := net.LookupPort("udp", port); err != nil || n == 0 || strings.Trim(port, "0123456789") != "" {
			return fmt.Errorf("relay %.60q: %q is no port", r.Address, port)
		}
	}
	if len(r.Secret) < MinRelaySecret || len(r.Secret) > MaxRelaySecret {
		return fmt.Errorf("a relay's secret has %d to %d characters", MinRelaySecret, MaxRelaySecret)
	}
	return nil
}
