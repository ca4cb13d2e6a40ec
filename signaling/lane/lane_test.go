package lane_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/lane"
)

func TestNoMoreEnterThanThereAreProcessors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lane.New()
		var inside, most, done atomic.Int64
		const all = 100
		for range all {
			go func() {
				l.Enter()
				defer l.Leave()
				if n := inside.Add(1); n > most.Load() {
					most.Store(n)
				}
				time.Sleep(time.Second) // others run meanwhile
				inside.Add(-1)
				done.Add(1)
			}()
		}
		time.Sleep(all * time.Second)
		if done.Load() != all || most.Load() != int64(runtime.GOMAXPROCS(0)) {
			t.Errorf("%d were done, at most %d at a time; want %d, %d at a time", done.Load(), most.Load(), all, runtime.GOMAXPROCS(0))
		}
	})
}

func TestWithoutALaneNobodyWaits(t *testing.T) {
	for _, l := range []*lane.Lane{nil, new(lane.Lane)} {
		for range 1000 {
			l.Enter()
		}
		l.Leave()
	}
}
