package rtc

import "net"

// Batched is the socket beneath all links.
var Batched = batched

// Cuts reports whether the kernel is still asked to cut batches for c.
func Cuts(c net.PacketConn) bool {
	b, ok := c.(*batchConn)
	return ok && b.segments.Load()
}
