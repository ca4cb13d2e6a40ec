package rtc

import "net"

// batched returns the socket as pion uses it.
func batched(sock net.PacketConn) net.PacketConn { return sock }
