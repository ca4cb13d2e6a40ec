package rtc

import (
	"crypto/rand"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"

	"github.com/sitecast/sitecast/edge/host"
	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	// firstDirect is how long a relayed link waits until a direct way is tried; the wait
	// doubles with each try that fails, up to lastDirect.
	firstDirect = 30 * time.Second
	lastDirect  = 10 * time.Minute
)

// upgrade tries to put a direct link into the place of a relayed one, unless that is
// being tried already. The new link is made beside the old one, which ends only when the
// new one is complete: nobody is without meanwhile, and if it does not come about, nobody
// hears of it.
func (t *Transport) upgrade(old *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx == nil || t.sessions[old.peer] != old || t.beside[old.peer] != nil {
		return
	}
	t.begin(t.beside, plan{peer: old.peer, link: rand.Text(), attempt: stunFrom, direct: true})
}

// offeredBeside takes an offer of a direct link in the place of one that is up, and
// reports whether it was one. mu is held.
func (t *Transport) offeredBeside(sig wire.Signal) bool {
	up := t.sessions[sig.From]
	if !sig.Direct || up == nil || !up.isUp() {
		return false // nothing is there to replace: a link like any other
	}
	if s := t.beside[sig.From]; s != nil {
		if s.offer == nil && t.self < sig.From {
			return true // both offered at once: the lower id's offer counts
		}
		s.stop("peer began anew")
	}
	t.begin(t.beside, offered(sig))
	return true
}

// move begins a link anew that is not what it was. It does not go beside the
// old one: both would use the same socket to the same peer, and what arrives goes to
// one of them only.
func (t *Transport) move(old *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx == nil || t.sessions[old.peer] != old {
		return
	}
	t.log.Info("this host moved or slept, making its link anew", "peer", old.peer.Short())
	old.stop("host moved or slept")
	t.begin(t.sessions, plan{peer: old.peer, link: rand.Text(), attempt: max(old.attempt, stunFrom)})
}

// promote puts a session that is up into its place and returns the one that was there.
func (t *Transport) promote(s *session) (old *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.beside[s.peer] != s {
		return nil
	}
	old = t.sessions[s.peer]
	t.sessions[s.peer] = s
	delete(t.beside, s.peer)
	return old
}

// unheard reports whether nobody hears that a session never came up: it was beside
// another, or that took its place.
func (t *Transport) unheard(s *session) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.sessions[s.peer]
	return s.direct || now != nil && now != s && now.isUp()
}

// addresses are what links may go out from.
func (t *Transport) addresses() (out []netip.Addr) {
	for _, a := range t.mux.GetListenAddresses() {
		if udp, ok := a.(*net.UDPAddr); ok {
			if ip := canonical(udp.AddrPort()).Addr(); !ip.IsLoopback() && !ip.IsLinkLocalUnicast() {
				out = append(out, ip)
			}
		}
	}
	return out
}

// Changed makes links anew that the host's change has ended: a host that goes from radio
// to cable, or gets another address, is no more where the peer sends to, and from one
// that slept the peer has parted.
func (t *Transport) Changed(c host.Change) {
	for _, s := range t.links() {
		if c.Away || slices.ContainsFunc(s.from, func(ip netip.Addr) bool { return slices.Contains(c.Gone, ip) }) {
			t.move(s)
		}
	}
}

// links are the sessions that are up.
func (t *Transport) links() (out []*session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.sessions {
		if s.isUp() {
			out = append(out, s)
		}
	}
	return out
}

// leaves notes which addresses of the host a link that came up depends on. Through a
// relay it is any that the link may go out from.
func (s *session) leaves(relayed bool) {
	if s.from = s.t.addresses(); relayed {
		return
	}
	pair, err := s.ice().GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return
	}
	if ip, err := netip.ParseAddr(pair.Remote.Address); err == nil {
		s.to = ip.Unmap()
	}
	if ip, err := netip.ParseAddr(pair.Local.Address); err == nil && slices.Contains(s.from, ip.Unmap()) {
		s.from = []netip.Addr{ip.Unmap()}
	}
}

// Addresses are those by which others may reach a network's host now.
func Addresses(n Net) (out []netip.Addr) {
	interfaces, err := n.Interfaces()
	if err != nil {
		return nil
	}
	for _, i := range interfaces {
		if list, err := i.Addrs(); err == nil && i.Flags&net.FlagLoopback == 0 { // else it has none
			out = append(out, host.Routable(list)...)
		}
	}
	return out
}

// hostNet is the host's network as it is now; pion's is as it was at the start.
type hostNet struct{ *stdnet.Net }

// Interfaces lists the host's network interfaces.
func (hostNet) Interfaces() ([]*transport.Interface, error) {
	now, err := stdnet.NewNet()
	if err != nil {
		return nil, err
	}
	return now.Interfaces()
}
