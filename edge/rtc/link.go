package rtc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/webrtc/v4"

	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	// ctlQueue and maxQueued bound the ctl frames waiting, in number and bytes; a
	// peer that lets them fill is gone.
	ctlQueue  = 4096
	maxQueued = 16 << 20
	// tripEvery is how often SCTP and ICE are asked for round trips.
	tripEvery = 100 * time.Millisecond
	// ctlBuffered is what ctl may have buffered beneath the queue, bytes.
	ctlBuffered = 256 << 10
)

// Link is a connection to one peer.
type Link struct {
	// Set at the beginning, then constant.
	s         *session
	through   bool // a relay, wherever that stands
	ctl, bulk *webrtc.DataChannel
	rawCtl    datachannel.ReadWriteCloser
	rawBulk   datachannel.ReadWriteCloser
	queue     chan []byte   // ctl frames to send
	ctlLow    chan struct{} // ctl has less buffered than its low mark
	bulkLow   chan struct{} // likewise bulk
	checks    checks        // what makes its probes valid
	wg        sync.WaitGroup

	sent, received atomic.Int64
	bulkSent       atomic.Int64
	queued         atomic.Int64 // bytes in queue

	// turn holds one value, which guards what SendBulk uses; senders take turns.
	turn   chan struct{}
	buf    []byte
	window window
	asked  time.Time // SCTP and ICE, for round trips
}

// newLink declares the channels; opened hears when each opens.
func newLink(s *session, opened chan<- struct{}) (*Link, error) {
	l := &Link{s: s, queue: make(chan []byte, ctlQueue), turn: make(chan struct{}, 1),
		ctlLow: make(chan struct{}, 1), bulkLow: make(chan struct{}, 1)}
	l.turn <- struct{}{}
	var err error
	if l.ctl, err = l.channel("ctl", wire.ChannelCtl, true, opened); err != nil {
		return nil, err
	}
	if l.bulk, err = l.channel("bulk", wire.ChannelBulk, false, opened); err != nil {
		return nil, err
	}
	onLow(l.ctl, ctlBuffered/2, l.ctlLow)
	onLow(l.bulk, minWindow/2, l.bulkLow)
	return l, nil
}

// onLow signals low when dc has mark bytes or less buffered.
func onLow(dc *webrtc.DataChannel, mark uint64, low chan<- struct{}) {
	dc.SetBufferedAmountLowThreshold(mark)
	dc.OnBufferedAmountLow(func() {
		select {
		case low <- struct{}{}:
		default:
		}
	})
}

func (l *Link) channel(label string, id uint16, ordered bool, opened chan<- struct{}) (*webrtc.DataChannel, error) {
	negotiated := true
	dc, err := l.s.pc.CreateDataChannel(label, &webrtc.DataChannelInit{Ordered: &ordered, Negotiated: &negotiated, ID: &id})
	if err != nil {
		return nil, fmt.Errorf("make channel %s: %w", label, err)
	}
	dc.OnOpen(func() { opened <- struct{}{} })
	return dc, nil
}

// greet detaches the open channels, says hello and waits for the peer's.
func (l *Link) greet(ctx context.Context) (err error) {
	if l.rawCtl, err = l.ctl.Detach(); err != nil {
		return fmt.Errorf("detach ctl: %w", err)
	}
	if l.rawBulk, err = l.bulk.Detach(); err != nil {
		return fmt.Errorf("detach bulk: %w", err)
	}
	hello := wire.AppendFrame(nil, wire.Frame{Kind: wire.FrameHello, Number: wire.Version})
	if _, err := l.rawCtl.Write(hello); err != nil {
		return fmt.Errorf("say hello: %w", err)
	}
	// Closing the connection ends a read that would wait for ever.
	stop := context.AfterFunc(ctx, func() { _ = l.rawCtl.Close() })
	defer stop()
	buf := make([]byte, wire.MaxFrameBytes)
	n, err := l.rawCtl.Read(buf)
	if err != nil && !errors.Is(err, io.ErrShortBuffer) {
		l.s.settle()
		return fmt.Errorf("wait for hello: %w", errors.Join(context.Cause(ctx), err))
	}
	f, parseErr := wire.ParseFrame(buf[:n])
	if err != nil || parseErr != nil || f.Kind != wire.FrameHello || f.Number < 1 {
		l.s.t.cfg.Refused.Add(wire.DoorCtl, wire.CodeProtocol)
		return errReason(wire.CodeProtocol)
	}
	if l.through = l.s.relayed(); !l.through {
		l.s.relays.release()
		if l.checks, err = l.s.checks(); err != nil {
			return err
		}
	}
	return nil
}

// relayed reports whether the chosen pair goes through a relay.
func (s *session) relayed() bool {
	pair, err := s.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return false
	}
	return pair.Local.Typ == webrtc.ICECandidateTypeRelay || pair.Remote.Typ == webrtc.ICECandidateTypeRelay
}

// run moves frames until the session ends.
func (l *Link) run(s *session) {
	l.wg.Go(func() { l.write(s.ctx) })
	l.wg.Go(func() { l.read(l.rawCtl, wire.ChannelCtl, s.t.cfg.Handler.Ctl) })
	l.wg.Go(func() { l.read(l.rawBulk, wire.ChannelBulk, s.t.cfg.Handler.Bulk) })
	wait, direct := firstDirect, (<-chan time.Time)(nil)
	if l.through && s.offer == nil { // one of both tries
		direct = time.After(wait)
	}
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-direct:
			wait = min(2*wait, lastDirect)
			direct = time.After(wait)
			s.t.upgrade(s)
		case sig := <-s.signals: // late candidates may still find a better path
			if sig.Candidate != "" {
				_ = s.candidate(sig.Candidate)
			}
		}
	}
}

// wait returns when the goroutines of run have; the connection is closed by then.
func (l *Link) wait() { l.wg.Wait() }

func (l *Link) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case frame := <-l.queue:
			// pion takes all it is given: without this wait the queue would never fill.
			for l.ctl.BufferedAmount() > ctlBuffered {
				select {
				case <-l.ctlLow:
				case <-ctx.Done():
					return
				}
			}
			if _, err := l.rawCtl.Write(frame); err != nil {
				l.s.settle()
				l.Close("connection lost")
				return
			}
			l.queued.Add(-int64(len(frame)))
			l.sent.Add(int64(len(frame)))
		}
	}
}

// read hands frames over until the channel ends or the peer breaks the rules.
func (l *Link) read(raw io.Reader, channel int, handle func(*Link, wire.Frame)) {
	door := wire.DoorCtl
	if channel == wire.ChannelBulk {
		door = wire.DoorBulk
	}
	buf := make([]byte, wire.MaxFrameBytes)
	for {
		n, err := raw.Read(buf)
		if errors.Is(err, io.ErrShortBuffer) {
			l.breach(door, wire.CodeProtocol, "longer than a frame may be")
			return
		}
		if err != nil {
			l.s.settle()
			l.Close("connection lost")
			return
		}
		l.received.Add(int64(n))
		f, err := wire.ParseFrame(buf[:n])
		switch {
		case errors.Is(err, wire.ErrUnknownFrame):
			l.breach(door, wire.CodeUnknownType, err.Error())
			return
		case err != nil:
			l.breach(door, wire.CodeProtocol, err.Error())
			return
		case f.Kind.Channel() != channel || f.Kind == wire.FrameHello:
			l.breach(door, wire.CodeProtocol, fmt.Sprintf("kind %#02x is out of place", f.Kind))
			return
		}
		handle(l, f)
	}
}

// breach closes the link because the peer broke the protocol.
func (l *Link) breach(door wire.Door, code, what string) {
	l.s.t.cfg.Refused.Add(door, code)
	l.s.t.log.Warn("peer broke the protocol", "peer", l.s.peer.Short(), "code", code, "frame", what)
	l.Close(code)
}

// Peer is who is at the other end.
func (l *Link) Peer() wire.EndpointID { return l.s.peer }

// Attempt is which attempt made the link.
func (l *Link) Attempt() int { return l.s.attempt }

// Relayed reports whether bytes go through a relay.
func (l *Link) Relayed() bool { return l.through && !l.s.nearby }

// Bytes returns the frame bytes sent and received so far.
func (l *Link) Bytes() (sent, received int64) { return l.sent.Load(), l.received.Load() }

// Close ends the link.
func (l *Link) Close(reason string) { l.s.stop(reason) }

// Done is closed when the link has ended.
func (l *Link) Done() <-chan struct{} { return l.s.ctx.Done() }

var (
	errClosed = errors.New("link is closed")
	errSlow   = errors.New("peer does not take its control frames")
)

// SendCtl queues a frame without blocking. A full queue closes the link.
func (l *Link) SendCtl(f wire.Frame) error {
	if l.s.ctx.Err() != nil {
		return errClosed
	}
	frame := wire.AppendFrame(nil, f)
	if l.queued.Add(int64(len(frame))) <= maxQueued {
		select {
		case l.queue <- frame:
			return nil
		default:
		}
	}
	l.Close(errSlow.Error())
	return errSlow
}

// SendBulk sends a frame, waiting while as much is buffered as the way to the peer and
// back holds, and a little more. It returns when the frame is buffered.
func (l *Link) SendBulk(ctx context.Context, f wire.Frame) error {
	select {
	case <-l.turn:
		defer func() { l.turn <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	case <-l.s.ctx.Done():
		return errClosed
	}
	for !l.room() {
		select {
		case <-l.bulkLow:
		case <-ctx.Done():
			return ctx.Err()
		case <-l.s.ctx.Done():
			return errClosed
		}
	}
	l.buf = wire.AppendFrame(l.buf[:0], f)
	if _, err := l.rawBulk.Write(l.buf); err != nil {
		return fmt.Errorf("send to %s: %w", l.s.peer.Short(), err)
	}
	l.sent.Add(int64(len(l.buf)))
	l.bulkSent.Add(int64(len(l.buf)))
	return nil
}

// room reports whether bulk may have more buffered, and else has bulkLow told when it
// will. It is the caller's turn.
func (l *Link) room() bool {
	now := time.Now()
	sctp := l.s.pc.SCTP().Stats()
	if now.Sub(l.asked) >= tripEvery {
		l.asked = now
		l.window.heard(time.Duration(sctp.SmoothedRoundTripTime * float64(time.Second)))
		if ice, ok := l.s.ice().GetSelectedCandidatePairStats(); ok {
			l.window.heard(time.Duration(ice.CurrentRoundTripTime * float64(time.Second)))
		}
	}
	limit := l.window.size(sctp.CongestionWindow)
	full := l.bulk.BufferedAmount() >= limit
	l.window.saw(now, l.Delivered(), full)
	if !full {
		return true
	}
	// As little as a frame less, so that SCTP is given something often: while the head of
	// its window is missing it sends only then.
	low := limit - wire.MaxFrameBytes
	l.bulk.SetBufferedAmountLowThreshold(low)
	return l.bulk.BufferedAmount() <= low // it became low just before
}
