package rtc_test

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/rtc"
	"github.com/sitecast/sitecast/signaling/wire"
)

// ends are two transports whose signals reach each other directly.
type end struct {
	*rtc.Transport
	id       wire.EndpointID
	other    *end
	up       chan *rtc.Link
	down     chan string
	received atomic.Int64
	ctl      chan wire.Frame
}

func (e *end) Signal(s wire.Signal) { go e.other.Transport.Signal(s) }
func (e *end) Up(l *rtc.Link)       { e.up <- l }
func (e *end) Down(_ wire.EndpointID, _ *rtc.Link, _ int, reason string) {
	select {
	case e.down <- reason:
	default:
	}
}
func (e *end) Ctl(_ *rtc.Link, f wire.Frame)  { e.ctl <- f }
func (e *end) Bulk(_ *rtc.Link, f wire.Frame) { e.received.Add(int64(len(f.Payload))) }

func newEnd(tb testing.TB, net rtc.Net, listen string) *end {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		tb.Fatal(err)
	}
	e := &end{id: wire.IDOf(key.Public().(ed25519.PublicKey)), up: make(chan *rtc.Link, 16), down: make(chan string, 16), ctl: make(chan wire.Frame, 64)}
	e.Transport, err = rtc.New(rtc.Config{Net: net, Listen: listen, Identity: key,
		ICE: func() []wire.ICE { return nil }, Handler: e, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	e.SetSite("shop")
	return e
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLinkLoopback moves bulk frames over one link on loopback; cpu-ms/MB
// is the CPU time of both ends together.
func BenchmarkLinkLoopback(b *testing.B) {
	ctx, stop := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	x, y := newEnd(b, nil, "127.0.0.1:0"), newEnd(b, nil, "127.0.0.1:0")
	x.other, y.other = y, x
	wg.Go(func() { _ = x.Run(ctx) })
	wg.Go(func() { _ = y.Run(ctx) })
	time.Sleep(50 * time.Millisecond)
	x.Dial(y.id, 1)
	l := <-x.up
	<-y.up
	payload := make([]byte, wire.MaxDataBytes)
	b.SetBytes(int64(len(payload)))
	b.ResetTimer()
	before := cpu()
	for range b.N {
		if err := l.SendBulk(ctx, wire.Frame{Kind: wire.FrameData, Payload: payload}); err != nil {
			b.Fatal(err)
		}
	}
	for y.received.Load() < int64(b.N)*int64(len(payload)) {
		time.Sleep(time.Millisecond)
	}
	b.StopTimer()
	spent := cpu() - before
	b.ReportMetric(float64(spent.Microseconds())/1000/(float64(b.N)*float64(len(payload))/1e6), "cpu-ms/MB")
}
