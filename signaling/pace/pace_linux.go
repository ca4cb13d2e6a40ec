package pace

import (
	"net"

	"golang.org/x/sys/unix"

	"github.com/sitecast/sitecast/signaling/wire"
)

// sender is the congestion control for a line. BBR takes the rate it is held to for all
// that the line has, and then needs seconds to find out that it may send faster; CUBIC's
// window just waits. But each loss halves that window, nearly, and a line that loses
// packets by itself leaves it nothing: there the pace alone bounds BBR. What there is
// else works, too.
func sender(lossy bool) string {
	if lossy {
		return "bbr"
	}
	return "cubic"
}

// set paces what is sent on conn from now on, and reports whether it can.
func set(conn net.Conn, bytesPerSecond int64) bool {
	return control(conn, func(fd int) error {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsent(bytesPerSecond))
		rate := ^uint64(0)
		if bytesPerSecond != wire.Unlimited {
			rate = uint64(bytesPerSecond)
		}
		return unix.SetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_MAX_PACING_RATE, rate)
	})
}

// renew lets a sender that is to send much faster look for its window, or the line's
// rate, from the beginning again. What it lost while others had the line would hold it
// down for seconds, and the pace bounds it anyhow. There is no option for that, but one
// that is chosen anew begins anew; where there is only one, nothing changes.
func renew(conn net.Conn, lossy bool) {
	control(conn, func(fd int) error {
		congestion(fd, sender(!lossy))
		congestion(fd, sender(lossy))
		return nil
	})
}

// use chooses the congestion control for a line.
func use(conn net.Conn, lossy bool) {
	control(conn, func(fd int) error {
		congestion(fd, sender(lossy))
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
