//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sitecast/sitecast/e2e/netlab"
)

// Sizes of what is sent: payload, and the frame on the wire with headers of Ethernet,
// IP and UDP, or TCP with time stamps.
const (
	frame     = 1514
	headers   = 14 + 20 + 8
	datagram  = frame - headers
	probeSize = 64
	segment   = frame - 14 - 20 - 32
)

// onWire is how long the frame of a datagram takes the wire.
func onWire(payload int, rate int64) time.Duration {
	return time.Duration(float64(payload+headers) * 8e9 / float64(rate))
}

// sorted are durations in order.
type sorted []time.Duration

func (s sorted) sort() { slices.Sort(s) }

func (s sorted) at(share float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	return s[int(float64(len(s)-1)*share)]
}

// arrival is a datagram that came: when the kernel had it, and how long it was on its
// way since it was written. That is not known where this process was put aside while
// it wrote it.
type arrival struct {
	number int
	at     time.Time
	took   time.Duration
	known  bool
}

// hesitation is how long writing a datagram may take for its instant to be known.
const hesitation = 500 * time.Microsecond

// linger is how long after the last datagram one may still come.
const linger = 500 * time.Millisecond

// stream sends datagrams from one host to another at an even rate. The kernel stamps
// what arrives, so that nothing depends on when this process gets to run.
func stream(ctx context.Context, from, to *netlab.Host, size int, perSecond float64, during time.Duration) ([]arrival, error) {
	var in *net.UDPConn
	err := to.Do(func() error {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: to.IP().AsSlice()})
		in = conn
		return err
	})
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if err := stampArrivals(in); err != nil {
		return nil, fmt.Errorf("have arrivals stamped: %w", err)
	}
	var out net.Conn
	err = from.Do(func() (err error) {
		out, err = net.Dial("udp4", in.LocalAddr().String())
		return err
	})
	if err != nil {
		return nil, err
	}
	defer out.Close()
	received := make(chan []arrival, 1)
	go func() { received <- receive(in) }()
	buf := make([]byte, size)
	begun := time.Now()
	known := make([]bool, int(perSecond*during.Seconds()))
	for i := range known {
		due := begun.Add(time.Duration(float64(i) * 1e9 / perSecond))
		if ahead := time.Until(due); ahead > 0 {
			if err = wait(ctx, ahead); err != nil {
				break
			}
		}
		binary.BigEndian.PutUint64(buf, uint64(i))
		written := time.Now()
		binary.BigEndian.PutUint64(buf[8:], uint64(written.UnixNano()))
		if _, err = out.Write(buf); err != nil {
			break
		}
		known[i] = time.Since(written) < hesitation
	}
	_ = in.SetReadDeadline(time.Now().Add(linger)) // never fails on a socket
	got := <-received
	for i := range got {
		got[i].known = got[i].number < len(known) && known[got[i].number]
	}
	return got, err
}

// stampArrivals makes room for what comes while this process does not run, and has
// the kernel say when it came.
func stampArrivals(conn *net.UDPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	const room = 8 << 20
	failed := raw.Control(func(fd uintptr) {
		err = errors.Join(unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room),
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1))
	})
	return errors.Join(failed, err)
}

// receive takes datagrams until the connection's deadline.
func receive(conn *net.UDPConn) (got []arrival) {
	buf, control := make([]byte, 2048), make([]byte, 128)
	for {
		n, c, _, _, err := conn.ReadMsgUDP(buf, control)
		if err != nil {
			return got
		}
		at, ok := stamp(control[:c])
		if !ok || n < 16 {
			continue
		}
		written := time.Unix(0, int64(binary.BigEndian.Uint64(buf[8:])))
		got = append(got, arrival{number: int(binary.BigEndian.Uint64(buf)), at: at, took: at.Sub(written)})
	}
}

// stamp reads when the kernel received a datagram.
func stamp(control []byte) (time.Time, bool) {
	messages, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return time.Time{}, false
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			sec, ns := binary.NativeEndian.Uint64(m.Data), binary.NativeEndian.Uint64(m.Data[8:])
			return time.Unix(int64(sec), int64(ns)), true
		}
	}
	return time.Time{}, false
}

// roundTrips tells by how much round trips exceed what is asked for. A round trip is
// the way there and the way back of two probes, each stamped by the kernel as it
// arrives, so that no process has to answer.
func roundTrips(ctx context.Context, lab *netlab.Lab, asked time.Duration) (sorted, error) {
	there, err := stream(ctx, lab.Sites[0].Endpoints[0], lab.Origin, probeSize, probeRate, probing)
	if err != nil {
		return nil, err
	}
	back, err := stream(ctx, lab.Origin, lab.Sites[0].Endpoints[0], probeSize, probeRate, probing)
	if err != nil {
		return nil, err
	}
	var trips sorted
	for i := range min(len(there), len(back)) {
		if there[i].known && back[i].known {
			trips = append(trips, there[i].took+back[i].took-asked)
		}
	}
	if len(trips) < probeRate/2 {
		return nil, fmt.Errorf("%d round trips known, too few to measure", len(trips))
	}
	trips.sort()
	return trips, nil
}

// download has the first endpoint take bytes from the origin by TCP, and tells at how
// many bits per second once it has settled.
func download(ctx context.Context, lab *netlab.Lab) (float64, error) {
	l, err := lab.Origin.Listen("tcp4", lab.Origin.IP().String()+":0")
	if err != nil {
		return 0, err
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		block := make([]byte, 64<<10)
		for err == nil {
			_, err = conn.Write(block)
		}
	}()
	defer func() { _ = l.Close(); <-sent }()
	var conn net.Conn
	err = lab.Sites[0].Endpoints[0].Do(func() (err error) {
		conn, err = net.DialTimeout("tcp4", l.Addr().String(), 10*time.Second)
		return err
	})
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	var got counter
	go func() { _, _ = io.Copy(&got, conn) }() // ends with the connection
	if err := wait(ctx, settling); err != nil {
		return 0, err
	}
	before, begun := got.Load(), time.Now()
	if err := wait(ctx, downloading); err != nil {
		return 0, err
	}
	return float64(got.Load()-before) * 8 / time.Since(begun).Seconds(), nil
}

// counter counts what is written to it.
type counter struct{ atomic.Int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.Add(int64(len(b)))
	return len(b), nil
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
