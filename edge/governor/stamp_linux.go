package governor

import (
	"encoding/binary"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// receiver reads packets with the time at which the kernel received them: on a busy
// host a reader wakes up milliseconds later, which would look like a queue.
func receiver(conn net.PacketConn) func(buf []byte) (int, time.Time, error) {
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		return plainReceiver(conn)
	}
	raw, err := udp.SyscallConn()
	if err != nil {
		return plainReceiver(conn)
	}
	failed := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
	if failed != nil || err != nil {
		return plainReceiver(conn)
	}
	control := make([]byte, 128)
	return func(buf []byte) (int, time.Time, error) {
		n, size, _, _, err := udp.ReadMsgUDP(buf, control)
		now := time.Now()
		if err != nil {
			return n, now, err
		}
		// The stamp is of the wall clock; by how much it is old carries over to the
		// monotonic one.
		if old := now.UnixNano() - stamp(control[:size]); old > 0 && old < int64(time.Second) {
			now = now.Add(-time.Duration(old))
		}
		return n, now, err
	}
}

// stamp reads the time of receipt, in nanoseconds since 1970; 0 when there is none.
func stamp(control []byte) int64 {
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
