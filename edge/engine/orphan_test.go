package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// hanging makes origin fetches that end only when they are stopped, and returns
// how long the one after begin went on.
func (s *stand) hanging() (ended func() time.Duration) {
	began := time.Now()
	var took time.Duration
	s.fetch = func(ctx context.Context, _ wire.Lease) error {
		<-ctx.Done()
		s.mu.Lock()
		defer s.mu.Unlock()
		took = time.Since(began)
		return ctx.Err()
	}
	return func() time.Duration {
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		return took
	}
}

// says has a peer tell whether it has a socket.
func (s *stand) says(p *peer, held bool) {
	f := wire.Frame{Kind: wire.FrameUplink}
	if held {
		f.Flags = wire.UplinkHeld
	}
	s.eng.Ctl(p, f)
	synctest.Wait()
}

// uplinks returns what a peer was told of the socket, oldest first.
func (p *peer) uplinks() (held []bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.ctl {
		if f.Kind == wire.FrameUplink {
			held = append(held, f.Flags == wire.UplinkHeld)
		}
	}
	return held
}

// onOrphan has do lose the socket while a fetch runs.
func onOrphan(t *testing.T, do func(s *stand, p *peer, ended func() time.Duration)) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.want(s.flow)
		s.leaseBody()
		p := s.link("peer")
		ended := s.hanging()
		s.leaseChunks(0, 20)
		do(s, p, ended)
	})
}

func TestFetcherThatAloneLostItsSocketStopsWithinASecond(t *testing.T) {
	onOrphan(t, func(s *stand, p *peer, ended func() time.Duration) {
		s.says(p, true)
		s.eng.Disconnected()
		time.Sleep(time.Second)
		if got := ended(); got == 0 || got > time.Second {
			t.Errorf("the fetch stopped after %v, want at most 1 s", got)
		}
	})
}

func TestFetcherOfASiteWithoutSocketsGoesOnUntilItsLeaseLapses(t *testing.T) {
	onOrphan(t, func(s *stand, p *peer, ended func() time.Duration) {
		s.says(p, true)
		s.says(p, false) // it lost it, too
		s.eng.Disconnected()
		time.Sleep(19 * time.Second)
		if got := ended(); got != 0 {
			t.Fatalf("the fetch stopped after %v though the server is away for all", got)
		}
		time.Sleep(time.Second)
		if got := ended(); got != 20*time.Second {
			t.Errorf("the fetch stopped after %v, want the lease's 20 s", got)
		}
	})
}

func TestOrphanStopsSoonAfterAPeerHasASocketAgain(t *testing.T) {
	onOrphan(t, func(s *stand, p *peer, ended func() time.Duration) {
		s.eng.Disconnected()
		time.Sleep(5 * time.Second)
		s.says(p, true)
		time.Sleep(time.Second)
		if got := ended(); got < 5*time.Second || got > 6*time.Second {
			t.Errorf("the fetch stopped after %v, want between 5 and 6 s", got)
		}
	})
}

func TestLeaseThatStillRunsIsAnnouncedToANewSession(t *testing.T) {
	onOrphan(t, func(s *stand, p *peer, ended func() time.Duration) {
		s.eng.Disconnected()
		time.Sleep(5 * time.Second)
		s.eng.Connected(wire.Welcome{Epoch: 2, Site: "shop"})
		synctest.Wait()
		if got := ended(); got != 0 {
			t.Fatalf("the fetch stopped after %v, want it to go on", got)
		}
		states := s.lastProgress().Leases
		if len(states) != 1 || states[0].Epoch != 1 || states[0].Range == nil || states[0].Range.To != 2_000_000 || states[0].Range.Body {
			t.Fatalf("announced %+v, want the lease of epoch 1 with its range", states)
		}
		s.eng.Heard(wire.KindRevoke, &wire.Revoke{Epoch: 1, Lease: states[0].Lease})
		if got := ended(); got != 5*time.Second {
			t.Errorf("the fetch stopped after %v, want at once when it was revoked", got)
		}
	})
}

func TestPeersAreToldOfTheSocket(t *testing.T) {
	onOrphan(t, func(s *stand, p *peer, _ func() time.Duration) {
		s.eng.Disconnected()
		s.eng.Connected(wire.Welcome{Epoch: 1, Site: "shop", Resumed: true})
		synctest.Wait()
		if got := p.uplinks(); len(got) != 3 || !got[0] || got[1] || !got[2] {
			t.Errorf("told %v, want that there is one, none, one again", got)
		}
	})
}

func TestRateHoldsUntilANewSessionSaysOtherwise(t *testing.T) {
	onOrphan(t, func(s *stand, p *peer, _ func() time.Duration) {
		s.eng.Heard(wire.KindGovern, &wire.Govern{Epoch: 1, Term: 1, Holder: "self", Bound: 1000})
		s.eng.Disconnected()
		s.eng.Connected(wire.Welcome{Epoch: 2, Site: "shop"})
		synctest.Wait()
		if s.rate != 1000 {
			t.Errorf("rate is %d while a fetch goes on, want the 1000 granted", s.rate)
		}
	})
}
