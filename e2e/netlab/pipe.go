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
	spare    [][]byte // buffers to use again

	carried, dropped, lost, policed atomic.Int64
}

func newPipe(from, to int, epoch time.Time, l Link, seed uint64) *pipe {
	p := &pipe{from: from, to: to, epoch: epoch}
	p.shaper = newShaper(0, l, seed, p.discard)
	return p
}

func (p *pipe) now() int64 { return time.Since(p.epoch).Nanoseconds() }

func (p *pipe) untilDue() time.Duration {
	due := p.shaper.due()
	if due == math.MaxInt64 {
		return forever
	}
	return time.Duration(max(0, due-p.now()))
}

// take reads every packet that came. It tells whether any came.
func (p *pipe) take() (any bool) {
	now := p.now()
	for p.shaper.waiting() < maxWaiting {
		buf := p.buffer()
		n, err := unix.Read(p.from, buf[:cap(buf)])
		if err != nil {
			p.spare = append(p.spare, buf)
			return any // none left, or the device is down
		}
		any = true
		p.shaper.admit(now, buf[:n])
	}
	return any
}

// put writes every packet that is due. It tells whether any was.
func (p *pipe) put() (any bool) {
	now := p.now()
	p.shaper.serve(now)
	for {
		pkt, ok := p.shaper.emit(now)
		if !ok {
			return any
		}
		_, _ = unix.Write(p.to, pkt.bytes) // a device that is down loses packets
		p.carried.Add(1)
		p.spare = append(p.spare, pkt.bytes)
		any = true
	}
}

// discard counts a packet that is not carried.
func (p *pipe) discard(pkt packet, why fate) {
	switch why {
	case dropped:
		p.dropped.Add(1)
	case lost:
		p.lost.Add(1)
	case policed:
		p.policed.Add(1)
	}
	p.spare = append(p.spare, pkt.bytes)
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
	return Stats{Carried: p.carried.Load(), Dropped: p.dropped.Load(), Lost: p.lost.Load(), Policed: p.policed.Load()}
}
