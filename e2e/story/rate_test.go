//go:build linux

package story

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/edge/origin"
	"github.com/sitecast/sitecast/signaling/wire"
)

// foreign is an origin that is no server of ours: it serves zeros and paces nothing.
func foreign(t *testing.T, lab *netlab.Lab) *url.URL {
	t.Helper()
	listener, err := lab.Origin.Listen("tcp", net.JoinHostPort(lab.Origin.IP().String(), "80"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, zeros{new(int64)})
	})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // until it is closed
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return &url.URL{Scheme: "http", Host: listener.Addr().String()}
}

// zeros are foreignSize bytes of nothing.
type zeros struct{ at *int64 }

const foreignSize = 1 << 30

func (z zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func (z zeros) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case 1:
		offset += *z.at
	case 2:
		offset += foreignSize
	}
	*z.at = offset
	return offset, nil
}

// echo measures what a bystander's packets take to the origin and back.
type echo struct {
	near, far net.PacketConn
	wg        sync.WaitGroup

	// mu guards trips.
	mu    sync.Mutex
	trips []time.Duration
}

// probing starts to measure every 10 ms, until the test ends.
func probing(t *testing.T, lab *netlab.Lab) *echo {
	t.Helper()
	e := &echo{}
	socket := func(h *netlab.Host) (c net.PacketConn) {
		err := h.Do(func() (err error) {
			c, err = net.ListenPacket("udp", net.JoinHostPort(h.IP().String(), "0"))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	e.near, e.far = socket(lab.Sites[0].Endpoints[0]), socket(lab.Origin)
	stop := make(chan struct{})
	t.Cleanup(func() {
		close(stop)
		_ = errors.Join(e.near.Close(), e.far.Close())
		e.wg.Wait()
	})
	e.wg.Go(func() {
		for b := make([]byte, 64); ; {
			n, from, err := e.far.ReadFrom(b)
			if err != nil {
				return // closed
			}
			_, _ = e.far.WriteTo(b[:n], from)
		}
	})
	start := time.Now()
	e.wg.Go(func() {
		for b := make([]byte, 64); ; {
			n, _, err := e.near.ReadFrom(b)
			if err != nil {
				return // closed
			}
			var sent time.Duration
			if sent, err = time.ParseDuration(string(b[:n])); err != nil {
				continue
			}
			e.mu.Lock()
			e.trips = append(e.trips, time.Since(start)-sent)
			e.mu.Unlock()
		}
	})
	e.wg.Go(func() {
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				_, _ = e.near.WriteTo([]byte(time.Since(start).String()), e.far.LocalAddr())
			}
		}
	})
	return e
}

// take returns what was measured since it was asked last.
func (e *echo) take() []time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	trips := e.trips
	e.trips = nil
	return trips
}

func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[int(q*float64(len(d)-1))]
}

// A pull is a download from a foreign origin that is held to a rate from here.
type pull struct {
	t      *testing.T
	client *origin.Client
	probes *echo
	lab    *netlab.Lab
	rtt    time.Duration
}

// pulling begins one over a line, and measures that line.
func pulling(t *testing.T, line netlab.Link) *pull {
	t.Helper()
	lab := netlab.New(t, netlab.Plan{Sites: []netlab.SitePlan{{Endpoints: 1, WAN: netlab.Both(line)}},
		Sysctls: map[string]string{"net.ipv4.tcp_congestion_control": "cubic"}})
	at := foreign(t, lab)
	p := &pull{t: t, probes: probing(t, lab), lab: lab}
	time.Sleep(300 * time.Millisecond)
	p.rtt = quantile(p.probes.take(), 0)
	if p.rtt < 2*line.Delay {
		t.Fatalf("the empty line takes %v there and back, want %v at least", p.rtt, 2*line.Delay)
	}
	host := lab.Sites[0].Endpoints[0]
	p.client = origin.New(origin.Config{Base: &url.URL{Scheme: "https", Host: "elsewhere"}, TLS: func(string, bool) *tls.Config { return &tls.Config{MinVersion: tls.VersionTLS12} },
		Log: slog.New(slog.DiscardHandler),
		Dial: func(ctx context.Context, network, addr string) (conn net.Conn, err error) {
			err = host.Do(func() error {
				conn, err = new(net.Dialer).DialContext(ctx, network, addr)
				return err
			})
			return conn, err
		}})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	p.client.SetRate(100_000, 0, false) // as it is when a first fetch begins
	const part = 64 << 10
	lease := wire.Lease{URL: at.String() + "/pack", To: foreignSize}
	for n := range uint32(foreignSize / part) {
		lease.Parts = append(lease.Parts, wire.Part{Chunk: n, Length: part})
	}
	go func() {
		ended <- p.client.FetchParts(ctx, lease, func(uint32) uint32 { return part }, func(wire.Part, []byte) error { return nil })
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the download ended by %v", err)
		}
		p.client.Close()
	})
	return p
}

// hold sets a rate as a governor does, again and again.
func (p *pull) hold(mbit float64, span time.Duration) {
	for end := time.Now().Add(span); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		p.client.SetRate(int64(mbit*1e6/8), p.rtt, false)
	}
}

// wantHeld checks what comes at a rate and what others wait.
func (p *pull) wantHeld(mbit float64, by origin.Actuator, most time.Duration) {
	p.t.Helper()
	p.hold(mbit, time.Second)
	p.probes.take()
	before, begin := p.client.Taken(), time.Now()
	p.hold(mbit, 2*time.Second)
	got := float64(p.client.Taken()-before) * 8 / 1e6 / time.Since(begin).Seconds()
	added := quantile(p.probes.take(), 0.95) - p.rtt
	actuator, why := p.client.Actuator()
	p.t.Logf("%.2f of %.0f Mbit/s, others wait %v (p95), by %s: %s", got, mbit, added.Round(100*time.Microsecond), actuator, why)
	if got < 0.85*mbit || got > 1.08*mbit || actuator != by || added > most {
		p.t.Errorf("%.2f Mbit/s by %s, and others wait %v: want %.0f, no more than 15 %% less or 8 %% more, by %s, and %v at most", got, actuator, added, mbit, by, most)
	}
}

// TestWindowHoldsARateAtAnOriginThatIsNotOurs changes the rate of one connection up
// and down.
func TestWindowHoldsARateAtAnOriginThatIsNotOurs(t *testing.T) {
	p := pulling(t, far)
	for _, mbit := range []float64{4, 10, 16} {
		p.wantHeld(mbit, origin.WindowClamp, 15*time.Millisecond)
	}
	// What is on its way and in buffers must not go on for long when others come.
	const mbit = 0.5
	p.hold(mbit, 500*time.Millisecond)
	before, err := p.lab.Sites[0].WAN()
	begin := time.Now()
	p.hold(mbit, time.Second)
	after, aerr := p.lab.Sites[0].WAN()
	got := float64(after.Minus(before).ReceivedBytes) * 8 / 1e6 / time.Since(begin).Seconds()
	t.Logf("half a second after the rate fell to %.1f Mbit/s, the line carries %.2f", mbit, got)
	if err = errors.Join(err, aerr); err != nil || got > 0.1*float64(far.Rate)/1e6 {
		t.Errorf("half a second after the rate fell to %.1f Mbit/s, the line carries %.2f (%v), want a tenth of it at most", mbit, got, err)
	}
}

// TestPacedReadsHoldARateThatIsTooLittleForAWindow: a window of a few packets would
// starve TCP.
func TestPacedReadsHoldARateThatIsTooLittleForAWindow(t *testing.T) {
	p := pulling(t, netlab.Link{Rate: 20_000_000, Delay: 5 * time.Millisecond, Queue: netlab.Backlog(20_000_000, 100*time.Millisecond)})
	p.wantHeld(5, origin.PacedReads, 20*time.Millisecond)
}
