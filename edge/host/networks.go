package host

import (
	"net"
	"os"
	"path/filepath"
)

// Aside reports whether the networks of an interface tell nothing of the place where the
// computer is: it is a tunnel, nothing is plugged in, or it leads to containers and
// virtual machines inside the computer.
func (s *Senses) Aside(name string, flags net.Flags) bool {
	return flags&net.FlagRunning == 0 || s.Tunnels(name, flags) || s.inside(name)
}

// Tunnels reports whether an interface is a tunnel, also on systems that say no more
// than that it leads to one other end.
func (s *Senses) Tunnels(name string, flags net.Flags) bool {
	return flags&net.FlagPointToPoint != 0 || s.Tunnel(name)
}

// inside reports whether an interface is a bridge to nothing but what is in the computer:
// no port of it is a device, or lies on one as a VLAN does.
func (s *Senses) inside(name string) bool {
	dir := filepath.Join(s.root, "sys/class/net")
	ports, err := os.ReadDir(filepath.Join(dir, name, "brif"))
	if err != nil || name == "" {
		return false // it is no bridge
	}
	for _, port := range ports {
		if _, err := os.Stat(filepath.Join(dir, port.Name(), "device")); err == nil {
			return false
		}
		if below, err := filepath.Glob(filepath.Join(dir, port.Name(), "lower_*")); err != nil || len(below) > 0 {
			return false
		}
	}
	return true
}
