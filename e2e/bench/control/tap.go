package main

import (
	"bytes"
	"context"
	"io/fs"
	"net"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"
)

const (
	// contentPacket is from how many bytes on a packet of a peer is content: what else goes
	// over a link is shorter.
	contentPacket = 900
	// takesEffect is how many bytes of a content from the origin are an effect of its
	// priority, beyond what the floor of a lower class brings in so short a time.
	takesEffect = 8 << 10
)

// packs knows which content an object of the origin is of.
type packs struct {
	mu sync.Mutex
	of map[string]int // by digest
}

var digest = regexp.MustCompile(`[0-9a-f]{64}`)

// list finds the objects in the origin's folder.
func (p *packs) list(dir string) map[string]bool {
	found := map[string]bool{}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error { // it may not be there yet
		if err == nil && !d.IsDir() {
			for _, name := range digest.FindAllString(filepath.Base(path), -1) {
				found[name] = true
			}
		}
		return nil
	})
	return found
}

// learn notes that what is new is of a content.
func (p *packs) learn(content int, before, after map[string]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = map[string]int{}
	}
	for name := range after {
		if !before[name] {
			p.of[name] = content
		}
	}
}

func (p *packs) find(name string) (content int, found bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	content, found = p.of[name]
	return content, found
}

// endpoint taps the sockets of one agent.
type endpoint struct {
	transport.Net
	site  string
	packs *packs

	// mu guards the rest.
	mu     sync.Mutex
	peer   time.Time           // when the last content came from a peer
	origin [contents]time.Time // when the last bytes of each content came from the origin
	marked int                 // the content whose bytes are counted
	since  int                 // bytes of it
	first  time.Time           // when they were enough
}

func newEndpoint(site string, p *packs) (*endpoint, error) {
	host, err := stdnet.NewNet()
	return &endpoint{Net: host, site: site, packs: p}, err
}

// lastByte is when the last content came, from whomever.
func (e *endpoint) lastByte() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	last := e.peer
	for _, at := range e.origin {
		if at.After(last) {
			last = at
		}
	}
	return last
}

// lastOf is when the last bytes of a content came from the origin.
func (e *endpoint) lastOf(content int) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.origin[content]
}

// mark has the bytes of a content counted from now on.
func (s *stage) mark(content int) {
	for _, e := range s.all {
		e.mu.Lock()
		e.marked, e.since, e.first = content, 0, time.Time{}
		e.mu.Unlock()
	}
}

// firstAt is when the first effect was seen at a site; zero: none was.
func (s *stage) firstAt(name string) (first time.Time) {
	for _, e := range s.all {
		e.mu.Lock()
		if at := e.first; e.site == name && !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
		e.mu.Unlock()
	}
	return first
}

// read notes bytes of an object.
func (e *endpoint) read(content, n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	e.origin[content] = now
	if content == e.marked {
		if e.since += n; e.since >= takesEffect && e.first.IsZero() {
			e.first = now
		}
	}
}

// dial opens a connection to the server.
func (e *endpoint) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &tapped{Conn: conn, e: e, content: -1}, nil
}

// tapped is a connection to the server, of which it is known which object is on the way.
type tapped struct {
	net.Conn
	e *endpoint

	mu      sync.Mutex
	content int // of the object that was asked for last; -1: it was none
}

func (t *tapped) Write(b []byte) (int, error) {
	if line, _, ok := bytes.Cut(b, []byte("\r\n")); ok && bytes.HasPrefix(line, []byte("GET /")) {
		content, found := t.e.packs.find(string(digest.Find(line)))
		if !found {
			content = -1
		}
		t.mu.Lock()
		t.content = content
		t.mu.Unlock()
	}
	return t.Conn.Write(b)
}

func (t *tapped) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.mu.Lock()
	content := t.content
	t.mu.Unlock()
	if n > 0 && content >= 0 {
		t.e.read(content, n)
	}
	return n, err
}

// ListenUDP opens the socket of an agent's links.
func (e *endpoint) ListenUDP(network string, at *net.UDPAddr) (transport.UDPConn, error) {
	conn, err := e.Net.ListenUDP(network, at)
	if err != nil {
		return nil, err
	}
	return &heard{conn, e}, nil
}

type heard struct {
	transport.UDPConn
	e *endpoint
}

func (h *heard) note(n int) {
	if n >= contentPacket {
		h.e.mu.Lock()
		h.e.peer = time.Now()
		h.e.mu.Unlock()
	}
}

func (h *heard) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := h.UDPConn.ReadFrom(b)
	h.note(n)
	return n, from, err
}

func (h *heard) ReadFromUDP(b []byte) (int, *net.UDPAddr, error) {
	n, from, err := h.UDPConn.ReadFromUDP(b)
	h.note(n)
	return n, from, err
}
