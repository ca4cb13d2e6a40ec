//go:build linux

package netlab

import (
	"fmt"
	"os"
)

// Toward reads, at one instant, what the router received from the WAN and what it
// sent on to each endpoint. The difference of such readings tells whose bytes
// filled the WAN, as long as the endpoints say little to each other: what one
// endpoint sends to another is in the other's count, too.
func (s *Site) Toward() (wan int64, endpoints []int64, err error) {
	var text []byte
	err = s.Router.Do(func() error {
		text, err = os.ReadFile("/proc/thread-self/net/dev")
		return err
	})
	if err != nil {
		return 0, nil, fmt.Errorf("read counters on %s: %w", s.Router.name, err)
	}
	c, err := parseCounters(string(text), wanInterface)
	if err != nil {
		return 0, nil, err
	}
	wan = s.framed(c).ReceivedBytes
	for k := range s.Endpoints {
		c, err := parseCounters(string(text), port(k))
		if err != nil {
			return 0, nil, err
		}
		endpoints = append(endpoints, c.SentBytes)
	}
	return wan, endpoints, nil
}

// framed adds the headers that a TUN device's packets have not.
func (s *Site) framed(c Counters) Counters {
	if s.emulator != nil {
		c.ReceivedBytes += frameHeader * c.ReceivedPackets
		c.SentBytes += frameHeader * c.SentPackets
	}
	return c
}
