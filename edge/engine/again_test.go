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

// A server with many endpoints hears of what each got from others only so often.
func TestReportsComeAsOftenAsTheServerWants(t *testing.T) {
	for every, want := range map[time.Duration]int{0: 5, 2 * time.Second: 3, wire.MaxReportInterval: 1} {
		synctest.Test(t, func(t *testing.T) {
			s := newStand(t)
			defer s.stop()
			s.want(s.flow)
			s.leaseBody()
			s.eng.Heard(wire.KindFlows, &wire.Flows{Generation: s.flow.Generation, IDs: []content.VersionID{s.flow.ID}, ReportMs: every.Milliseconds()})
			time.Sleep(wire.MaxReportInterval + 100*time.Millisecond) // so that the next may be said at once
			p := s.link("a")
			s.joinsOf(p, s.flow)
			before := len(sentToServer[wire.Progress](s))
			for i := range uint32(17) { // 4 s
				s.giveOf(p, s.flow, i)
				time.Sleep(250 * time.Millisecond)
			}
			if got := len(sentToServer[wire.Progress](s)) - before; got != want {
				t.Errorf("with reports every %v it said %d times in 4 s what it got, want %d", every, got, want)
			}
		})
	}
}
