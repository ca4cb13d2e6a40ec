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

// pinging is a holder that fetches, and measures by pings of a given length.
func pinging(t *testing.T, ping time.Duration, bound int64, do func(g *governor.Governor, told func() []wire.Governed)) {
	synctest.Test(t, func(t *testing.T) {
		const self = wire.EndpointID("self")
		var mu sync.Mutex
		var accounts []wire.Governed
		o := &restingOrigin{}
		o.fetching.Store(true)
		g := governor.New(governor.Config{Self: self, Origin: o, Tell: func(wire.EndpointID, wire.Frame) {},
			Report: func(_ wire.Kind, body any) bool {
				mu.Lock()
				defer mu.Unlock()
				accounts = append(accounts, body.(wire.Governed))
				return true
			},
			Listen:     func() (net.PacketConn, error) { return nil, syscall.EPERM },
			Reflectors: func() []string { return nil },
			Ping:       func(context.Context) (time.Duration, error) { time.Sleep(ping); return ping, nil }, Log: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- g.Run(ctx) }()
		g.Appointed(wire.Govern{Epoch: 1, Term: 1, Holder: self, Fetchers: []wire.EndpointID{self}, Bound: bound})
		time.Sleep(10 * time.Second)
		do(g, func() []wire.Governed {
			mu.Lock()
			defer mu.Unlock()
			return accounts
		})
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// Nothing arrives in these tests, which a line would be blamed for; a LAN is not.
func TestServerOnTheLANIsBehindNoLine(t *testing.T) {
	pinging(t, 300*time.Microsecond, wire.Unlimited, func(g *governor.Governor, told func() []wire.Governed) {
		s := g.Status()
		if s.State != string(governor.Free) || s.Reason == "" || s.Rate != wire.Unlimited || s.Mine < 1<<32 {
			t.Errorf("status is %+v, want that nothing is governed", s)
		}
		accounts := told()
		if len(accounts) < 5 {
			t.Fatalf("%d accounts in ten seconds", len(accounts))
		}
		for _, a := range accounts {
			if a.Receipt.YieldMs > 0 || a.Check() != nil {
				t.Errorf("account %+v, want that it never stands back", a)
			}
		}
		if last := accounts[len(accounts)-1]; last.State != string(governor.Free) || last.Rate != wire.Unlimited {
			t.Errorf("the last account is %+v", last)
		}
	})
}

func TestServerOnTheLANStillHasACap(t *testing.T) {
	pinging(t, 300*time.Microsecond, 500_000, func(g *governor.Governor, told func() []wire.Governed) {
		if s := g.Status(); s.Rate != 500_000 || s.Mine != 500_000 {
			t.Errorf("status is %+v, want the cap", s)
		}
	})
}

func TestServerBeyondALineIsGoverned(t *testing.T) {
	pinging(t, 5*time.Millisecond, wire.Unlimited, func(g *governor.Governor, told func() []wire.Governed) {
		if s := g.Status(); s.State == string(governor.Free) || s.Rate > 1<<32 {
			t.Errorf("status is %+v, want that it is governed", s)
		}
	})
}
