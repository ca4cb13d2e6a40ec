//go:build unix

package rtc_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLinkLoopback moves bulk frames over one link on loopback; cpu-ms/MB
// is the CPU time of both ends together.
func BenchmarkLinkLoopback(b *testing.B) {
	server := newServer()
	x, y := newEnd(b, server, nil, "127.0.0.1:0"), newEnd(b, server, nil, "127.0.0.1:0")
	time.Sleep(50 * time.Millisecond)
	x.Dial(y.id, 1)
	l := up(b, x, soon)
	up(b, y, soon)
	payload := make([]byte, wire.MaxDataBytes)
	b.SetBytes(int64(len(payload)))
	b.ResetTimer()
	before := cpu()
	for range b.N {
		if err := l.SendBulk(b.Context(), wire.Frame{Kind: wire.FrameData, Payload: payload}); err != nil {
			b.Fatal(err)
		}
	}
	for y.received.Load() < int64(b.N)*int64(len(payload)) {
		time.Sleep(time.Millisecond)
	}
	b.StopTimer()
	spent := cpu() - before
	b.ReportMetric(float64(spent.Microseconds())/1000/(float64(b.N)*float64(len(payload))/1e6), "cpu-ms/MB")
}
