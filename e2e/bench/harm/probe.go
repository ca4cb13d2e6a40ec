//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sitecast/sitecast/e2e/netlab"
)

// The voice is one telephone call: 50 packets of 160 bytes a second, each way.
const (
	voiceEvery = 20 * time.Millisecond
	voiceSize  = 160
	voicePort  = 5004
	// voiceLate is when a packet counts as lost.
	voiceLate = 3 * time.Second
)

// Offsets in a voice packet, all times in nanoseconds of the machine's clock. One
// clock serves both ends, and the kernel notes when a packet comes in: how long a
// busy machine lets either end wait for its turn is not in the figures.
const (
	atSeq      = 0
	atSent     = 8
	atHeard    = 16 // by the echo
	atAnswered = 24
)

// voice is a call from the bystander to the origin, and what it measured.
type voice struct {
	caller, echo *net.UDPConn
	wg           sync.WaitGroup
	stop         chan struct{}

	// mu guards trips.
	mu    sync.Mutex
	trips []trip
}

// trip is one packet's way to the origin and back.
type trip struct {
	sent time.Time
	took time.Duration // 0 while it is not back
}

// call starts a call. The caller must hang up.
func call(from, to *netlab.Host) (*voice, error) {
	v := &voice{stop: make(chan struct{})}
	var err error
	if v.echo, err = stamping(to, netip.AddrPortFrom(to.IP(), voicePort)); err != nil {
		return nil, err
	}
	if v.caller, err = stamping(from, netip.AddrPortFrom(from.IP(), 0)); err != nil {
		return nil, errors.Join(err, v.echo.Close())
	}
	target := netip.AddrPortFrom(to.IP(), voicePort)
	v.wg.Go(v.answer)
	v.wg.Go(v.listen)
	v.wg.Go(func() { v.speak(target) })
	return v, nil
}

func (v *voice) hangUp() error {
	close(v.stop)
	err := errors.Join(v.caller.Close(), v.echo.Close())
	v.wg.Wait()
	return err
}

// stamping opens a socket on a host for which the kernel notes when packets come.
func stamping(h *netlab.Host, at netip.AddrPort) (c *net.UDPConn, err error) {
	err = h.Do(func() error {
		c, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
		return err
	})
	if err != nil {
		return nil, err
	}
	raw, err := c.SyscallConn()
	if err == nil {
		var failed error
		err = raw.Control(func(fd uintptr) {
			failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
		})
		err = errors.Join(err, failed)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ask for times of arrival: %w", err), c.Close())
	}
	return c, nil
}

// receive returns a packet and when the kernel got it.
func receive(c *net.UDPConn, buf []byte) (n int, at int64, from netip.AddrPort, err error) {
	control := make([]byte, 64)
	n, k, _, from, err := c.ReadMsgUDPAddrPort(buf, control)
	if err != nil {
		return 0, 0, from, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:k])
	if err != nil {
		return 0, 0, from, err
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= 16 {
			seconds := int64(binary.NativeEndian.Uint64(m.Data))
			return n, seconds*1e9 + int64(binary.NativeEndian.Uint64(m.Data[8:])), from, nil
		}
	}
	return 0, 0, from, errors.New("the kernel does not say when a packet came")
}

func (v *voice) speak(target netip.AddrPort) {
	packet := make([]byte, voiceSize)
	// A busy machine may be late with a packet, and then sends the next sooner.
	next := time.Now()
	for seq := uint64(0); ; seq++ {
		next = next.Add(voiceEvery)
		select {
		case <-v.stop:
			return
		case <-time.After(time.Until(next)):
		}
		now := time.Now()
		v.mu.Lock()
		v.trips = append(v.trips, trip{sent: now})
		v.mu.Unlock()
		binary.BigEndian.PutUint64(packet[atSeq:], seq)
		binary.BigEndian.PutUint64(packet[atSent:], uint64(now.UnixNano()))
		_, _ = v.caller.WriteToUDPAddrPort(packet, target) // a packet that is not sent is not back
	}
}

func (v *voice) answer() {
	packet := make([]byte, voiceSize)
	for {
		n, heard, from, err := receive(v.echo, packet)
		if err != nil {
			return // hung up
		}
		if n != voiceSize {
			continue
		}
		binary.BigEndian.PutUint64(packet[atHeard:], uint64(heard))
		binary.BigEndian.PutUint64(packet[atAnswered:], uint64(time.Now().UnixNano()))
		_, _ = v.echo.WriteToUDPAddrPort(packet, from)
	}
}

func (v *voice) listen() {
	packet := make([]byte, voiceSize)
	for {
		n, back, _, err := receive(v.caller, packet)
		if err != nil {
			return // hung up
		}
		if n != voiceSize {
			continue
		}
		at := func(offset int) int64 { return int64(binary.BigEndian.Uint64(packet[offset:])) }
		took := time.Duration(back - at(atSent) - (at(atAnswered) - at(atHeard)))
		v.mu.Lock()
		if seq := at(atSeq); seq >= 0 && seq < int64(len(v.trips)) {
			v.trips[seq].took = max(took, 1)
		}
		v.mu.Unlock()
	}
}

// between is the round trips of what was sent in a stretch of time, and the share
// that did not come back.
func (v *voice) between(from, to time.Time) (trips []time.Duration, lost float64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := 0
	for _, t := range v.trips {
		if t.sent.Before(from) || t.sent.After(to) {
			continue
		}
		all++
		if t.took > 0 && t.took < voiceLate {
			trips = append(trips, t.took)
		}
	}
	return trips, 1 - float64(len(trips))/float64(max(all, 1))
}
