package rtc

import (
	"net"
	"sync"
)

// relays are the sockets through which one attempt asked relays for allocations.
// A link that came up directly lets go of them: otherwise each would hold a port of
// the relay for as long as it lives.
type relays struct {
	Net

	// mu guards the rest.
	mu    sync.Mutex
	socks []net.PacketConn
	done  bool
}

// ListenPacket opens a socket; ICE opens only those to relays this way.
func (r *relays) ListenPacket(network, address string) (net.PacketConn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done {
		return nil, net.ErrClosed
	}
	sock, err := r.Net.ListenPacket(network, address)
	if err == nil {
		r.socks = append(r.socks, sock)
	}
	return sock, err
}

// release closes them. The relay ends an allocation that nobody refreshes.
func (r *relays) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, sock := range r.socks {
		_ = sock.Close() // ICE may have closed it already
	}
	r.socks, r.done = nil, true
}
