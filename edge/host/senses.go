package host

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// busPatience bounds a question to another program of this computer.
const busPatience = 500 * time.Millisecond

// Senses tell what an endpoint goes by out of regard for who uses its computer: what it
// is fed by, what its network costs, whether somebody works at it. What this system does
// not tell counts as no. They are asked by one goroutine.
type Senses struct {
	root string
	bus  bus
}

// NewSenses returns those of this computer. Tests name another root than / for what the
// kernel tells in files, and another D-Bus than that of the system by its address.
func NewSenses(root, address string) *Senses { return &Senses{root: root, bus: bus{address: address}} }

// Close ends the connection to other programs.
func (s *Senses) Close() { s.bus.close() }

// Desktop is what the programs of a desktop know of it.
type Desktop struct {
	Metered string // who says that the network is paid for by the byte; empty: nobody
	Tunnel  string // what kind of tunnel the network's main connection is; empty: none
	Working bool   // somebody works at this computer
}

// Desktop asks NetworkManager and logind, where they run.
func (s *Senses) Desktop(ctx context.Context) (d Desktop) {
	ctx, stop := context.WithTimeout(ctx, busPatience)
	defer stop()
	metered, _ := s.bus.get(ctx, networkManager, "Metered").(uint32) // of another type or absent: 0, not known
	switch metered {
	case 1:
		d.Metered = "NetworkManager says so"
	case 3:
		d.Metered = "NetworkManager guesses so"
	}
	switch kind, _ := s.bus.get(ctx, networkManager, "PrimaryConnectionType").(string); kind {
	case "vpn", "wireguard", "tun":
		d.Tunnel = kind
	}
	idle, known := s.bus.get(ctx, logind, "IdleHint").(bool)
	d.Working = known && !idle
	return d
}

// Tunnel reports whether an interface is one: of WireGuard or another VPN, or of PPP.
func (s *Senses) Tunnel(name string) bool {
	if name == "" {
		return false
	}
	dir := filepath.Join(s.root, "sys/class/net", name)
	if _, err := os.Stat(filepath.Join(dir, "tun_flags")); err == nil { // TUN and TAP
		return true
	}
	switch word(filepath.Join(dir, "type")) { // ARPHRD_PPP and ARPHRD_NONE, which WireGuard has
	case "512", "65534":
		return true
	}
	return false
}

// Battery reports whether the computer runs on one, and how many percent all of them
// have left on average.
func (s *Senses) Battery() (charge int, on bool) {
	dir := filepath.Join(s.root, "sys/class/power_supply")
	supplies, err := os.ReadDir(dir)
	if err != nil {
		return 0, false
	}
	count := 0
	for _, supply := range supplies {
		is := func(what string) string { return word(filepath.Join(dir, supply.Name(), what)) }
		switch {
		case is("scope") == "Device": // of a mouse
		case is("type") == "Battery":
			n, err := strconv.Atoi(is("capacity"))
			if err != nil {
				continue
			}
			charge += min(max(n, 0), 100)
			count++
			on = on || is("status") == "Discharging"
		case is("online") == "1":
			return 0, false
		}
	}
	if !on {
		return 0, false
	}
	return charge / count, true
}

// maxWord bounds what is read of a file of the kernel's that holds one word.
const maxWord = 64

// word reads such a file; empty where there is none.
func word(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close() // it is only read from
	text := make([]byte, maxWord)
	n, _ := f.Read(text) // nothing is read on an error
	return strings.TrimSpace(string(text[:n]))
}
