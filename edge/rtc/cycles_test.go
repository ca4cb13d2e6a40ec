package rtc_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// cycleFrames of the largest kind is what each end sends in a cycle.
const cycleFrames = 2

// cycle makes a link between a and b, moves bytes both ways and ends it; each end
// hangs up every second time.
func cycle(tb testing.TB, n int, a, b *end) {
	tb.Helper()
	a.Dial(b.id, 1)
	la, lb := up(tb, a, soon), up(tb, b, soon)
	payload := make([]byte, wire.MaxDataBytes)
	wantA, wantB := a.received.Load()+cycleFrames*wire.MaxDataBytes, b.received.Load()+cycleFrames*wire.MaxDataBytes
	for range cycleFrames {
		errA := la.SendBulk(tb.Context(), wire.Frame{Kind: wire.FrameData, Payload: payload})
		errB := lb.SendBulk(tb.Context(), wire.Frame{Kind: wire.FrameData, Payload: payload})
		if errA != nil || errB != nil {
			tb.Fatal(errA, errB)
		}
	}
	for begin := time.Now(); a.received.Load() < wantA || b.received.Load() < wantB; time.Sleep(time.Millisecond) {
		if time.Since(begin) > soon {
			tb.Fatalf("cycle %d: %d and %d bytes are missing", n, wantA-a.received.Load(), wantB-b.received.Load())
		}
	}
	if n%2 == 0 {
		a, b = b, a
	}
	a.HangUp(b.id)
	down(tb, a, soon)
	down(tb, b, soon)
}

// liveHeap is what is reachable, in bytes.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC() // what the first one's finalizers let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestLinkCyclesLeaveNothingBehind(t *testing.T) {
	const warm, cycles = 5, 50
	// The identifier of each offer is remembered, some hundred bytes; a connection
	// that is never let go is a hundred thousand.
	const mostPerCycle = 4 << 10
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pair(t)
		n.server.forget = true
		run := func(cycles int) ([]string, int64) {
			for i := range cycles {
				cycle(t, i, a, b)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			return stacks(), liveHeap()
		}
		before, heap := run(warm)
		after, grown := run(cycles)
		if len(after) > len(before) {
			t.Errorf("%d goroutines after %d links, %d before:\n%s", len(after), cycles, len(before), strings.Join(after, "\n\n"))
		}
		t.Logf("the live heap went from %d to %d bytes", heap, grown)
		if each := (grown - heap) / cycles; each > mostPerCycle {
			t.Errorf("each link leaves %d bytes, want at most %d", each, mostPerCycle)
		}
	})
}

// stacks lists the goroutines of this bubble.
func stacks() []string {
	buf := make([]byte, 1<<20)
	var out []string
	for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if head, _, _ := strings.Cut(g, "\n"); strings.Contains(head, "synctest bubble") {
			out = append(out, g)
		}
	}
	return out
}

// BenchmarkLinkCycles makes and ends links between two ends on loopback, and tells
// what is left behind after the tenth, the hundredth and so on: goroutines, live
// heap and descriptors. Run it with -benchtime 1000x.
func BenchmarkLinkCycles(b *testing.B) {
	server := newServer()
	server.forget = true
	x, y := newEnd(b, server, nil, "127.0.0.1:0"), newEnd(b, server, nil, "127.0.0.1:0")
	time.Sleep(50 * time.Millisecond)
	for n := 1; n <= b.N; n++ {
		cycle(b, n, x, y)
		if n == 10 || n == 100 || n == 500 || n == b.N {
			b.StopTimer()
			time.Sleep(2 * time.Second) // pion's timers of closed connections
			left := fmt.Sprintf("@%d", n)
			b.ReportMetric(float64(runtime.NumGoroutine()), "goroutines"+left)
			b.ReportMetric(float64(liveHeap())/1e6, "heap-MB"+left)
			b.ReportMetric(descriptors(b), "descriptors"+left)
			b.StartTimer()
		}
	}
}

// descriptors is how many this process has open, the one that counts them aside.
func descriptors(b *testing.B) float64 {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		b.Skip("this system does not tell:", err)
	}
	return float64(len(entries) - 1)
}
