// Package stamp reads packets with the time at which they came. A reader on a busy
// host wakes up milliseconds later, which would look like a queue on the way; on Linux
// the kernel says when it received a packet (SO_TIMESTAMPNS, socket(7)), and when the
// newest bytes of a stream.
package stamp

import (
	"net"
	"time"
)

// A Reader reads one packet into b, and says whom it is from and when it came.
type Reader func(b []byte) (n int, from net.Addr, at time.Time, err error)

// plain notes when packets were read.
func plain(conn net.PacketConn) Reader {
	return func(b []byte) (int, net.Addr, time.Time, error) {
		n, from, err := conn.ReadFrom(b)
		return n, from, time.Now(), err
	}
}
