package stamp

import (
	"encoding/binary"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// Of returns what reads from conn. One at a time may read.
func Of(conn net.PacketConn) Reader {
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		return plain(conn)
	}
	raw, err := udp.SyscallConn()
	if err != nil {
		return plain(conn)
	}
	failed := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
	if failed != nil || err != nil {
		return plain(conn)
	}
	control := make([]byte, 128)
	return func(b []byte) (int, net.Addr, time.Time, error) {
		n, size, _, from, err := udp.ReadMsgUDP(b, control)
		now := time.Now()
		if err != nil {
			return n, nil, now, err // a nil *net.UDPAddr in an interface would not be nil
		}
		// The stamp is of the wall clock; by how much it is old carries over to the
		// monotonic one.
		if old := now.UnixNano() - stampIn(control[:size]); old > 0 && old < int64(time.Second) {
			now = now.Add(-time.Duration(old))
		}
		return n, from, now, nil
	}
}

// stampIn reads the time of receipt, in nanoseconds since 1970; 0 when there is none.
func stampIn(control []byte) int64 {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return 0
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			return int64(binary.NativeEndian.Uint64(m.Data))*1e9 + int64(binary.NativeEndian.Uint64(m.Data[8:]))
		}
	}
	return 0
}
