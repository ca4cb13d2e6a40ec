//go:build linux

package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"github.com/sitecast/sitecast/e2e/browser"
	"github.com/sitecast/sitecast/e2e/netlab"
)

//go:embed raw.js
var rawScript string

const (
	// settling is how long a bare channel may take to find its rate, and steady for how
	// long it is then measured.
	settling = 3 * time.Second
	steady   = 8 * time.Second
	// message is how long each is, as our frames are, and most how much waits to be sent.
	message = 64 << 10
	most    = 1 << 20
	// greeting bounds how long a channel takes to open.
	greeting = 20 * time.Second
)

// An end of a bare channel: a page or pion.
type end interface {
	offer(ctx context.Context) (sdp string, err error)
	answer(ctx context.Context, sdp string) (own string, err error)
	accept(ctx context.Context, sdp string) error
	send(ctx context.Context) error // as fast as it goes, until close
	got(ctx context.Context) (int64, error)
	cpu(ctx context.Context) (time.Duration, error) // of the end and its surroundings
	close(ctx context.Context) error
}

// bare measures a channel from one end to another.
func bare(ctx context.Context, from, to end) (f figures, err error) {
	defer func() { err = errors.Join(err, from.close(ctx), to.close(ctx)) }()
	offer, err := from.offer(ctx)
	if err != nil {
		return f, err
	}
	answer, err := to.answer(ctx, offer)
	if err != nil {
		return f, err
	}
	if err := from.accept(ctx, answer); err != nil {
		return f, err
	}
	if err := from.send(ctx); err != nil {
		return f, err
	}
	look := func() (s sample, err error) {
		s.at = time.Now()
		if s.bytes, err = to.got(ctx); err != nil {
			return s, err
		}
		s.cpu, err = spent(ctx, from.cpu, to.cpu)
		return s, err
	}
	first, err := until(ctx, greeting, look, func(s sample) bool { return s.bytes > 0 })
	if err != nil {
		return f, fmt.Errorf("no byte came: %w", err)
	}
	if first, err = until(ctx, 2*settling, look, func(s sample) bool { return s.at.Sub(first.at) >= settling }); err != nil {
		return f, err
	}
	last, err := until(ctx, 2*steady, look, func(s sample) bool { return s.at.Sub(first.at) >= steady })
	return last.since(first), err
}

// page is an end in a tab.
type page struct {
	c *browser.Chromium
	p *browser.Page
}

// newPage opens one.
func newPage(ctx context.Context, c *browser.Chromium) (e page, err error) {
	if e.p, err = c.Open(ctx, "about:blank"); err != nil {
		return e, err
	}
	e.c = c
	return e, e.p.Eval(ctx, rawScript, nil)
}

// call calls the script with a text.
func (e page) call(ctx context.Context, function, text string, value any) error {
	argument, err := json.Marshal(text)
	if err != nil {
		return err
	}
	return e.p.Eval(ctx, fmt.Sprintf("raw.%s(%s)", function, argument), value)
}

func (e page) offer(ctx context.Context) (sdp string, err error) {
	return sdp, e.call(ctx, "offer", "", &sdp)
}

func (e page) answer(ctx context.Context, sdp string) (own string, err error) {
	return own, e.call(ctx, "answer", sdp, &own)
}

func (e page) accept(ctx context.Context, sdp string) error { return e.call(ctx, "accept", sdp, nil) }

func (e page) send(ctx context.Context) error { return e.call(ctx, "send", "", nil) }

func (e page) got(ctx context.Context) (n int64, err error) { return n, e.call(ctx, "got", "", &n) }

func (e page) cpu(ctx context.Context) (time.Duration, error) { return e.c.CPU(ctx) }

func (e page) close(ctx context.Context) error { return e.p.Close(ctx) }

// peer is an end in this process: pion as it comes, but for its socket, which stands on
// a host.
type peer struct {
	pc      *webrtc.PeerConnection
	channel *webrtc.DataChannel
	sock    net.PacketConn
	came    atomic.Int64
	opened  chan struct{}
	low     chan struct{}
	over    context.Context
	stop    context.CancelFunc
	done    chan struct{} // closed when nothing is sent any more; nil while nothing is
}

func newPeer(h *netlab.Host) (e *peer, err error) {
	e = &peer{opened: make(chan struct{}), low: make(chan struct{}, 1)}
	e.over, e.stop = context.WithCancel(context.Background())
	if err := h.Do(func() error {
		e.sock, err = net.ListenPacket("udp4", h.IP().String()+":0")
		return err
	}); err != nil {
		return nil, err
	}
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	se := webrtc.SettingEngine{LoggerFactory: quiet}
	se.SetICEUDPMux(webrtc.NewICEUDPMux(quiet.NewLogger("ice"), e.sock))
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	if e.pc, err = webrtc.NewAPI(webrtc.WithSettingEngine(se)).NewPeerConnection(webrtc.Configuration{}); err != nil {
		return nil, errors.Join(err, e.sock.Close())
	}
	ordered, negotiated, id := false, true, uint16(1)
	e.channel, err = e.pc.CreateDataChannel("bulk", &webrtc.DataChannelInit{Ordered: &ordered, Negotiated: &negotiated, ID: &id})
	if err != nil {
		return nil, errors.Join(err, e.close(context.Background()))
	}
	e.channel.OnOpen(func() { close(e.opened) })
	e.channel.OnMessage(func(m webrtc.DataChannelMessage) { e.came.Add(int64(len(m.Data))) })
	e.channel.SetBufferedAmountLowThreshold(most / 2)
	e.channel.OnBufferedAmountLow(func() {
		select {
		case e.low <- struct{}{}:
		default:
		}
	})
	return e, nil
}

// described is the own description, with all candidates.
func (e *peer) described(d webrtc.SessionDescription, err error) (string, error) {
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(e.pc)
	if err := e.pc.SetLocalDescription(d); err != nil {
		return "", err
	}
	<-gathered
	return e.pc.LocalDescription().SDP, nil
}

func (e *peer) offer(context.Context) (string, error) { return e.described(e.pc.CreateOffer(nil)) }

func (e *peer) answer(_ context.Context, sdp string) (string, error) {
	if err := e.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: sdp}); err != nil {
		return "", err
	}
	return e.described(e.pc.CreateAnswer(nil))
}

func (e *peer) accept(_ context.Context, sdp string) error {
	return e.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp})
}

func (e *peer) send(ctx context.Context) error {
	select {
	case <-e.opened:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(greeting):
		return errors.New("the channel did not open")
	}
	e.done = make(chan struct{})
	go func() {
		defer close(e.done)
		data := make([]byte, message)
		for e.over.Err() == nil {
			if e.channel.BufferedAmount() > most {
				select {
				case <-e.low:
				case <-e.over.Done():
				}
				continue
			}
			if e.channel.Send(data) != nil {
				return // it was closed
			}
		}
	}()
	return nil
}

func (e *peer) got(context.Context) (int64, error) { return e.came.Load(), nil }

func (e *peer) cpu(context.Context) (time.Duration, error) { return ownCPU() }

func (e *peer) close(context.Context) error {
	e.stop()
	err := e.pc.Close()
	if e.done != nil {
		<-e.done
	}
	return errors.Join(err, e.sock.Close())
}
