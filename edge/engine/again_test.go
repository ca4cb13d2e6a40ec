package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// The server forgets what endpoints hold of a flow that it withdraws.
func TestFlowOrderedAgainReportsAllThatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 10)
		time.Sleep(2 * time.Second)
		s.eng.Heard(wire.KindFlows, &wire.Flows{Generation: 2})
		synctest.Wait()
		s.mu.Lock()
		s.sent = nil
		s.mu.Unlock()
		again := s.flow
		again.Generation = 3
		s.want(again)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		have := content.NewBitmap(20)
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, m := range s.sent {
			if p, ok := m.(wire.Progress); ok {
				for _, part := range p.Have {
					have.Patch(part.From, part.Bits)
				}
			}
		}
		if have.Count() != 10 {
			t.Errorf("reported %d chunks, want the 10 that are held", have.Count())
		}
	})
}
