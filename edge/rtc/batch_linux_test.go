package rtc_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/rtc"
)

// udp opens a socket on loopback, with room for all that a test sends.
func udp(t *testing.T, batched bool) net.PacketConn {
	t.Helper()
	sock, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if err := sock.SetReadBuffer(4 << 20); err != nil {
		t.Fatal(err)
	}
	var c net.PacketConn = sock
	if batched {
		c = rtc.Batched(sock)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// packet is the i-th of a test: its number, then bytes that follow from it. The
// lengths come in runs, as a link's do, with odd ones between.
func packet(i int) []byte {
	size := 1200
	switch i % 50 {
	case 7, 8:
		size = 40 + i
	case 20:
		size = 1201
	case 33:
		size = 4
	}
	b := bytes.Repeat([]byte{byte(i)}, size)
	binary.BigEndian.PutUint32(b, uint32(i))
	return b
}

// The kernel is asked to cut and join packets; nobody must notice. Loopback keeps
// the order and, as long as the buffers suffice, every packet.
func TestBatchesKeepEveryPacket(t *testing.T) {
	for _, c := range []struct{ from, to bool }{{true, true}, {true, false}, {false, true}} {
		t.Run(fmt.Sprintf("batched_%v_to_batched_%v", c.from, c.to), func(t *testing.T) {
			from, to, other := udp(t, c.from), udp(t, c.to), udp(t, c.to)
			const packets = 400
			sent := make(chan error, 1)
			go func() {
				for i := range packets {
					for _, dst := range []net.PacketConn{to, other} {
						b := packet(i)
						if n, err := from.WriteTo(b, dst.LocalAddr()); err != nil || n != len(b) {
							sent <- fmt.Errorf("packet %d: %d bytes, %w", i, n, err)
							return
						}
						clear(b) // the socket may not keep it
					}
				}
				sent <- nil
			}()
			buf := make([]byte, 2000)
			for _, dst := range []net.PacketConn{to, other} {
				if err := dst.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
					t.Fatal(err)
				}
				for i := range packets {
					n, addr, err := dst.ReadFrom(buf)
					if err != nil {
						t.Fatalf("packet %d: %v", i, err)
					}
					if !bytes.Equal(buf[:n], packet(i)) || addr.String() != from.LocalAddr().String() {
						t.Fatalf("packet %d came as %d bytes from %s, want %d from %s", i, n, addr, len(packet(i)), from.LocalAddr())
					}
				}
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestClosedSocketLetsGo(t *testing.T) {
	c := udp(t, true)
	read := make(chan error, 1)
	go func() {
		_, _, err := c.ReadFrom(make([]byte, 10))
		read <- err
	}()
	wrote := make(chan error, 1)
	go func() { // more than may wait, so that it blocks now and then
		for {
			if _, err := c.WriteTo(make([]byte, 60000), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}); err != nil {
				wrote <- err
				return
			}
		}
	}()
	time.Sleep(20 * time.Millisecond) // for what the test covers, not for its outcome
	if err := c.Close(); err != nil {
		t.Errorf("Close returned %v, want nil", err)
	}
	for what, ended := range map[string]chan error{"read": read, "write": wrote} {
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s ended with %v, want net.ErrClosed", what, err)
		}
	}
	if err := c.Close(); err == nil {
		t.Error("a second Close returned nil, want an error as of any socket")
	}
}

// One peer that can't be reached must not cost the others their packets, nor
// what batches save.
func TestUnreachablePeerCostsNobodyElse(t *testing.T) {
	from, to := udp(t, true), udp(t, true)
	able := rtc.Cuts(from)
	// A socket bound to loopback can send nowhere else.
	nowhere := &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 9}
	for i := range 100 {
		for _, addr := range []net.Addr{nowhere, to.LocalAddr()} {
			if _, err := from.WriteTo(packet(i), addr); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := to.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2000)
	for i := range 100 {
		n, _, err := to.ReadFrom(buf)
		if err != nil || !bytes.Equal(buf[:n], packet(i)) {
			t.Fatalf("packet %d: %d bytes, %v", i, n, err)
		}
	}
	if rtc.Cuts(from) != able {
		t.Error("batches were given up")
	}
}
