package pace

import (
	"net"

	"golang.org/x/sys/unix"

	"github.com/sitecast/sitecast/signaling/wire"
)

// minRate keeps the gap between two packets below a second.
const minRate = 1500

// set paces what is sent on conn from now on, and reports whether it can.
func set(conn net.Conn, bytesPerSecond int64) bool {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return false
	}
	rate := ^uint64(0)
	if bytesPerSecond != wire.Unlimited {
		rate = uint64(max(bytesPerSecond, minRate))
	}
	failed := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptUint64(int(fd), unix.SOL_SOCKET, unix.SO_MAX_PACING_RATE, rate)
	})
	return failed == nil && err == nil
}
