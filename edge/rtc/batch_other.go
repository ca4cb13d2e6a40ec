//go:build !linux

package rtc

import "net"

// batched returns the socket as pion uses it; batching is for Linux only.
func batched(sock net.PacketConn) net.PacketConn { return sock }
