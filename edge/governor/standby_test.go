package governor_test

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/governor"
	"github.com/sitecast/sitecast/signaling/wire"
)

// TestAStandByThatTookOverGoesOnWhenTheAppointmentChanges: the server may change the
// fetchers before it knows that the holder is gone.
func TestAStandByThatTookOverGoesOnWhenTheAppointmentChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const self, holder = wire.EndpointID("self"), wire.EndpointID("holder")
		var mu sync.Mutex
		var granted []time.Time
		o := &restingOrigin{}
		o.fetching.Store(true)
		g := governor.New(governor.Config{Self: self, Origin: o, Report: func(wire.Kind, any) bool { return true },
			Tell: func(_ wire.EndpointID, f wire.Frame) {
				mu.Lock()
				defer mu.Unlock()
				if f.Kind == wire.FrameGrant {
					granted = append(granted, time.Now())
				}
			},
			Listen:     func() (net.PacketConn, error) { return nil, syscall.EPERM },
			Reflectors: func() []string { return nil },
			Ping:       func(context.Context) (time.Duration, error) { return time.Millisecond, nil }, Log: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- g.Run(ctx) }()
		w := wire.Govern{Epoch: 1, Term: 1, Holder: holder, StandBy: self, Fetchers: []wire.EndpointID{self, "other"}, Bound: 1_000_000}
		g.Appointed(w)
		g.Granted(wire.Grant{From: holder, Epoch: 1, Term: 1, Seq: 1, BytesPerSecond: 400_000, Site: 800_000, ValidMs: 1000})
		time.Sleep(2 * time.Second)
		if s := g.Status(); s.Role != "holder" {
			t.Errorf("2 s after the holder's last grant: %+v, want that the stand-by governs", s)
		}
		w.Term, w.Fetchers = 2, []wire.EndpointID{self, "another"}
		g.Appointed(w)
		began := time.Now()
		time.Sleep(500 * time.Millisecond)
		if s := g.Status(); s.Role != "holder" {
			t.Errorf("half a second after another appointment: %+v, want that it goes on", s)
		}
		mu.Lock()
		if n := len(granted); n == 0 || granted[n-1].Before(began) {
			t.Errorf("the last of %d grants was before the appointment changed", n)
		}
		mu.Unlock()
		g.Granted(wire.Grant{From: holder, Epoch: 1, Term: 2, Seq: 1000, BytesPerSecond: 100_000, Site: 200_000, ValidMs: 1000})
		time.Sleep(100 * time.Millisecond)
		if s := g.Status(); s.Role != "stand-by" || s.Mine != 100_000 {
			t.Errorf("after the holder was heard again: %+v, want that it is obeyed", s)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
