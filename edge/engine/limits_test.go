package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/cache"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

func TestTheStoreKeepsToWhatOperatorsSetWhereThatIsStricter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.onDisk(50_000_000, cache.Policy{Idle: time.Hour})
		s.deliver(1)
		flow := s.deliver(2)
		limited := func(ms int64) {
			s.eng.Heard(wire.KindFlows, &wire.Flows{Generation: flow.Generation, IDs: []content.VersionID{flow.ID},
				Limits: wire.Limits{CacheQuota: 30_000_000, CacheIdleMs: ms}})
			synctest.Wait()
		}
		limited((24 * time.Hour).Milliseconds())
		if got := s.cacheStatus().Policy; got.Idle != "1h0m0s" || got.Quota.Bytes != 30_000_000 {
			t.Errorf("the policy is %+v, want this computer's time and the operators' quota", got)
		}
		limited((10 * time.Minute).Milliseconds())
		time.Sleep(5 * time.Minute)
		s.wantDelivered("1", "2")
		time.Sleep(10 * time.Minute)
		s.wantDelivered("2")
		s.eng.Heard(wire.KindFlows, &wire.Flows{Generation: flow.Generation, IDs: []content.VersionID{flow.ID}})
		synctest.Wait()
		if got := s.cacheStatus().Policy; got.Idle != "1h0m0s" || got.Quota.Bytes != 0 {
			t.Errorf("without limits the policy is %+v, want this computer's", got)
		}
	})
}
