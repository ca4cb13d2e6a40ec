//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
)

// tracker is a BitTorrent tracker (BEP 3, BEP 23): whoever announces is told of
// everybody who announced the same torrent.
type tracker struct {
	// mu guards peers.
	mu    sync.Mutex
	peers map[string]map[netip.AddrPort]bool // by info hash
}

func newTracker() *tracker { return &tracker{peers: map[string]map[netip.AddrPort]bool{}} }

func (t *tracker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	port, perr := strconv.ParseUint(q.Get("port"), 10, 16)
	if err != nil || perr != nil || len(q.Get("info_hash")) != 20 {
		http.Error(w, "not an announce", http.StatusBadRequest)
		return
	}
	self := netip.AddrPortFrom(from.Addr().Unmap(), uint16(port))
	t.mu.Lock()
	defer t.mu.Unlock()
	swarm := t.peers[q.Get("info_hash")]
	if swarm == nil {
		swarm = map[netip.AddrPort]bool{}
		t.peers[q.Get("info_hash")] = swarm
	}
	var compact []byte
	for p := range swarm {
		if p != self {
			ip := p.Addr().As4()
			compact = binary.BigEndian.AppendUint16(append(compact, ip[:]...), p.Port())
		}
	}
	swarm[self] = true
	// A short interval: the sessions that announced first hear of the others soon.
	_, _ = fmt.Fprintf(w, "d8:intervali2e12:min intervali2e5:peers%d:%se", len(compact), compact) // it went away
}
