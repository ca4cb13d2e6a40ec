//go:build linux

package netlab

import (
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const forever = time.Duration(math.MaxInt64)

// pipe is one direction of an emulated link. The emulator's thread owns all but
// the counters.
type pipe struct {
	from, to int // TUN devices
	shaper   *shaper
	epoch    time.Time
	waiting  fifo
	spare    [][]byte // buffers to use again

	carried, dropped, lost atomic.Int64
}

func (p *pipe) now() int64 { return time.Since(p.epoch).Nanoseconds() }

func (p *pipe) untilDue() time.Duration {
	if p.waiting.len() == 0 {
		return forever
	}
	return time.Duration(max(0, p.waiting.head().due-p.now()))
}

// take reads every packet that came and decides its fate. It tells whether any came.
func (p *pipe) take() (any bool) {
	now := p.now()
	for p.waiting.len() < maxWaiting {
		buf := p.buffer()
		n, err := unix.Read(p.from, buf[:cap(buf)])
		if err != nil {
			p.spare = append(p.spare, buf)
			return any // none left, or the device is down
		}
		any = true
		due, fate := p.shaper.admit(now, n+frameHeader)
		switch fate {
		case carried:
			p.waiting.push(packet{due: due, bytes: buf[:n]})
			continue
		case dropped:
			p.dropped.Add(1)
		case lost:
			p.lost.Add(1)
		}
		p.spare = append(p.spare, buf)
	}
	return any
}

// put writes every packet that is due. It tells whether any was.
func (p *pipe) put() (any bool) {
	now := p.now()
	for p.waiting.len() > 0 && p.waiting.head().due <= now {
		pkt := p.waiting.pop()
		_, _ = unix.Write(p.to, pkt.bytes) // a device that is down loses packets
		p.carried.Add(1)
		p.spare = append(p.spare, pkt.bytes)
		any = true
	}
	return any
}

func (p *pipe) buffer() []byte {
	if last := len(p.spare) - 1; last >= 0 {
		buf := p.spare[last]
		p.spare = p.spare[:last]
		return buf
	}
	return make([]byte, 0, 2048)
}

func (p *pipe) stats() Stats {
	return Stats{Carried: p.carried.Load(), Dropped: p.dropped.Load(), Lost: p.lost.Load()}
}

// packet waits until due.
type packet struct {
	due   int64
	bytes []byte
}

// fifo is a ring that grows.
type fifo struct {
	ring  []packet
	first int
	count int
}

func (f *fifo) len() int      { return f.count }
func (f *fifo) head() *packet { return &f.ring[f.first] }

func (f *fifo) push(p packet) {
	if f.count == len(f.ring) {
		grown := make([]packet, max(256, 2*len(f.ring)))
		n := copy(grown, f.ring[f.first:])
		copy(grown[n:], f.ring[:f.first])
		f.ring, f.first = grown, 0
	}
	f.ring[(f.first+f.count)%len(f.ring)] = p
	f.count++
}

func (f *fifo) pop() packet {
	p := f.ring[f.first]
	f.ring[f.first] = packet{}
	f.first, f.count = (f.first+1)%len(f.ring), f.count-1
	return p
}
