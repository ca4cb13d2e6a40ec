package agent

import (
	"net"
	"net/netip"
	"net/url"
	"slices"

	"github.com/sitecast/sitecast/edge/host"
	"github.com/sitecast/sitecast/signaling/wire"
)

// maxSubnets bounds the prefixes told to the server.
const maxSubnets = 8

// iface is a network interface of the host.
type iface struct {
	addresses []net.Addr
	aside     bool // it tells nothing of where the host is
}

// sayNetworks says in a hello in which networks the host has addresses.
func (c Config) sayNetworks(h *wire.Hello) {
	all := c.interfaces()
	for _, aside := range []bool{false, true} { // those that count come first
		for _, i := range all {
			if i.aside != aside {
				continue
			}
			for _, n := range prefixes(i.addresses) {
				if slices.Contains(h.Subnets, n) || len(h.Subnets) == maxSubnets {
					continue
				}
				if h.Subnets = append(h.Subnets, n); aside {
					h.Aside = append(h.Aside, n)
				}
			}
		}
	}
	h.Tunnelled = c.Net == nil && tunnelled(c.Server)
}

// interfaces lists those of the host. Without them links are placed less well, and the
// server goes by the public address alone.
func (c Config) interfaces() (out []iface) {
	if c.Net != nil {
		all, err := c.Net.Interfaces()
		if err != nil {
			return nil
		}
		for _, i := range all {
			if list, err := i.Addrs(); err == nil && i.Flags&net.FlagLoopback == 0 { // else it has none
				out = append(out, iface{addresses: list})
			}
		}
		return out
	}
	all, err := net.Interfaces()
	if err != nil {
		return nil
	}
	senses := host.NewSenses("/", "")
	for _, i := range all {
		if list, err := i.Addrs(); err == nil && i.Flags&net.FlagLoopback == 0 { // else it has gone meanwhile
			out = append(out, iface{list, senses.Aside(i.Name, i.Flags)})
		}
	}
	return out
}

// tunnelled reports whether a tunnel is the way to the server.
func tunnelled(server *url.URL) bool {
	name := wayTo(server)
	i, err := net.InterfaceByName(name)
	return err == nil && host.NewSenses("/", "").Tunnels(name, i.Flags)
}

// prefixes are the networks of addresses that others than neighbours may reach.
func prefixes(addresses []net.Addr) (out []string) {
	for _, a := range addresses {
		p, err := netip.ParsePrefix(a.String())
		if err != nil || !p.Addr().IsGlobalUnicast() {
			continue
		}
		out = append(out, p.Masked().String())
	}
	return out
}

// elsewhere reports whether what a hello said of the place is not so any more.
func elsewhere(said, now wire.Hello) bool {
	return said.Tunnelled != now.Tunnelled || !slices.Equal(evident(said), evident(now))
}

// evident are the networks that say where a host is.
func evident(h wire.Hello) []string {
	list := slices.DeleteFunc(slices.Clone(h.Subnets), func(n string) bool { return slices.Contains(h.Aside, n) })
	slices.Sort(list)
	return list
}
