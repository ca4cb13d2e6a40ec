package host_test

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/edge/host"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watched is a host whose addresses are what a test says.
type watched struct {
	mu   sync.Mutex
	now  []netip.Addr
	seen []host.Change
}

func (w *watched) list() []netip.Addr {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *watched) told(c host.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, c)
}

// becomes gives the host other addresses, and returns what is told within a look.
func (w *watched) becomes(addresses ...string) []host.Change {
	w.mu.Lock()
	w.now, w.seen = nil, nil
	for _, a := range addresses {
		w.now = append(w.now, netip.MustParseAddr(a))
	}
	w.mu.Unlock()
	time.Sleep(2*time.Second + time.Millisecond)
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

// run watches until end is called.
func (w *watched) run(t *testing.T) (end func()) {
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = host.NewWatch(w.list, nil).Run(ctx, w.told) })
	synctest.Wait()
	return func() {
		stop()
		wg.Wait()
	}
}

func TestChangesOfAddressesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{now: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}
		defer w.run(t)()
		for _, c := range []struct {
			now  []string
			told bool
			gone string
		}{
			{[]string{"10.0.0.1"}, false, ""},
			{[]string{"10.0.0.1", "fd00::1"}, true, ""},
			{[]string{"fd00::1", "10.0.0.1"}, false, ""},
			{[]string{"fd00::1"}, true, "10.0.0.1"},
			{nil, false, ""}, // there is nothing to move to
			{nil, false, ""},
			{[]string{"fd00::1"}, true, ""}, // what waits may go on
			{nil, false, ""},
			{[]string{"10.0.0.7"}, true, "fd00::1"},
		} {
			seen := w.becomes(c.now...)
			seen = slices.DeleteFunc(seen, func(c host.Change) bool { return c.Again })
			if len(seen) > 1 || (len(seen) == 1) != c.told {
				t.Errorf("now %v: told %+v, want something: %v", c.now, seen, c.told)
				continue
			}
			if !c.told {
				continue
			}
			want := []netip.Addr(nil)
			if c.gone != "" {
				want = append(want, netip.MustParseAddr(c.gone))
			}
			if !slices.Equal(seen[0].Gone, want) || seen[0].Away {
				t.Errorf("now %v: told %+v, want %q gone", c.now, seen[0], c.gone)
			}
		}
	})
}

// A program that stood still finds others gone: the tick that is due comes late.
func TestAHostThatStoodStillIsAway(t *testing.T) {
	for _, c := range []struct {
		still time.Duration
		away  bool
	}{{10 * time.Second, false}, {16 * time.Second, true}} {
		synctest.Test(t, func(t *testing.T) {
			w := &watched{now: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}
			looks := 0
			list := func() []netip.Addr {
				if looks++; looks == 2 { // the watch itself is what stands still
					time.Sleep(c.still)
				}
				return w.list()
			}
			ctx, stop := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() { _ = host.NewWatch(list, nil).Run(ctx, w.told) })
			time.Sleep(4*time.Second + c.still)
			stop()
			wg.Wait()
			if away := len(w.seen) > 0 && w.seen[0].Away; away != c.away {
				t.Errorf("after %v: told %+v, want away %v", c.still, w.seen, c.away)
			}
		})
	}
}

func TestAChangeEndsWhatWasOpenedFromAnAddressThatHasGone(t *testing.T) {
	c := host.Change{Gone: []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fd00::1")}}
	for at, ends := range map[string]bool{"10.0.0.1:9": true, "[::ffff:10.0.0.1]:9": true, "[fd00::1]:9": true, "10.0.0.2:9": false} {
		addr := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(at))
		if got := c.Ends(addr); got != ends {
			t.Errorf("%s: %v, want %v", at, got, ends)
		}
		if !(host.Change{Away: true}).Ends(addr) {
			t.Errorf("%s outlives a long sleep", at)
		}
	}
	near, far := net.Pipe() // a socket through a tunnel has no address
	defer func() { _, _ = near.Close(), far.Close() }()
	if c.Ends(near.LocalAddr()) {
		t.Error("what has no address ends")
	}
}

func TestRoutableAddressesAreThoseForOthersThanNeighbours(t *testing.T) {
	var list []net.Addr
	for _, text := range []string{"127.0.0.1/8", "10.0.0.1/24", "169.254.1.1/16", "::1/128", "fe80::1/64", "fd00::1/64", "2001:db8::1/64"} {
		ip, prefix, err := net.ParseCIDR(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, &net.IPNet{IP: ip, Mask: prefix.Mask})
	}
	var got []string
	for _, a := range host.Routable(list) {
		got = append(got, a.String())
	}
	if want := []string{"10.0.0.1", "fd00::1", "2001:db8::1"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Routes follow addresses: what is begun at once may begin by the way that is gone.
func TestAChangeIsToldAgainWhileTheNetworkSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{now: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}
		defer w.run(t)()
		w.becomes("10.0.0.7")
		time.Sleep(time.Minute)
		w.mu.Lock()
		defer w.mu.Unlock()
		gone := []netip.Addr{netip.MustParseAddr("10.0.0.1")}
		if len(w.seen) != 5 || w.seen[0].Again || !w.seen[4].Again || !slices.Equal(w.seen[4].Gone, gone) {
			t.Errorf("told %+v, want once, and again for ten seconds", w.seen)
		}
	})
}

// The way turns while all addresses stay, as where a cable is plugged in beside a radio.
func TestAWayThatTurnsFromRadioToCableIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var radio, known atomic.Bool
		w := &watched{now: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = host.NewWatch(w.list, func() (bool, bool) { return radio.Load(), known.Load() }).Run(ctx, w.told)
		})
		for i, c := range []struct{ radio, known, told bool }{
			{false, false, false},
			{true, true, false}, // what it always was
			{false, false, false},
			{true, true, false}, // it was out of reach
			{false, true, true},
			{false, true, false},
			{false, false, false},
			{true, true, true},
		} {
			radio.Store(c.radio)
			known.Store(c.known)
			seen := w.becomes("10.0.0.1")
			if (len(seen) == 1) != c.told || len(seen) > 1 || c.told && (!seen[0].Turned || seen[0].Radio != c.radio || seen[0].Away || seen[0].Gone != nil) {
				t.Errorf("%d: radio %v (known: %v), told %+v, want something: %v", i, c.radio, c.known, seen, c.told)
			}
		}
		stop()
		wg.Wait()
	})
}
