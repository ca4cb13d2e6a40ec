package rtc_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/rtc"
	"github.com/sitecast/sitecast/signaling/wire"
)

// cycleFrames of the largest kind is what each end sends in a cycle.
const cycleFrames = 2

// couple is two ends, and the link that each has.
type couple struct {
	a, b   *end
	la, lb *rtc.Link
}

// cycle makes a link between the ends of each couple, moves bytes both ways and
// ends it; the ends take turns in dialling and hanging up.
func cycle(tb testing.TB, n int, all ...*couple) {
	tb.Helper()
	for _, c := range all {
		c.a.Dial(c.b.id, 1)
	}
	want := int64(n) * cycleFrames * wire.MaxDataBytes
	payload := make([]byte, wire.MaxDataBytes)
	for _, c := range all {
		c.la, c.lb = up(tb, c.a, soon), up(tb, c.b, soon)
		for range cycleFrames {
			errA := c.la.SendBulk(tb.Context(), wire.Frame{Kind: wire.FrameData, Payload: payload})
			errB := c.lb.SendBulk(tb.Context(), wire.Frame{Kind: wire.FrameData, Payload: payload})
			if errA != nil || errB != nil {
				tb.Fatal(errA, errB)
			}
		}
	}
	for _, c := range all {
		for begin := time.Now(); c.a.received.Load() < want || c.b.received.Load() < want; time.Sleep(time.Millisecond) {
			if time.Since(begin) > soon {
				tb.Fatalf("cycle %d: %d and %d bytes are missing", n, want-c.a.received.Load(), want-c.b.received.Load())
			}
		}
		c.a.HangUp(c.b.id)
	}
	for _, c := range all {
		down(tb, c.a, soon)
		down(tb, c.b, soon)
		c.a, c.b = c.b, c.a
	}
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
	const warm, cycles = 5, 40
	// The identifier of each offer is remembered, some hundred bytes; a connection
	// that is never let go is a hundred thousand.
	const mostPerCycle = 4 << 10
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pair(t)
		n.server.forget = true
		c, done := &couple{a: a, b: b}, 0
		run := func(cycles int) ([]string, int64) {
			for range cycles {
				done++
				cycle(t, done, c)
				time.Sleep(time.Second) // a peer takes so many offers of another
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

// Attempts end anywhere: before the offer arrived, while channels open, right after.
// A goroutine of pion that waited for a channel to open, and missed the end of the
// connection, would stay for ever (pion/webrtc issue 2098).
func TestAttemptsThatEndHalfwayLeaveNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pair(t)
		n.server.forget = true
		cycle(t, 1, &couple{a: a, b: b})
		time.Sleep(time.Minute)
		synctest.Wait()
		before := stacks()
		ups := 0
		for after := time.Duration(0); after < 240*time.Millisecond; after += 6 * time.Millisecond {
			a.Dial(b.id, 1)
			time.Sleep(after)
			a.HangUp(b.id)
			time.Sleep(30 * time.Second) // the other side may wait for as long as an attempt takes
			for _, e := range []*end{a, b} {
				for ; len(e.ups) > 0; ups++ {
					<-e.ups
				}
				for len(e.falls) > 0 {
					<-e.falls
				}
			}
			a, b = b, a
		}
		if ups == 0 {
			t.Error("no attempt came as far as a link: wait longer")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if after := stacks(); len(after) > len(before) {
			t.Errorf("%d goroutines after attempts that ended halfway, %d before:\n%s", len(after), len(before), strings.Join(after, "\n\n"))
		}
		cycle(t, 2, &couple{a: a, b: b}) // and links are made as before
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

// BenchmarkLinkCycles makes and ends links on loopback, between eight couples of
// ends at a time, because most of a link's beginning is waiting. It tells what is
// left behind after the first hundred, five hundred and thousand: goroutines, live heap
// and descriptors. Run it with -benchtime 1000x.
func BenchmarkLinkCycles(b *testing.B) {
	server := newServer()
	server.forget = true
	var all []*couple
	for range 8 {
		all = append(all, &couple{a: newEnd(b, server, nil, "127.0.0.1:0"), b: newEnd(b, server, nil, "127.0.0.1:0")})
	}
	time.Sleep(50 * time.Millisecond)
	n := 0
	for _, mark := range []int{104, 504, 1000} {
		for ; n < min(mark, b.N); n += len(all) {
			cycle(b, n/len(all)+1, all...)
		}
		if n < mark {
			return
		}
		b.StopTimer()
		time.Sleep(2 * time.Second) // pion's timers of closed connections
		left := fmt.Sprintf("@%d", n)
		b.ReportMetric(float64(runtime.NumGoroutine()), "goroutines"+left)
		b.ReportMetric(float64(liveHeap())/1e6, "heap-MB"+left)
		b.ReportMetric(descriptors(b), "descriptors"+left)
		b.StartTimer()
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
