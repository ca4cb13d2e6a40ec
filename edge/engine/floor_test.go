package engine

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestALowerClassHasATwentiethBesideHigherOnes has fetches of random classes and chunks on
// one line. As the README says, the highest gets the line, but each lower one gets a
// twentieth of what those above it get; and when the highest ends, the next has the line.
func TestALowerClassHasATwentiethBesideHigherOnes(t *testing.T) {
	const rate, span = 1_000_000, 60 * time.Second
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(*testing.T) {
			g, line := newGate(), make(chan struct{}, 1)
			var wg sync.WaitGroup
			var mu sync.Mutex
			classes := rapid.SampledFrom([][]int32{{0, 1}, {0, 2}, {1, 2}, {0, 1, 2}}).Draw(rt, "classes")
			got, chunk, stops := make([]int64, len(classes)), make([]int64, len(classes)), make([]context.CancelFunc, len(classes))
			for i, class := range classes {
				chunk[i] = rapid.Int64Range(1<<10, 256<<10).Draw(rt, "chunk")
				l := &lease{}
				l.class.Store(class)
				ctx, stop := context.WithCancel(context.Background())
				stops[i] = stop
				wg.Go(func() {
					g.enter(l)
					defer g.leave(l)
					for g.take(ctx, l, chunk[i]) == nil && ctx.Err() == nil {
						line <- struct{}{}
						time.Sleep(time.Duration(chunk[i]) * time.Second / rate)
						<-line
						mu.Lock()
						got[i] += chunk[i]
						mu.Unlock()
					}
				})
			}
			// measure returns what each got in a while.
			measure := func() []int64 {
				mu.Lock()
				before := append([]int64(nil), got...)
				mu.Unlock()
				time.Sleep(span)
				mu.Lock()
				defer mu.Unlock()
				for i := range before {
					before[i] = got[i] - before[i]
				}
				return before
			}
			for first := range classes {
				above, slack := int64(0), int64(4*(256<<10)+maxCredit)
				for i, n := range measure()[first:] {
					switch {
					case i == 0 && n < rate*int64(span.Seconds())*8/10-slack:
						rt.Errorf("the highest of %v got %d bytes of the line", classes[first:], n)
					case i > 0 && (n < above/22-slack || n > above/18+slack):
						rt.Errorf("class %d got %d bytes beside %d of higher ones, want a twentieth", classes[first+i], n, above)
					}
					above += n
				}
				stops[first]()
				synctest.Wait()
			}
			wg.Wait()
		})
	})
}
