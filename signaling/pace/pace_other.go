//go:build !linux

package pace

import "net"

// set reports that nothing is paced here.
func set(net.Conn, int64) bool { return false }

// use and renew have nothing to do where nothing is paced.
func use(net.Conn, bool)   {}
func renew(net.Conn, bool) {}
