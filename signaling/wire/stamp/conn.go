package stamp

import (
	"net"
	"time"
)

// Conn returns conn, of which [Newest] will tell when what was read last came. One
// that can't be stamped is returned as it is.
func Conn(conn net.Conn) net.Conn { return stamped(conn) }

// Newest is when the bytes came that were read last from conn or from what it is
// wrapped around, and now where nobody noted it, which a connection does that has a
// method of that name. It is for the goroutine that reads.
func Newest(conn net.Conn) time.Time {
	now := time.Now()
	for conn != nil {
		if c, ok := conn.(interface{ Newest() time.Time }); ok {
			if at := c.Newest(); !at.IsZero() {
				return at
			}
			return now
		}
		inner, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return now
		}
		conn = inner.NetConn()
	}
	return now
}
