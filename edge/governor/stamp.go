package governor

import (
	"net"
	"time"
)

// plainReceiver reads packets and notes when they were read.
func plainReceiver(conn net.PacketConn) func(buf []byte) (int, time.Time, error) {
	return func(buf []byte) (int, time.Time, error) {
		n, _, err := conn.ReadFrom(buf)
		return n, time.Now(), err
	}
}
