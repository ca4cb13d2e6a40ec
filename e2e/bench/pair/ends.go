//go:build linux

package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"

	"github.com/sitecast/sitecast/e2e/bench/grid"
	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/edge/rtc"
	"github.com/sitecast/sitecast/signaling/wire"
)

// inside is the network as a host of the lab has it.
type inside struct {
	*stdnet.Net
	host *netlab.Host
}

// ListenUDP opens a socket on the host.
func (n inside) ListenUDP(network string, at *net.UDPAddr) (conn transport.UDPConn, err error) {
	err = n.host.Do(func() error {
		conn, err = n.Net.ListenUDP(network, at)
		return err
	})
	return conn, err
}

// end is an agent's transport on one host, without the agent: whatever comes is
// counted.
type end struct {
	*rtc.Transport
	id    wire.EndpointID
	other *end
	ups   chan *rtc.Link
	downs chan string // reasons
	got   atomic.Int64
	ended chan error
}

func newEnd(ctx context.Context, h *netlab.Host) (e *end, err error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	e = &end{id: wire.IDOf(public), ups: make(chan *rtc.Link, 1), downs: make(chan string, maxAttempts), ended: make(chan error, 1)}
	network := inside{host: h}
	err = h.Do(func() error {
		network.Net, err = stdnet.NewNet()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the interfaces of %s: %w", h.Name(), err)
	}
	e.Transport, err = rtc.New(rtc.Config{Net: network, Listen: h.IP().String() + ":0", Identity: private,
		ICE: func() []wire.ICE { return nil }, Handler: e, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	e.SetSite("pair")
	go func() { e.ended <- e.Run(ctx) }()
	return e, nil
}

// Signal brings a step of link set-up to the other end, as a server would.
func (e *end) Signal(s wire.Signal) { e.other.Transport.Signal(s) }

// Up tells of a link.
func (e *end) Up(l *rtc.Link) {
	select {
	case e.ups <- l:
	default: // the other end redialed; the first will do
	}
}

// Down tells that a link ended, or never came up.
func (e *end) Down(_ wire.EndpointID, _ *rtc.Link, _ int, reason string) {
	select {
	case e.downs <- reason:
	default:
	}
}

// Ctl brings a frame that is not looked at.
func (e *end) Ctl(*rtc.Link, wire.Frame) {}

// Bulk counts what came.
func (e *end) Bulk(_ *rtc.Link, f wire.Frame) { e.got.Add(int64(len(f.Payload))) }

// maxAttempts at a link are made. The first uses addresses of the hosts, as all would
// that find no server for more.
const maxAttempts = 12

// redialEvery is how often a link is asked for: nothing comes of it before both ends
// run, nor while one is being made.
const redialEvery = 100 * time.Millisecond

// link makes a link and says at which attempt.
func (e *end) link(ctx context.Context) (*rtc.Link, int, error) {
	again := time.NewTicker(redialEvery)
	defer again.Stop()
	for attempt := 1; attempt <= maxAttempts; {
		e.Dial(e.other.id, 1)
		select {
		case l := <-e.ups:
			return l, attempt, nil
		case <-e.downs:
			attempt++
		case <-again.C:
		case <-ctx.Done():
			return nil, attempt, ctx.Err()
		}
	}
	return nil, maxAttempts, errors.New("no link came up")
}

// send fills a link until ctx ends.
func send(ctx context.Context, l *rtc.Link) error {
	payload := make([]byte, wire.MaxDataBytes)
	for {
		err := l.SendBulk(ctx, wire.Frame{Kind: wire.FrameData, Payload: payload})
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
	}
}

// peers measures a link between two hosts, over which the first sends.
func peers(ctx context.Context, c grid.Cell, from, to *netlab.Host) (f figures, err error) {
	running, stop := context.WithCancel(ctx)
	x, err := newEnd(running, from)
	if err != nil {
		stop()
		return f, err
	}
	defer func() { stop(); err = errors.Join(err, <-x.ended) }()
	y, err := newEnd(running, to)
	if err != nil {
		return f, err
	}
	defer func() { stop(); err = errors.Join(err, <-y.ended) }()
	x.other, y.other = y, x
	begun := time.Now()
	l, attempts, err := x.link(ctx)
	if err != nil {
		return f, err
	}
	up := time.Since(begun)
	sending, enough := context.WithCancel(ctx)
	sent := make(chan error, 1)
	go func() { sent <- send(sending, l) }()
	f, err = watch(ctx, c, y.got.Load)
	enough()
	f.Attempts, f.UpSeconds = attempts, up.Seconds()
	return f, errors.Join(err, <-sent)
}
