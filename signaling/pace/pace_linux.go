package pace

import (
	"net"

	"golang.org/x/sys/unix"

	"github.com/sitecast/sitecast/signaling/wire"
)

// set paces what is sent on conn from now on, and reports whether it can.
func set(conn net.Conn, bytesPerSecond int64) bool {
	return control(conn, func(fd int) error {
		// BBR takes the rate it is held to for all that the line has, and then needs
		// seconds to find out that it may send faster; CUBIC's window just waits.
		congestion(fd, "cubic") // what there is else works, too
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsent(bytesPerSecond))
		rate := ^uint64(0)
		if bytesPerSecond != wire.Unlimited {
			rate = uint64(bytesPerSecond)
		}
		return unix.SetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_MAX_PACING_RATE, rate)
	})
}

// grow lets a sender that is to send much faster look for its window in slow start
// again. What it lost while others had the line would hold it down for seconds, and
// the pace bounds it anyhow. There is no option for that, but BBR begins without a
// threshold; where it is not there, nothing changes.
func grow(conn net.Conn) {
	control(conn, func(fd int) error {
		congestion(fd, "bbr")
		congestion(fd, "cubic")
		return nil
	})
}

func congestion(fd int, name string) {
	_ = unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, name)
}

// control reports whether do could be done on the socket of conn.
func control(conn net.Conn, do func(fd int) error) bool {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return false
	}
	failed := raw.Control(func(fd uintptr) { err = do(int(fd)) })
	return failed == nil && err == nil
}
