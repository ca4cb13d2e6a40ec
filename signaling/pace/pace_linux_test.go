package pace_test

import (
	"fmt"
	"math"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sitecast/sitecast/signaling/pace"
	"github.com/sitecast/sitecast/signaling/wire"
)

// unpaced is what the kernel says of a connection without a pace.
const unpaced = math.MaxUint64

// loopback is the serving end of a TCP connection: only the kernel knows pacing.
func loopback(t *testing.T) *net.TCPConn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = near.Close()
		_ = far.Close()
	})
	return near.(*net.TCPConn)
}

// rate asks the kernel for a connection's pace.
func rate(t *testing.T, conn *net.TCPConn) (bytesPerSecond uint64) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		bytesPerSecond, failed = unix.GetsockoptUint64(int(fd), unix.SOL_SOCKET, unix.SO_MAX_PACING_RATE)
	}); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return bytesPerSecond
}

func wantRate(t *testing.T, conn *net.TCPConn, want uint64, when string) {
	t.Helper()
	if got := rate(t, conn); got != want {
		t.Errorf("%s: the kernel paces at %d bytes a second, want %d", when, got, want)
	}
}

func TestKernelPacesAtTheRateAskedFor(t *testing.T) {
	var p pace.Pacer
	conn := loopback(t)
	paced, end := begin(&p, wrapped(conn), key+" 250000")
	if !paced {
		t.Fatal("the answer does not say that it is paced")
	}
	wantRate(t, conn, 250_000, "at first")
	p.Set(&wire.Pace{Key: key, BytesPerSecond: 80_000})
	wantRate(t, conn, 80_000, "changed")
	p.Set(&wire.Pace{Key: strings.Repeat("b", wire.PaceKeyBytes), BytesPerSecond: 700_000})
	wantRate(t, conn, 80_000, "after an unknown key")
	p.Set(&wire.Pace{Key: key, BytesPerSecond: 1})
	wantRate(t, conn, 32<<10, "almost stopped: the rest is for whoever writes")
	p.Set(&wire.Pace{Key: key, BytesPerSecond: wire.Unlimited})
	wantRate(t, conn, unpaced, "lifted")
	p.Set(&wire.Pace{Key: key, BytesPerSecond: 90_000})
	end()
	p.Set(&wire.Pace{Key: key, BytesPerSecond: 70_000})
	wantRate(t, conn, 90_000, "of an answer that ended")
}

func TestRequestWithoutAWishLiftsAnEarlierPace(t *testing.T) {
	for name, asks := range map[string]string{
		"no header":      "",
		"short key":      key[1:] + " 500000",
		"long key":       key + "a 500000",
		"no rate":        key,
		"negative rate":  key + " -1",
		"not a number":   key + " fast",
		"other way":      "500000 " + key,
		"too large rate": key + " 99999999999999999999",
		"not hex":        strings.Repeat("z", wire.PaceKeyBytes) + " 500000",
		"trailing":       key + " 500000 500000",
		"other word":     key + " 500000 loss",
		"only lossy":     key + " lossy",
	} {
		t.Run(name, func(t *testing.T) {
			var p pace.Pacer
			conn := loopback(t)
			_, end := begin(&p, conn, key+" 500000")
			end()
			wantRate(t, conn, 500_000, "before")
			paced, end := begin(&p, conn, asks)
			defer end()
			if paced {
				t.Error("the answer says that it is paced")
			}
			wantRate(t, conn, unpaced, "after")
		})
	}
}

func TestKeyServesOneAnswerAtATime(t *testing.T) {
	var p pace.Pacer
	mine, other := loopback(t), loopback(t)
	_, end := begin(&p, mine, key+" 500000")
	paced, endOther := begin(&p, other, key+" 900000")
	if paced {
		t.Error("a key was taken twice")
	}
	endOther()
	_, end2 := begin(&p, other, strings.Repeat("c", wire.PaceKeyBytes)+" 900000")
	end2()
	if paced, _ := begin(&p, other, key+" 900000"); paced {
		t.Error("a key was taken twice")
	}
	p.Set(&wire.Pace{Key: key, BytesPerSecond: 600_000})
	wantRate(t, mine, 600_000, "first")
	wantRate(t, other, unpaced, "second")
	end()
	if paced, end = begin(&p, other, key+" 900000"); !paced {
		t.Error("a key of an answer that ended can't be used again")
	}
	end()
}

func TestAnswersBeyondTheLimitAreNotPaced(t *testing.T) {
	var p pace.Pacer
	conn := loopback(t)
	var ends []func()
	for i := range pace.MaxPaced {
		paced, end := begin(&p, conn, fmt.Sprintf("%032x 500000", i))
		if !paced {
			t.Fatalf("answer %d is not paced", i)
		}
		ends = append(ends, end)
	}
	late := loopback(t)
	asks := fmt.Sprintf("%032x 500000", pace.MaxPaced)
	if paced, _ := begin(&p, late, asks); paced {
		t.Error("one more answer is paced")
	}
	ends[0]()
	if paced, _ := begin(&p, late, asks); !paced {
		t.Error("an answer is not paced though another ended")
	}
}

// A pace that grows makes the sender look for its window anew, and leaves it CUBIC.
func TestAPaceThatGrowsLeavesTheSenderAsItWas(t *testing.T) {
	var p pace.Pacer
	conn := loopback(t)
	_, end := begin(&p, wrapped(conn), key+" 50000")
	defer end()
	p.Set(&wire.Pace{Key: key, BytesPerSecond: 5_000_000})
	wantRate(t, conn, 5_000_000, "a hundred times as fast")
	wantSender(t, conn, "cubic")
}

func wantSender(t *testing.T, conn *net.TCPConn, want string) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var name string
	var failed error
	if err := raw.Control(func(fd uintptr) {
		name, failed = unix.GetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION)
	}); err != nil || failed != nil || name != want {
		t.Errorf("the sender is %q, %v, %v, want %s", name, err, failed, want)
	}
}

// Where the kernel has BBR, it sends over a line that loses packets by itself for as long
// as the asker says so.
func TestLossyLineIsSentToByBBR(t *testing.T) {
	available, err := os.ReadFile("/proc/sys/net/ipv4/tcp_allowed_congestion_control")
	if err != nil || !strings.Contains(string(available), "bbr") {
		t.Skip("no BBR here:", err)
	}
	var p pace.Pacer
	conn := loopback(t)
	paced, end := begin(&p, wrapped(conn), key+" 250000 lossy")
	if !paced {
		t.Fatal("the answer does not say that it is paced")
	}
	wantRate(t, conn, 250_000, "asked for")
	wantSender(t, conn, "bbr")
	for _, c := range []struct {
		pace wire.Pace
		want string
	}{
		{wire.Pace{BytesPerSecond: 1_000_000, Lossy: true}, "bbr"},
		{wire.Pace{BytesPerSecond: 1_000_000}, "cubic"},
		{wire.Pace{BytesPerSecond: 8_000_000}, "cubic"},
		{wire.Pace{BytesPerSecond: 9_000_000, Lossy: true}, "bbr"},
		{wire.Pace{BytesPerSecond: wire.Unlimited, Lossy: true}, "bbr"},
	} {
		c.pace.Key = key
		p.Set(&c.pace)
		wantSender(t, conn, c.want)
	}
	end()
	_, end = begin(&p, wrapped(conn), key+" 250000")
	defer end()
	wantSender(t, conn, "cubic")
}
