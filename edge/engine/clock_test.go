package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/cache"
	"github.com/sitecast/sitecast/signaling/wire"
)

const year = 365 * 24 * time.Hour

// A till whose battery died starts in another year, and may be without a server for
// hours. What its clock said until then must not make anything look old.
func TestWrongClockBeforeTheServerIsHeardExpiresNothing(t *testing.T) {
	for name, wrong := range map[string]time.Duration{"a year behind": -year, "a year ahead": year} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t)
				defer func() { s.stop() }()
				s.onDisk(50_000_000, cache.Policy{Idle: 24 * time.Hour, Age: 48 * time.Hour})
				s.deliver(1)
				flow := s.deliver(2)
				s.stop()
				s.wrong.Store(int64(wrong))
				s.begin()
				time.Sleep(3 * time.Hour)
				synctest.Wait()
				s.wrong.Store(0)
				s.eng.Connected(wire.Welcome{Epoch: 1, Site: "shop"})
				s.want(flow)
				time.Sleep(time.Hour)
				synctest.Wait()
				s.wantDelivered("1", "2")
				time.Sleep(24 * time.Hour)
				synctest.Wait()
				s.wantDelivered("2")
			})
		})
	}
}

// Whatever the time seems to be while the socket is away, nothing goes by it, and the
// next lease is fetched.
func TestClockThatJumpsWhileTheSocketIsAwayExpiresNothing(t *testing.T) {
	for name, wrong := range map[string]time.Duration{"a year back": -year, "a year ahead": year} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t)
				defer func() { s.stop() }()
				s.onDisk(50_000_000, cache.Policy{Idle: 24 * time.Hour})
				s.deliver(1)
				flow := s.deliver(2)
				s.eng.Disconnected()
				s.wrong.Store(int64(wrong))
				time.Sleep(time.Hour)
				synctest.Wait()
				s.wantDelivered("1", "2")
				s.wrong.Store(0)
				s.eng.Connected(wire.Welcome{Epoch: 1, Site: "shop"})
				s.want(flow)
				time.Sleep(time.Hour)
				synctest.Wait()
				s.wantDelivered("1", "2")
				s.leaseOf(flow, 5000, 0, 20)
				if p := s.lastProgress(); !p.Complete || p.Code != "" {
					t.Errorf("progress %+v, want it complete", p)
				}
			})
		})
	}
}
