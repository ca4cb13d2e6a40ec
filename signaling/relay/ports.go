package relay

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/turn/v5"
)

// ports are the relayed ports. Both ends of whatever is relayed are allocations of this
// very relay, so a relayed port is no socket: what one allocation sends to another is
// handed over in memory. Nothing outside can be reached from there, nor reach it, and
// a packet crosses the kernel twice and not four times. A relay with an address of either
// kind has each port at both: a client knows all others by the kind of address that it
// has itself, so one with only IPv4 and one with only IPv6 meet here.
type ports struct {
	relay *Relay

	// mu guards the rest.
	mu      sync.RWMutex
	open    map[uint16]*port         // each with an address of its client's choice, and known to others by theirs
	clients map[netip.AddrPort]*port // those who came over UDP
	streams map[string]*stream       // by which others came

	behind atomic.Int64 // bytes that wait for those
}

func newPorts(r *Relay) *ports {
	return &ports{relay: r, open: map[uint16]*port{}, clients: map[netip.AddrPort]*port{}, streams: map[string]*stream{}}
}

// queued is how many packets wait at most for a client that has no channel for them.
const queued = 128

// port is one allocation's relayed port.
type port struct {
	all    *ports
	addr   *net.UDPAddr   // as its peers of the same kind of address know it
	via    net.PacketConn // by which its client came; nil for one over TCP
	queue  chan packet    // for what has no channel
	closed chan struct{}
	once   sync.Once // closes it

	// payers, and client or stream, are set when the allocation is complete, before
	// anything is sent.
	payers []*account
	client *net.UDPAddr // nil for one over TCP
	stream *stream      // nil for one over UDP

	// Guarded by all.mu: the client's channels, by number and by the peer's port.
	byNumber, byPeer map[uint16]uint16
}

type packet struct {
	b    []byte
	from *net.UDPAddr
}

var errNoPort = errors.New("no relayed port is free")

// allocate opens a port at an address of the relay: the one that was asked for, or (0)
// any.
func (p *ports) allocate(ip net.IP, want int, via net.PacketConn) (*port, error) {
	first, n := int(p.relay.cfg.MinPort), int(p.relay.cfg.MaxPort)-int(p.relay.cfg.MinPort)+1
	begin := rand.IntN(n)
	if want != 0 {
		if begin = want - first; begin < 0 || begin >= n { // reserved beside an even one, it may lie beyond the last
			return nil, fmt.Errorf("port %d is not a relayed one", want)
		}
		n = 1
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	span := int(p.relay.cfg.MaxPort) - first + 1
	for i := range n {
		number := uint16(first + (begin+i)%span)
		if p.open[number] == nil {
			made := &port{all: p, addr: &net.UDPAddr{IP: ip, Port: int(number)}, via: via,
				queue: make(chan packet, queued), closed: make(chan struct{}), byNumber: map[uint16]uint16{}, byPeer: map[uint16]uint16{}}
			p.open[number] = made
			return made, nil
		}
	}
	return nil, errNoPort
}

// at returns the port with an address, nil if there is none.
func (p *ports) at(relayed net.Addr) *port {
	udp, ok := relayed.(*net.UDPAddr)
	if !ok || udp.Port > 0xffff {
		return nil
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.open[uint16(udp.Port)]
}

// owned notes whose a port is, by which socket it was asked for, and who pays for what it
// sends.
func (p *ports) owned(relayed, client, local net.Addr, payers []*account) {
	made := p.at(relayed)
	if made == nil {
		return
	}
	made.payers = payers
	p.mu.Lock()
	defer p.mu.Unlock()
	if made.via == nil {
		if s := p.streams[nameOf(client, local)]; s != nil {
			made.stream = s
			s.client.Store(made)
		}
	} else if udp, ok := client.(*net.UDPAddr); ok {
		made.client = udp
		p.clients[canonical(udp)] = made
	}
}

// came and went note by which streams clients come.
func (p *ports) came(s *stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.streams[s.name()] = s
}

func (p *ports) went(s *stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.streams[s.name()] == s {
		delete(p.streams, s.name())
	}
}

// canonical is the address of a UDP socket without the forms that IPv4 has in IPv6.
func canonical(a *net.UDPAddr) netip.AddrPort {
	at := a.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port())
}

// bind notes that a channel leads from a port to a peer.
func (p *ports) bind(relayed, peer net.Addr, number uint16) {
	made, udp := p.at(relayed), peer.(*net.UDPAddr)
	if made == nil || !made.reaches(udp) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	made.byNumber[number], made.byPeer[uint16(udp.Port)] = uint16(udp.Port), number
}

// unbind forgets a channel.
func (p *ports) unbind(relayed net.Addr, number uint16) {
	made := p.at(relayed)
	if made == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(made.byPeer, made.byNumber[number])
	delete(made.byNumber, number)
}

// reaches reports whether an address is that of a relayed port, as this one's client
// knows it. A permission names an address only, and other services may listen at the
// relay's.
func (p *port) reaches(to *net.UDPAddr) bool {
	cfg := p.all.relay.cfg
	return to.IP.Equal(p.addr.IP) && to.Port >= int(cfg.MinPort) && to.Port <= int(cfg.MaxPort)
}

// forward takes what came over UDP if it is for a channel, and reports whether it was:
// TURN sees to the rest.
func (p *ports) forward(b []byte, from netip.AddrPort, via net.PacketConn) bool {
	if _, _, ok := channelData(b); !ok {
		return false
	}
	p.mu.RLock()
	client := p.clients[from]
	p.mu.RUnlock()
	return client != nil && client.via == via && client.forward(b)
}

// forward takes what came from the port's client if it is for one of its channels.
func (p *port) forward(b []byte) bool {
	number, data, ok := channelData(b)
	if !ok {
		return false
	}
	p.all.mu.RLock()
	peer := p.byNumber[number]
	p.all.mu.RUnlock()
	if peer == 0 {
		return false
	}
	p.send(data, peer)
	return true
}

// Lengths and numbers of ChannelData, RFC 8656 section 12.4.
const (
	channelHeader = 4
	minChannel    = 0x4000
	maxChannel    = 0x4fff
)

// channelData reads a packet for a channel.
func channelData(b []byte) (number uint16, data []byte, ok bool) {
	if len(b) < channelHeader {
		return 0, nil, false
	}
	number = binary.BigEndian.Uint16(b)
	n := int(binary.BigEndian.Uint16(b[2:]))
	if number < minChannel || number > maxChannel || n > len(b)-channelHeader {
		return 0, nil, false
	}
	return number, b[channelHeader : channelHeader+n], true
}

// send hands data to the port with that number, if there is one and the quota allows.
func (p *port) send(data []byte, to uint16) {
	r := p.all.relay
	if !r.accounts.charge(p.payers, len(data), time.Now()) {
		r.over.Add(1)
		return
	}
	r.bytes.Add(int64(len(data)))
	from := uint16(p.addr.Port)
	p.all.mu.RLock()
	peer := p.all.open[to]
	var number uint16
	if peer != nil {
		number = peer.byPeer[from]
	}
	p.all.mu.RUnlock()
	switch {
	case peer == nil: // nobody is there, or not any more
	case number != 0 && (peer.client != nil || peer.stream != nil):
		peer.pass(data, number)
	default:
		select {
		case peer.queue <- packet{append([]byte(nil), data...), &net.UDPAddr{IP: peer.addr.IP, Port: p.addr.Port}}:
		default: // as where a socket's buffer is full
		}
	}
}

// maxData bounds the data of a packet: a relayed port takes no more.
const maxData = 1600

// buffers are for packets on their way out.
var buffers = sync.Pool{New: func() any { return new([channelHeader + maxData]byte) }}

// pass sends data to the client by one of its channels.
func (p *port) pass(data []byte, number uint16) {
	if len(data) > maxData {
		return
	}
	b := buffers.Get().(*[channelHeader + maxData]byte)
	defer buffers.Put(b)
	binary.BigEndian.PutUint16(b[:], number)
	binary.BigEndian.PutUint16(b[2:], uint16(len(data)))
	n := channelHeader + copy(b[channelHeader:], data)
	if p.stream == nil {
		_, _ = p.via.WriteTo(b[:n], p.client) // as lost on the way
		return
	}
	clear(b[n : channelHeader+padded(len(data))])
	p.stream.push(b[:channelHeader+padded(len(data))], 0)
}

// WriteTo implements [net.PacketConn]. What may not be reached is as lost on the way.
func (p *port) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok || !p.reaches(udp) {
		p.all.relay.refused.Add(1)
		return len(b), nil
	}
	p.send(b, uint16(udp.Port))
	return len(b), nil
}

// ReadFrom implements [net.PacketConn]: what came for the client and has to go by way
// of TURN.
func (p *port) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case in := <-p.queue:
		return copy(b, in.b), in.from, nil
	case <-p.closed:
		return 0, nil, net.ErrClosed
	}
}

// Close implements [net.PacketConn].
func (p *port) Close() error {
	p.once.Do(func() {
		close(p.closed)
		p.all.mu.Lock()
		defer p.all.mu.Unlock()
		delete(p.all.open, uint16(p.addr.Port))
		if p.client != nil && p.all.clients[canonical(p.client)] == p { // it may have allocated anew
			delete(p.all.clients, canonical(p.client))
		}
		if p.stream != nil {
			p.stream.client.CompareAndSwap(p, nil)
		}
	})
	return nil
}

// LocalAddr implements [net.PacketConn].
func (p *port) LocalAddr() net.Addr { return p.addr }

// SetDeadline implements [net.PacketConn]; nobody here has any.
func (p *port) SetDeadline(time.Time) error { return errors.ErrUnsupported }

// SetReadDeadline implements [net.PacketConn].
func (p *port) SetReadDeadline(time.Time) error { return errors.ErrUnsupported }

// SetWriteDeadline implements [net.PacketConn].
func (p *port) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }

// generator gives out relayed ports to those who come by one socket.
type generator struct {
	ports *ports
	via   net.PacketConn // nil for those over TCP
}

// Validate implements turn.RelayAddressGenerator.
func (generator) Validate() error { return nil }

// errTCP refuses allocations of TCP (RFC 6062). Nobody needs them, and what goes
// over a connection can't be fenced: any service beside the relay could be reached.
var errTCP = errors.New("only UDP is relayed")

// AllocateListener implements turn.RelayAddressGenerator.
func (generator) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errTCP
}

// AllocateConn implements turn.RelayAddressGenerator.
func (generator) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) { return nil, errTCP }

// errFamily refuses an address of another family than the relay's.
var errFamily = errors.New("the relay has no address of that family")

// AllocatePacketConn implements turn.RelayAddressGenerator.
func (g generator) AllocatePacketConn(conf turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	ip := g.ports.relay.cfg.at(conf.Network == "udp4")
	if ip == nil {
		return nil, nil, errFamily
	}
	made, err := g.ports.allocate(ip, conf.RequestedPort, g.via)
	if err != nil {
		return nil, nil, err
	}
	return made, made.addr, nil
}
