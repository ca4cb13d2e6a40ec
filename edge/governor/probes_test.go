package governor_test

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v4"

	"github.com/sitecast/sitecast/edge/governor"
	"github.com/sitecast/sitecast/signaling/wire"
)

// air carries probes to reflectors in memory: a net.PacketConn that answers itself.
type air struct {
	in     chan datagram
	closed chan struct{}
	once   sync.Once

	// mu guards the rest.
	mu    sync.Mutex
	rtt   map[string]time.Duration // of reflectors that answer, by address
	asked map[string]int
	loses int                          // one in so many probes; 0 for none
	alter func(m *stun.Message) []byte // what comes back instead of the answer
}

type datagram struct {
	from net.Addr
	data []byte
	err  error
}

func newAir(rtt map[string]time.Duration) *air {
	return &air{in: make(chan datagram, 1024), closed: make(chan struct{}), rtt: rtt, asked: map[string]int{}}
}

func (a *air) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-a.in:
		return copy(b, d.data), d.from, d.err
	case <-a.closed:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo answers after the reflector's round trip, as RFC 8489 has it.
func (a *air) WriteTo(b []byte, to net.Addr) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	name := to.String()
	a.asked[name]++
	rtt, answers := a.rtt[name]
	m := &stun.Message{Raw: append([]byte(nil), b...)}
	if err := m.Decode(); err != nil || m.Type != stun.BindingRequest || !answers || a.loses > 0 && a.asked[name]%a.loses == 0 {
		return len(b), nil
	}
	back := stun.MustBuild(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess,
		&stun.XORMappedAddress{IP: net.IPv4(192, 0, 2, 9), Port: 40_000}).Raw
	if a.alter != nil {
		back = a.alter(m)
	}
	time.AfterFunc(rtt, func() { a.put(datagram{from: to, data: back}) })
	return len(b), nil
}

func (a *air) put(d datagram) {
	select {
	case <-a.closed:
	case a.in <- d:
	}
}

func (a *air) Close() error { a.once.Do(func() { close(a.closed) }); return nil }
func (a *air) LocalAddr() net.Addr {
	return net.UDPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.9:1"))
}
func (a *air) SetDeadline(time.Time) error      { return nil }
func (a *air) SetReadDeadline(time.Time) error  { return nil }
func (a *air) SetWriteDeadline(time.Time) error { return nil }

// set changes a round trip; 0 silences the reflector.
func (a *air) set(name string, rtt time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rtt[name] = rtt
	if rtt == 0 {
		delete(a.rtt, name)
	}
}

func (a *air) count(name string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked[name]
}

const near, far, third = "192.0.2.1:3478", "192.0.2.2:3478", "192.0.2.3:3478"

// probing probes reflectors over a.
func probing(a *air, ping func(context.Context) (time.Duration, error), names ...string) *governor.Probing {
	return governor.NewProbing(context.Background(), governor.Config{
		Listen: func() (net.PacketConn, error) { return a, nil }, Reflectors: func() []string { return names },
		Ping: ping, Log: slog.New(slog.DiscardHandler)}, nil, nil)
}

func TestReflectorInUseIsProbedTwentyTimesASecondAndOthersTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAir(map[string]time.Duration{near: 20 * time.Millisecond, far: 30 * time.Millisecond})
		p := probing(a, nil, near, far)
		defer p.Close()
		found := 0
		p.Found = func(name string, queue time.Duration) {
			found++
			if name != near || queue != 0 {
				t.Errorf("%s shows a queue of %v, want none of the first", name, queue)
			}
		}
		p.For(10 * time.Second)
		if n := a.count(near); n < 190 || n > 201 {
			t.Errorf("the reflector in use was asked %d times in 10 s, want 200", n)
		}
		if n := a.count(far); n < 18 || n > 21 {
			t.Errorf("the other was asked %d times in 10 s, want 20", n)
		}
		if found < 190 {
			t.Errorf("%d answers were of use, want all", found)
		}
		if got := p.Bases(); got[near] != 20_000 || got[far] != 30_000 {
			t.Errorf("bases are %v, want 20 and 30 ms", got)
		}
	})
}

func TestQueueIsWhatARoundTripTakesLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAir(map[string]time.Duration{near: 20 * time.Millisecond})
		p := probing(a, nil, near)
		defer p.Close()
		p.For(time.Second)
		a.set(near, 37*time.Millisecond)
		p.For(100 * time.Millisecond)
		var last time.Duration
		p.Found = func(_ string, queue time.Duration) { last = queue }
		p.For(200 * time.Millisecond)
		if last != 17*time.Millisecond {
			t.Errorf("the queue is %v, want 17 ms", last)
		}
	})
}

func TestSilentReflectorIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAir(map[string]time.Duration{near: 20 * time.Millisecond, far: 30 * time.Millisecond})
		p := probing(a, nil, near, far)
		defer p.Close()
		p.For(5 * time.Second)
		a.set(near, 0)
		p.For(500 * time.Millisecond)
		if got := p.Active(); got != near {
			t.Errorf("%s is in use after half a second of silence", got)
		}
		p.For(300 * time.Millisecond)
		if got := p.Active(); got != far {
			t.Errorf("%s is in use though it has been silent for 800 ms", got)
		}
		a.set(far, 0)
		a.set(near, 20*time.Millisecond)
		p.For(2 * time.Second)
		if got := p.Active(); got != near {
			t.Errorf("%s is in use after both changed", got)
		}
	})
}

func TestReflectorThatNeverAnswersIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAir(map[string]time.Duration{third: 30 * time.Millisecond})
		p := probing(a, nil, near, far, third)
		defer p.Close()
		p.For(time.Second)
		if got := p.Active(); got != third {
			t.Errorf("%s is in use, want the one that answers", got)
		}
	})
}

func TestReflectorThatAloneSeesAQueueIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAir(map[string]time.Duration{near: 20 * time.Millisecond, far: 30 * time.Millisecond})
		p := probing(a, nil, near, far)
		defer p.Close()
		p.For(5 * time.Second)
		a.set(near, 60*time.Millisecond)
		a.set(far, 70*time.Millisecond)
		p.For(2 * time.Second)
		if got := p.Active(); got != near {
			t.Errorf("%s is in use though both see the queue", got)
		}
		a.set(far, 30*time.Millisecond)
		p.For(1500 * time.Millisecond)
		if got := p.Active(); got != far {
			t.Errorf("%s is in use though it alone sees a queue", got)
		}
	})
}

func TestForgedAndLateRepliesAreIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAir(map[string]time.Duration{near: 20 * time.Millisecond})
		kind := 0
		a.alter = func(m *stun.Message) []byte {
			kind++
			switch kind % 5 {
			case 0: // of another transaction
				return stun.MustBuild(stun.TransactionID, stun.BindingSuccess).Raw
			case 1: // no answer
				return m.Raw
			case 2:
				return stun.MustBuild(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingError).Raw
			case 3:
				return []byte("hello")
			}
			return stun.MustBuild(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess).Raw[:19]
		}
		p := probing(a, nil, near)
		defer p.Close()
		p.Found = func(name string, queue time.Duration) { t.Errorf("%s is said to show a queue of %v", name, queue) }
		p.For(10 * time.Second)
		a.mu.Lock()
		a.alter, a.rtt[near] = nil, 4*time.Second
		a.mu.Unlock()
		p.For(10 * time.Second)
		if len(p.Bases()) != 0 {
			t.Errorf("bases are %v of a reflector that is never in time", p.Bases())
		}
		if n := p.Waiting(); n > 62 {
			t.Errorf("%d probes are waited for, want those of three seconds", n)
		}
	})
}

func TestTheSameReplyTwiceCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAir(map[string]time.Duration{near: 20 * time.Millisecond})
		a.alter = func(m *stun.Message) []byte {
			back := stun.MustBuild(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess).Raw
			time.AfterFunc(30*time.Millisecond, func() { a.put(datagram{data: back}) })
			return back
		}
		p := probing(a, nil, near)
		defer p.Close()
		p.Found = func(_ string, queue time.Duration) {
			if queue != 0 {
				t.Errorf("a second answer shows a queue of %v", queue)
			}
		}
		p.For(time.Second)
	})
}

func TestTCPIsAskedWhereUDPDoesNotPassAndOnlyThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAir(map[string]time.Duration{})
		p := probing(a, func(context.Context) (time.Duration, error) {
			time.Sleep(25 * time.Millisecond)
			return 25 * time.Millisecond, nil
		}, near)
		defer p.Close()
		p.For(2 * time.Second)
		if got := p.Active(); got != "tcp" {
			t.Fatalf("%s is in use, want TCP", got)
		}
		if got := p.Bases()["tcp"]; got != 25_000 {
			t.Errorf("its base is %d µs, want 25000", got)
		}
		a.set(near, 20*time.Millisecond)
		p.For(4 * time.Second)
		if got := p.Active(); got != near {
			t.Errorf("%s is in use though UDP passes", got)
		}
	})
}

func TestPingThatFailsIsNoRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pings := 0
		p := probing(newAir(nil), func(context.Context) (time.Duration, error) { pings++; return 0, errors.New("no socket to the server") }, near)
		defer p.Close()
		p.Found = func(name string, _ time.Duration) { t.Errorf("%s answered", name) }
		p.For(5 * time.Second)
		if pings < 9 || len(p.Bases()) != 0 {
			t.Errorf("%d pings and bases %v, want one each half second and none", pings, p.Bases())
		}
	})
}

func TestWithoutASocketForProbesTCPIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := governor.NewProbing(t.Context(), governor.Config{
			Listen: func() (net.PacketConn, error) { return nil, errors.New("no sockets") }, Reflectors: func() []string { return []string{near} },
			Ping: func(context.Context) (time.Duration, error) {
				time.Sleep(25 * time.Millisecond)
				return 25 * time.Millisecond, nil
			}, Log: slog.New(slog.DiscardHandler)}, nil, nil)
		defer p.Close()
		p.For(time.Second)
		if got := p.Bases()["tcp"]; got != 25_000 {
			t.Errorf("its base is %d µs, want 25000", got)
		}
	})
}

func TestReadThatFailsOnceEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAir(map[string]time.Duration{near: 20 * time.Millisecond})
		p := probing(a, nil, near)
		defer p.Close()
		for range 20 {
			a.put(datagram{err: errors.New("port unreachable")})
			p.For(time.Second)
		}
		found := 0
		p.Found = func(string, time.Duration) { found++ }
		p.For(time.Second)
		if found < 19 {
			t.Errorf("%d answers in a second after reads that failed, want 20", found)
		}
	})
}

func TestSocketThatOnlyFailsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAir(nil)
		for range 100 {
			a.put(datagram{err: errors.New("no network")})
		}
		p := probing(a, nil, near)
		synctest.Wait()
		if n := len(a.in); n < 80 {
			t.Errorf("%d of 100 failing reads are left, want that it stopped soon", n)
		}
		p.Close()
	})
}

func TestCloseWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := probing(newAir(nil), func(ctx context.Context) (time.Duration, error) { <-ctx.Done(); return 0, ctx.Err() }, near)
		p.For(600 * time.Millisecond)
		start := time.Now()
		p.Close() // and the bubble ends only when no goroutine is left
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

func TestEachReflectorIsProbedOnceAndNotTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAir(nil)
		p := governor.NewProbing(t.Context(), governor.Config{Listen: func() (net.PacketConn, error) { return a, nil },
			Reflectors: func() []string { return []string{near, near, "no address", "192.0.2.8"} }, Log: slog.New(slog.DiscardHandler)},
			[]string{near, far, "192.0.2.10:1", "192.0.2.11:1", "192.0.2.12:1", "192.0.2.13:1", "192.0.2.14:1", "192.0.2.15:1"}, nil)
		defer p.Close()
		p.For(70 * time.Millisecond)
		if n := a.count(near); n != 1 {
			t.Errorf("a reflector that is named three times was asked %d times at once", n)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.asked) > wire.MaxReflectors || len(a.asked) < 5 {
			t.Errorf("%d reflectors were asked, want at most %d", len(a.asked), wire.MaxReflectors)
		}
	})
}

func TestTimeThatAProbeLayWithTheReflectorIsNoQueue(t *testing.T) {
	for _, c := range []struct {
		name string
		lay  []byte // microseconds, as the answer has it
		want time.Duration
		none bool // nothing is found
	}{
		{"what it says is taken off", binary.BigEndian.AppendUint32(nil, 50_000), 0, false},
		{"what it does not say is a queue", nil, 50 * time.Millisecond, false},
		{"half a number is none", []byte{0, 1}, 50 * time.Millisecond, false},
		{"longer than the probe was away is refused", binary.BigEndian.AppendUint32(nil, 900_000), 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAir(map[string]time.Duration{near: 40 * time.Millisecond})
				p := probing(a, nil, near)
				defer p.Close()
				p.For(time.Second)
				a.mu.Lock()
				a.rtt[near] += 50 * time.Millisecond // a busy server
				a.alter = func(m *stun.Message) []byte {
					answer := stun.MustBuild(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess)
					if c.lay != nil {
						answer.Add(wire.AttrLay, c.lay)
					}
					return answer.Raw
				}
				a.mu.Unlock()
				p.For(100 * time.Millisecond) // the last of before come back
				found := 0
				p.Found = func(_ string, queue time.Duration) {
					if found++; queue != c.want {
						t.Errorf("a queue of %v, want %v", queue, c.want)
					}
				}
				p.For(time.Second)
				if (found == 0) != c.none {
					t.Errorf("found %d queues, want none: %v", found, c.none)
				}
			})
		})
	}
}
