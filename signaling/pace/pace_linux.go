package pace

import (
	"net"

	"golang.org/x/sys/unix"

	"github.com/sitecast/sitecast/signaling/wire"
)

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
		rate = uint64(bytesPerSecond)
	}
	failed := raw.Control(func(fd uintptr) {
		// BBR takes the rate it is held to for all that the line has, and then needs
		// seconds to find out that it may send faster; CUBIC's window just waits.
		_ = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, "cubic") // what there is else works, too
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsent(bytesPerSecond))
		err = unix.SetsockoptUint64(int(fd), unix.SOL_SOCKET, unix.SO_MAX_PACING_RATE, rate)
	})
	return failed == nil && err == nil
}
