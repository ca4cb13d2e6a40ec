package stamp

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Of returns what reads from conn. One at a time may read.
func Of(conn net.PacketConn) Reader {
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		return plain(conn)
	}
	if _, ok := stamps(udp); !ok {
		return plain(conn)
	}
	control := make([]byte, 128)
	return func(b []byte) (int, net.Addr, time.Time, error) {
		n, size, _, from, err := udp.ReadMsgUDP(b, control)
		now := time.Now()
		if err != nil {
			return n, nil, now, err // a nil *net.UDPAddr in an interface would not be nil
		}
		return n, from, came(now, control[:size]), nil
	}
}

// stamps asks for the times at which what is read from conn came.
func stamps(conn syscall.Conn) (syscall.RawConn, bool) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, false
	}
	failed := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
	return raw, failed == nil && err == nil
}

// came is when something came that was read now. The stamp is of the wall clock; by
// how much it is old carries over to the monotonic one.
func came(now time.Time, control []byte) time.Time {
	if old := now.UnixNano() - stampIn(control); old > 0 && old < int64(time.Second) {
		return now.Add(-time.Duration(old))
	}
	return now
}

// stream is a TCP connection that notes when what is read came.
type stream struct {
	*net.TCPConn
	raw     syscall.RawConn
	at      time.Time
	control [64]byte
}

func stamped(conn net.Conn) net.Conn {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return conn
	}
	raw, ok := stamps(tcp)
	if !ok {
		return conn
	}
	return &stream{TCPConn: tcp, raw: raw}
}

// NetConn is the connection beneath, as of a [tls.Conn].
func (s *stream) NetConn() net.Conn { return s.TCPConn }

func (s *stream) Newest() time.Time { return s.at }

// Read implements [net.Conn].
func (s *stream) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	var n, size int
	var err error
	failed := s.raw.Read(func(fd uintptr) bool {
		for {
			n, size, _, _, err = unix.Recvmsg(int(fd), b, s.control[:], 0)
			if !errors.Is(err, unix.EINTR) {
				return !errors.Is(err, unix.EAGAIN)
			}
		}
	})
	switch {
	case failed != nil:
		return 0, failed // closed, or too late
	case err != nil:
		return 0, &net.OpError{Op: "read", Net: "tcp", Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: os.NewSyscallError("recvmsg", err)}
	case n == 0:
		return 0, io.EOF
	}
	s.at = came(time.Now(), s.control[:size])
	return n, nil
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
