package rtc

import (
	"encoding/binary"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
)

// Linux takes and gives many UDP packets of one peer in one system call (UDP
// generic segmentation and receive offload, udp(7)); most of what a packet costs
// is spent there. See BenchmarkLinkLoopback.
const (
	udpSegment = 103 // UDP_SEGMENT, linux/udp.h
	udpGRO     = 104 // UDP_GRO
	// maxSegments and maxBatchBytes are what the kernel takes at once.
	maxSegments   = 64
	maxBatchBytes = 64000
	// maxWaitingBytes bounds what waits to be sent to all peers together; a
	// writer that meets it waits, as it would for the kernel.
	maxWaitingBytes = 1 << 20
	maxDatagram     = 64 << 10
)

// batched returns a socket that reads and writes in batches, where sock is the
// kernel's and the kernel can do it.
func batched(sock net.PacketConn) net.PacketConn {
	udp, ok := sock.(*net.UDPConn)
	if !ok {
		return sock // a virtual network
	}
	raw, err := udp.SyscallConn()
	if err != nil {
		return sock
	}
	able := false
	err = raw.Control(func(fd uintptr) {
		_, segErr := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_UDP, udpSegment)
		able = segErr == nil && syscall.SetsockoptInt(int(fd), syscall.IPPROTO_UDP, udpGRO, 1) == nil
	})
	if err != nil || !able {
		return sock
	}
	return newBatchConn(udp)
}

// batchConn is a UDP socket whose packets travel in batches: those written while
// the kernel is busy with the last batch make up the next.
type batchConn struct {
	*net.UDPConn
	segments atomic.Bool // the kernel and the device can cut batches
	wg       sync.WaitGroup

	// Owned by the one reader.
	in batchReader

	// mu guards the rest.
	mu      sync.Mutex
	work    sync.Cond // something waits, or the socket is closed
	room    sync.Cond // less waits
	waiting []*packets
	byAddr  map[netip.AddrPort]*packets
	spare   []*packets
	bytes   int
	closed  bool
}

// packets wait to be sent to one address, in order.
type packets struct {
	to    netip.AddrPort
	buf   []byte
	sizes []int
}

func newBatchConn(udp *net.UDPConn) *batchConn {
	c := &batchConn{UDPConn: udp, byAddr: map[netip.AddrPort]*packets{}}
	c.work.L, c.room.L = &c.mu, &c.mu
	c.segments.Store(true)
	c.wg.Go(c.send)
	return c
}

// WriteTo implements [net.PacketConn]. The packet is copied and sent soon; as
// with any datagram, nothing tells whether it arrives.
func (c *batchConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	to, ok := addr.(*net.UDPAddr)
	if !ok {
		return c.UDPConn.WriteTo(b, addr)
	}
	return c.WriteToAddrPort(b, to.AddrPort())
}

// WriteToAddrPort is WriteTo without an allocation, which pion looks for.
func (c *batchConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.bytes+len(b) > maxWaitingBytes && !c.closed {
		c.room.Wait()
	}
	if c.closed {
		return 0, net.ErrClosed
	}
	p := c.byAddr[to]
	if p == nil {
		p = c.fresh(to)
		c.byAddr[to] = p
		c.waiting = append(c.waiting, p)
		c.work.Signal()
	}
	p.buf = append(p.buf, b...)
	p.sizes = append(p.sizes, len(b))
	c.bytes += len(b)
	return len(b), nil
}

func (c *batchConn) fresh(to netip.AddrPort) *packets {
	if n := len(c.spare); n > 0 {
		p := c.spare[n-1]
		c.spare = c.spare[:n-1]
		p.to, p.buf, p.sizes = to, p.buf[:0], p.sizes[:0]
		return p
	}
	return &packets{to: to}
}

// take waits for packets and takes those of the address that waited longest.
func (c *batchConn) take() *packets {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.waiting) == 0 && !c.closed {
		c.work.Wait()
	}
	if len(c.waiting) == 0 {
		return nil
	}
	p := c.waiting[0]
	c.waiting = c.waiting[1:]
	delete(c.byAddr, p.to)
	return p
}

// maxSpare bounds the buffers that are kept, each at most maxWaitingBytes.
const maxSpare = 4

func (c *batchConn) sent(p *packets) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes -= len(p.buf)
	if len(c.spare) < maxSpare {
		c.spare = append(c.spare, p)
	}
	c.room.Broadcast()
}

// send sends batches until the socket is closed.
func (c *batchConn) send() {
	for {
		p := c.take()
		if p == nil {
			return
		}
		c.flush(p)
		c.sent(p)
		// Writers that are ready go first, and make the next batch longer.
		runtime.Gosched()
	}
}

// flush sends packets to one address: runs of equal length, of which the last may
// be shorter, as one batch each.
func (c *batchConn) flush(p *packets) {
	var control [32]byte
	buf, sizes := p.buf, p.sizes
	for len(sizes) > 0 {
		n, length := 1, sizes[0]
		for c.segments.Load() && n < len(sizes) && n < maxSegments && sizes[n] <= sizes[0] &&
			length+sizes[n] <= maxBatchBytes && sizes[n-1] == sizes[0] {
			length += sizes[n]
			n++
		}
		var oob []byte
		if n > 1 {
			oob = segmentSize(control[:0], sizes[0])
		}
		_, _, err := c.WriteMsgUDPAddrPort(buf[:length], oob, p.to)
		if err != nil && n > 1 && c.singly(buf, sizes[:n], p.to) {
			c.segments.Store(false)
		}
		buf, sizes = buf[length:], sizes[n:]
	}
}

// singly sends packets that were refused as a batch, and reports whether the batch
// was to blame: a device that can't compute checksums refuses batches, but an
// address that can't be reached refuses all.
func (c *batchConn) singly(buf []byte, sizes []int, to netip.AddrPort) bool {
	taken := false
	for _, size := range sizes {
		_, err := c.UDPConn.WriteToUDPAddrPort(buf[:size], to)
		taken = taken || err == nil
		buf = buf[size:]
	}
	return taken
}

// segmentSize appends the control message that has the kernel cut a batch.
func segmentSize(b []byte, size int) []byte {
	header := syscall.CmsgLen(2)
	b = binary.NativeEndian.AppendUint64(b[:0], uint64(header))
	if wordBytes == 4 {
		b = binary.NativeEndian.AppendUint32(b[:0], uint32(header))
	}
	b = binary.NativeEndian.AppendUint32(b, syscall.IPPROTO_UDP)
	b = binary.NativeEndian.AppendUint32(b, udpSegment)
	b = binary.NativeEndian.AppendUint16(b, uint16(size))
	return append(b, make([]byte, syscall.CmsgSpace(2)-len(b))...)
}

// wordBytes is the size of size_t.
const wordBytes = 4 << (^uint(0) >> 63)

// batchReader holds what one read brought.
type batchReader struct {
	buf     []byte
	control []byte
	from    netip.AddrPort
	left    []byte // packets not yet handed out
	segment int    // bytes of each but the last
}

// ReadFrom implements [net.PacketConn] for one reader at a time.
func (c *batchConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// ReadFromAddrPort is ReadFrom without an allocation.
func (c *batchConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	r := &c.in
	if len(r.left) == 0 {
		if err := c.fill(r); err != nil {
			return 0, netip.AddrPort{}, err
		}
	}
	n := min(r.segment, len(r.left))
	copied := copy(b, r.left[:n])
	r.left = r.left[n:]
	return copied, r.from, nil
}

func (c *batchConn) fill(r *batchReader) error {
	if r.buf == nil {
		r.buf, r.control = make([]byte, maxDatagram), make([]byte, 64)
	}
	n, oobn, _, from, err := c.ReadMsgUDPAddrPort(r.buf, r.control)
	if err != nil {
		return err
	}
	r.from, r.left, r.segment = from, r.buf[:n], max(n, 1)
	messages, err := syscall.ParseSocketControlMessage(r.control[:oobn])
	if err != nil {
		return nil // one packet, then
	}
	for _, m := range messages {
		if m.Header.Level == syscall.IPPROTO_UDP && m.Header.Type == udpGRO && len(m.Data) >= 4 {
			if size := int(binary.NativeEndian.Uint32(m.Data)); size > 0 {
				r.segment = size
			}
		}
	}
	return nil
}

// Close closes the socket; what still waits is not sent.
func (c *batchConn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.waiting = nil
	c.work.Broadcast()
	c.room.Broadcast()
	c.mu.Unlock()
	err := c.UDPConn.Close()
	c.wg.Wait()
	return err
}
