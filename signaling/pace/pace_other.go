//go:build !linux

package pace

import "net"

// set reports that nothing is paced here.
func set(net.Conn, int64, bool) bool { return false }

// grow and use have nothing to do where nothing is paced.
func grow(net.Conn, bool) {}
func use(net.Conn, bool)  {}

// look reports that nothing is known here.
func look(net.Conn) (counts, bool) { return counts{}, false }
