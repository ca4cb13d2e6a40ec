package agent

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
)

// interfaces is where Linux describes them. Elsewhere there is no such folder, and a
// radio is noticed by what it does to uploads.
const interfaces = "/sys/class/net"

// wireless reports whether the way to the peers is radio, and whether that is known:
// without a route it is not. It is taken for the way to the server, which as a rule leaves
// by the same interface.
func wireless(server *url.URL) (is, known bool) {
	name := wayTo(server)
	return radio(interfaces, name), name != ""
}

// wayTo names the interface by which the server is reached; empty without a route.
func wayTo(server *url.URL) string {
	port := server.Port()
	if port == "" {
		port = "443"
	}
	conn, err := net.Dial("udp", net.JoinHostPort(server.Hostname(), port)) // sends nothing
	if err != nil {
		return ""
	}
	defer func() { _ = conn.Close() }()
	local, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return ""
	}
	return interfaceOf(local.IP)
}

// interfaceOf names the interface that has an address, or is empty.
func interfaceOf(ip net.IP) string {
	all, err := net.Interfaces()
	if err != nil {
		return ""
	}
	for _, i := range all {
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if prefix, ok := a.(*net.IPNet); ok && prefix.IP.Equal(ip) {
				return i.Name
			}
		}
	}
	return ""
}

// radio reports whether an interface is wireless, as old drivers say it or as new ones.
func radio(dir, name string) bool {
	if name == "" {
		return false
	}
	for _, sign := range []string{"wireless", "phy80211"} {
		if _, err := os.Stat(filepath.Join(dir, name, sign)); err == nil {
			return true
		}
	}
	return false
}
