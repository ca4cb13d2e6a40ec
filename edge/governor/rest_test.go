package governor_test

import (
	"context"
	"log/slog"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/governor"
	"github.com/sitecast/sitecast/signaling/wire"
)

// restingOrigin fetches when it is told to, and counts how often it is looked at.
type restingOrigin struct {
	looked   atomic.Int64
	fetching atomic.Bool
}

func (o *restingOrigin) SetRate(int64, time.Duration, bool) {}
func (o *restingOrigin) Taken() int64                       { return 0 }
func (o *restingOrigin) Fetching() (bool, time.Duration) {
	o.looked.Add(1)
	return o.fetching.Load(), 0
}

func TestAGovernorWhereNobodyFetchesSleepsUntilSomebodyMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const self = wire.EndpointID("self")
		o := &restingOrigin{}
		pinged := atomic.Int64{}
		g := governor.New(governor.Config{Self: self, Origin: o, Tell: func(wire.EndpointID, wire.Frame) {},
			Report:     func(wire.Kind, any) bool { return true },
			Listen:     func() (net.PacketConn, error) { return nil, syscall.EPERM },
			Reflectors: func() []string { return nil },
			Ping:       func(context.Context) (time.Duration, error) { pinged.Add(1); return time.Millisecond, nil }, Log: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- g.Run(ctx) }()
		idle := func(when string) {
			t.Helper()
			before := o.looked.Load()
			time.Sleep(time.Hour)
			if n := o.looked.Load() - before; n > 100 {
				t.Errorf("%s, it looked %d times in an hour, want hardly ever", when, n)
			}
		}
		idle("appointed by nobody")
		w := wire.Govern{Epoch: 1, Term: 1, Holder: self, Bound: wire.Unlimited}
		g.Appointed(w)
		idle("with no fetchers")
		w.Term, w.Fetchers = 2, []wire.EndpointID{self}
		o.fetching.Store(true)
		g.Appointed(w)
		time.Sleep(500 * time.Millisecond)
		if s := g.Status(); s.Role != "holder" || pinged.Load() < 3 {
			t.Errorf("half a second after a fetch began: %+v, %d probes, want it to govern", s, pinged.Load())
		}
		o.fetching.Store(false)
		w.Term, w.Fetchers = 3, nil
		g.Appointed(w)
		time.Sleep(10 * time.Second)
		idle("after a fetch")
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
