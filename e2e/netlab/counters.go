//go:build linux

package netlab

import (
	"fmt"
	"os"
	"strings"
)

// Counters are the kernel's, at one end of a cable. Bytes are of Ethernet frames.
type Counters struct {
	ReceivedBytes, ReceivedPackets int64
	SentBytes, SentPackets         int64
}

// Minus is what was counted since before.
func (c Counters) Minus(before Counters) Counters {
	return Counters{
		c.ReceivedBytes - before.ReceivedBytes, c.ReceivedPackets - before.ReceivedPackets,
		c.SentBytes - before.SentBytes, c.SentPackets - before.SentPackets,
	}
}

// Counters reads the counters of one of the host's interfaces.
func (h *Host) Counters(device string) (c Counters, err error) {
	// sysfs shows the namespace it was mounted in; this file shows the thread's.
	err = h.Do(func() error {
		text, err := os.ReadFile("/proc/thread-self/net/dev")
		if err != nil {
			return err
		}
		c, err = parseCounters(string(text), device)
		return err
	})
	if err != nil {
		return Counters{}, fmt.Errorf("read counters of %s on %s: %w", device, h.name, err)
	}
	return c, nil
}

// parseCounters finds a device in the text of /proc/net/dev: eight columns of
// what was received, then eight of what was sent.
func parseCounters(text, device string) (c Counters, err error) {
	for line := range strings.Lines(text) {
		name, rest, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || name != device {
			continue
		}
		var errors, drop, fifo, frame, compressed, multicast int64
		_, err = fmt.Sscan(rest, &c.ReceivedBytes, &c.ReceivedPackets, &errors, &drop, &fifo, &frame, &compressed,
			&multicast, &c.SentBytes, &c.SentPackets)
		return c, err
	}
	return c, fmt.Errorf("no device %s", device)
}

// WAN reads what the router received from the WAN and sent to it. It counts the
// frames that really crossed: what a queue dropped on the way is not in it.
func (s *Site) WAN() (Counters, error) {
	c, err := s.Router.Counters(wanInterface)
	return s.framed(c), err
}
