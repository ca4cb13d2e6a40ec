// Package rtctest has what tests of links need beside pion's virtual network: a host
// that moves.
package rtctest

import (
	"fmt"
	"net"
	"sync"

	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/vnet"
)

// Host is a host on a virtual network whose address may change while it is used; pion's
// own changes addresses without a lock that who reads them would take.
type Host struct {
	*vnet.Net

	// mu guards the addresses in Net.
	mu sync.RWMutex
}

// At is a host at an address. The caller adds its Net to a router.
func At(ip string) (*Host, error) {
	n, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
	if err != nil {
		return nil, fmt.Errorf("make a host: %w", err)
	}
	return &Host{Net: n}, nil
}

// Move takes an address away and gives another of the same /24; either may be empty.
func (h *Host) Move(from, to string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if from != "" {
		if err := h.RemoveAddress("eth0", net.ParseIP(from)); err != nil {
			return fmt.Errorf("leave %s: %w", from, err)
		}
	}
	if to != "" {
		if err := h.AddAddress("eth0", &net.IPNet{IP: net.ParseIP(to), Mask: net.CIDRMask(24, 32)}); err != nil {
			return fmt.Errorf("move to %s: %w", to, err)
		}
	}
	return nil
}

// Interfaces lists the interfaces as they are now; the list is the caller's.
func (h *Host) Interfaces() ([]*transport.Interface, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	shared, err := h.Net.Interfaces()
	if err != nil {
		return nil, err
	}
	var out []*transport.Interface
	for _, i := range shared {
		one := transport.NewInterface(i.Interface)
		addresses, _ := i.Addrs() // the error is that there are none
		for _, a := range addresses {
			one.AddAddress(a)
		}
		out = append(out, one)
	}
	return out, nil
}

// ListenUDP opens a socket that follows the host.
func (h *Host) ListenUDP(network string, at *net.UDPAddr) (transport.UDPConn, error) {
	conn, err := h.Net.ListenUDP(network, at)
	if err != nil {
		return nil, err
	}
	return socket{conn, h}, nil
}

type socket struct {
	transport.UDPConn
	host *Host
}

// WriteTo sends from the address that the host has now.
func (s socket) WriteTo(b []byte, to net.Addr) (int, error) {
	s.host.mu.RLock()
	defer s.host.mu.RUnlock()
	return s.UDPConn.WriteTo(b, to)
}
