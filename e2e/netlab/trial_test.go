package netlab

import (
	"encoding/binary"
	"math"
	"testing"
	"time"
)

// trial runs a shaper in exact fake time: it looks at every instant at which
// something happens.
type trial struct {
	t      *testing.T
	shaper *shaper
	now    int64
	sent   int
	out    []arrival
	gone   []loss
}

// arrival is a packet at the far end, and loss one that does not get there. Packets
// have the numbers in which they were sent, from 0.
type arrival struct {
	at       time.Duration
	id, from int
	size     int
	came     time.Duration
}

type loss struct {
	at       time.Duration
	id, from int
	why      fate
}

func newTrial(t *testing.T, l Link) *trial {
	t.Helper()
	if err := l.check(); err != nil {
		t.Fatal(err)
	}
	tr := &trial{t: t}
	tr.shaper = newShaper(0, l, 1, func(p packet, why fate) {
		id, from := marked(p.bytes)
		tr.gone = append(tr.gone, loss{time.Duration(tr.now), id, from, why})
	})
	return tr
}

// marked reads what send wrote.
func marked(b []byte) (id, from int) {
	return int(binary.BigEndian.Uint32(b[28:])), int(binary.BigEndian.Uint16(b[20:]))
}

// send lets a conversation send a frame of size bytes at an instant, and returns the
// packet's number.
func (tr *trial) send(at time.Duration, from, size int) int {
	tr.t.Helper()
	tr.run(at)
	b := udpPacket(size-frameHeader, from)
	binary.BigEndian.PutUint32(b[28:], uint32(tr.sent))
	tr.shaper.admit(tr.now, b)
	tr.look()
	tr.sent++
	return tr.sent - 1
}

// flood sends frames at regular intervals in [begin, end).
func (tr *trial) flood(begin, end, every time.Duration, size int) {
	tr.t.Helper()
	for at := begin; at < end; at += every {
		tr.send(at, 1, size)
	}
}

// run goes on until an instant.
func (tr *trial) run(until time.Duration) {
	tr.t.Helper()
	if until < time.Duration(tr.now) {
		tr.t.Fatalf("time would run back from %v to %v", time.Duration(tr.now), until)
	}
	for due := tr.shaper.due(); due <= int64(until); due = tr.shaper.due() {
		if due < tr.now {
			tr.t.Fatalf("something was due at %v, which is past at %v", time.Duration(due), time.Duration(tr.now))
		}
		tr.now = due
		tr.look()
		if tr.shaper.due() == due {
			tr.t.Fatalf("at %v something is still due after a look", time.Duration(due))
		}
	}
	tr.now = int64(until)
	tr.look()
}

// drain goes on until nothing waits.
func (tr *trial) drain() {
	tr.t.Helper()
	for due := tr.shaper.due(); due != math.MaxInt64; due = tr.shaper.due() {
		tr.run(time.Duration(max(due, tr.now)))
	}
}

func (tr *trial) look() {
	tr.shaper.serve(tr.now)
	for {
		p, ok := tr.shaper.emit(tr.now)
		if !ok {
			return
		}
		id, from := marked(p.bytes)
		tr.out = append(tr.out, arrival{at: time.Duration(tr.now), id: id, from: from, size: p.size(), came: time.Duration(p.came)})
	}
}

// udpPacket is an IPv4 datagram from a port of one host to another.
func udpPacket(size, port int) []byte {
	b := make([]byte, size)
	b[0], b[9] = 0x45, protoUDP
	binary.BigEndian.PutUint16(b[2:], uint16(size))
	copy(b[12:], []byte{10, 64, 0, 1, 10, 1, 1, 2})
	binary.BigEndian.PutUint16(b[20:], uint16(port))
	binary.BigEndian.PutUint16(b[22:], 7)
	return b
}

// sum adds up the bytes of the frames that a conversation got through.
func sum(out []arrival, from int) (bytes int) {
	for _, a := range out {
		if a.from == from {
			bytes += a.size
		}
	}
	return bytes
}
