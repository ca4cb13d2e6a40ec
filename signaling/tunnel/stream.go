package tunnel

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// tunnel is one connection that comes in requests.
type tunnel struct {
	id   string
	far  net.Conn // what is written here, the socket reads, and the other way round
	idle *time.Timer

	// upMu orders those who bring bytes.
	upMu  sync.Mutex
	taken int64

	// mu guards the rest.
	mu      sync.Mutex
	waiting []byte    // for the endpoint
	at      int64     // the number of the first of them
	newest  time.Time // when the last of them came
	ended   bool
	changed chan struct{} // closed, and made anew, at each change
}

var (
	// errGap means that bytes are missing before, or are asked for again that were said
	// to have come.
	errGap   = errors.New("bytes before that are missing")
	errEnded = errors.New("the tunnel has ended")
)

// end ends the tunnel: the socket sees its end.
func (t *tunnel) end() { _ = t.far.Close() }

// bring takes the bytes from at on; those that came before are passed over.
func (t *tunnel) bring(at int64, data []byte) error {
	t.upMu.Lock()
	defer t.upMu.Unlock()
	if at > t.taken {
		return errGap
	}
	data = data[min(t.taken-at, int64(len(data))):]
	if len(data) == 0 {
		return nil
	}
	_ = t.far.SetWriteDeadline(time.Now().Add(takeTimeout))
	n, err := t.far.Write(data)
	t.taken += int64(n)
	if err != nil {
		t.end() // nobody takes it
		return errEnded
	}
	return nil
}

// fetch returns what waits from at on, and what to wait for when that is nothing.
func (t *tunnel) fetch(at int64) (data []byte, lay time.Duration, changed <-chan struct{}, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at < t.at || at > t.at+int64(len(t.waiting)) {
		return nil, 0, nil, errGap
	}
	if done := at - t.at; done > 0 {
		t.waiting, t.at = t.waiting[done:], at
		t.notify()
	}
	if len(t.waiting) == 0 && t.ended {
		return nil, 0, nil, errEnded
	}
	return bytes.Clone(t.waiting[:min(len(t.waiting), wire.MaxTunnelBytes)]), time.Since(t.newest), t.changed, nil
}

// notify wakes whoever waits. mu is held.
func (t *tunnel) notify() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// pump collects what the socket writes, until one side ends, and then waits a moment
// for the endpoint to fetch the rest.
func (t *tunnel) pump(stopped <-chan struct{}) {
	defer t.idle.Stop()
	buffer := make([]byte, 16<<10)
	for {
		n, err := t.far.Read(buffer)
		t.mu.Lock()
		if n > 0 {
			t.waiting, t.newest = append(t.waiting, buffer[:n]...), time.Now()
		}
		t.ended = err != nil
		t.notify()
		t.mu.Unlock()
		if !t.room(err == nil, stopped) || err != nil {
			break
		}
	}
	t.end()
	t.mu.Lock()
	t.ended = true
	t.notify()
	t.mu.Unlock()
}

// room waits until there is room for more, or, at the end, until all was fetched.
func (t *tunnel) room(more bool, stopped <-chan struct{}) bool {
	limit, patience := 0, lingerTimeout
	if more {
		limit, patience = maxWaiting, takeTimeout
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		t.mu.Lock()
		enough, changed := len(t.waiting) <= limit, t.changed
		t.mu.Unlock()
		if enough {
			return true
		}
		select {
		case <-changed:
		case <-timeout.C:
			return false
		case <-stopped:
			return false
		}
	}
}

// conn is the socket's side.
type conn struct {
	net.Conn
	local, remote net.Addr
}

func (c conn) LocalAddr() net.Addr  { return c.local }
func (c conn) RemoteAddr() net.Addr { return c.remote }

// address is the address that a request came from.
func address(text string) net.Addr {
	at, err := netip.ParseAddrPort(text)
	if err != nil {
		return &net.TCPAddr{}
	}
	return net.TCPAddrFromAddrPort(at)
}
