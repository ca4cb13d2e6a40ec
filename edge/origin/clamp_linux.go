package origin

import (
	"net"

	"golang.org/x/sys/unix"
)

const canClamp = true

// clamp bounds the receive window that a connection announces. The kernel shrinks
// it as data drains and never takes back what it announced (RFC 9293, 3.8.6).
func clamp(conn *net.TCPConn, window int) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return // it is closed
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_WINDOW_CLAMP, window) // reads are paced, too
	})
}
