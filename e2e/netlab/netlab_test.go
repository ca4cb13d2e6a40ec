//go:build linux

package netlab_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/netlab"
)

// longestTrip is how long an echo may take; more is a loss.
const longestTrip = 200 * time.Millisecond

// diesInALab makes this binary build a network and wait to be killed.
const diesInALab = "NETLAB_TEST_DIE"

func TestMain(m *testing.M) {
	if os.Getenv(diesInALab) != "" {
		dieInALab()
	}
	goleak.VerifyTestMain(m)
}

func TestKernelLinkKeepsItsRate(t *testing.T) {
	for _, rate := range []int64{5e6, 50e6, 200e6} {
		t.Run(fmt.Sprintf("%dmbit", rate/1e6), func(t *testing.T) {
			keepsItsRate(t, netlab.Both(netlab.Link{Rate: rate}), rate)
		})
	}
}

func TestEmulatedLinkKeepsItsRate(t *testing.T) {
	for _, rate := range []int64{5e6, 50e6, 200e6} {
		t.Run(fmt.Sprintf("%dmbit", rate/1e6), func(t *testing.T) {
			wan := netlab.Both(netlab.Link{Rate: rate, Delay: 5 * time.Millisecond})
			site := keepsItsRate(t, wan, rate)
			down, up, cpu := site.EmulatorStats()
			t.Logf("emulator: down %+v, up %+v, CPU %v", down, up, cpu)
		})
	}
}

// keepsItsRate fills a link with one TCP download and looks at the kernel's
// count of frames, after the first 300 ms.
func keepsItsRate(t *testing.T, wan netlab.WAN, rate int64) *netlab.Site {
	lab := netlab.New(t, netlab.Plan{
		Sites:   []netlab.SitePlan{{Endpoints: 1, WAN: wan}},
		Sysctls: map[string]string{"net.ipv4.tcp_congestion_control": "cubic"},
	})
	site := lab.Sites[0]
	stop := download(t, lab.Origin, site.Endpoints[0])
	defer stop()
	time.Sleep(300 * time.Millisecond)
	begun, before := time.Now(), count(t, site)
	time.Sleep(2 * time.Second)
	moved, took := count(t, site).Minus(before), time.Since(begun)
	got := float64(moved.ReceivedBytes) * 8 / took.Seconds()
	t.Logf("%.3f of the rate", got/float64(rate))
	if ratio := got / float64(rate); ratio < 0.97 || ratio > 1.01 {
		t.Errorf("link carried %.2f Mbit/s, want %.2f", got/1e6, float64(rate)/1e6)
	}
	return site
}

func TestEmulatedLinkKeepsItsDelay(t *testing.T) {
	const delay = 20 * time.Millisecond
	lab := netlab.New(t, netlab.Plan{Sites: []netlab.SitePlan{
		{Endpoints: 1, WAN: netlab.Both(netlab.Link{Rate: 100e6, Delay: delay})},
	}})
	var rtts []time.Duration
	echo(t, lab.Origin, lab.Sites[0].Endpoints[0], 50, func(rtt time.Duration) { rtts = append(rtts, rtt) })
	slices.Sort(rtts)
	median, p95 := rtts[len(rtts)/2], rtts[len(rtts)*95/100]
	t.Logf("round trips: median %v, 95%% within %v", median, p95)
	if median < 2*delay || median > 2*delay+2*time.Millisecond {
		t.Errorf("median round trip is %v, want %v to 2 ms more", median, 2*delay)
	}
}

func TestQueueAddsWhatItHolds(t *testing.T) {
	const rate, held = 20e6, 100 * time.Millisecond
	for name, link := range map[string]netlab.Link{
		"kernel":   {Rate: rate, Queue: netlab.Backlog(rate, held)},
		"emulator": {Rate: rate, Queue: netlab.Backlog(rate, held), Delay: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			lab := netlab.New(t, netlab.Plan{
				Sites:   []netlab.SitePlan{{Endpoints: 2, WAN: netlab.Both(link)}},
				Sysctls: map[string]string{"net.ipv4.tcp_congestion_control": "cubic"},
			})
			stop := download(t, lab.Origin, lab.Sites[0].Endpoints[0])
			defer stop()
			time.Sleep(time.Second)
			var worst time.Duration
			echo(t, lab.Origin, lab.Sites[0].Endpoints[1], 20, func(rtt time.Duration) { worst = max(worst, rtt) })
			t.Logf("worst round trip beside a download: %v", worst)
			if worst < held*8/10 || worst > held+2*link.Delay+10*time.Millisecond {
				t.Errorf("worst round trip is %v, want the queue's %v", worst, held)
			}
		})
	}
}

func TestEmulatedLinkLosesItsShare(t *testing.T) {
	const loss, datagrams = 0.05, 1000
	lab := netlab.New(t, netlab.Plan{Sites: []netlab.SitePlan{
		{Endpoints: 1, WAN: netlab.WAN{Down: netlab.Link{Loss: loss}, Up: netlab.Link{}}},
	}})
	answered := 0
	echo(t, lab.Origin, lab.Sites[0].Endpoints[0], datagrams, func(time.Duration) { answered++ })
	down, up, _ := lab.Sites[0].EmulatorStats()
	if up.Lost != 0 || up.Carried < datagrams {
		t.Errorf("uplink without loss: %+v", up)
	}
	sigma := math.Sqrt(datagrams * loss * (1 - loss))
	if off := math.Abs(float64(down.Lost) - datagrams*loss); off > 5*sigma || answered > datagrams-int(down.Lost) || answered < datagrams-int(down.Lost)-5 {
		t.Errorf("lost %d of %d and heard %d, want %g lost within %.0f", down.Lost, datagrams, answered, loss*datagrams, 5*sigma)
	}
}

func TestSitesReachTheOriginAndOneAnotherOnlyAcrossTheWAN(t *testing.T) {
	place := netlab.SitePlan{Endpoints: 2, NAT: true}
	lab := netlab.New(t, netlab.Plan{Sites: []netlab.SitePlan{place, place}})
	site := lab.Sites[0]
	if got := peerOf(t, lab.Origin, site.Endpoints[0]); got != "198.18.1.2" {
		t.Errorf("behind NAT the origin sees %s, want the router", got)
	}
	if got, want := peerOf(t, site.Endpoints[1], site.Endpoints[0]), site.Endpoints[0].IP().String(); got != want {
		t.Errorf("a neighbour sees %s, want %s", got, want)
	}
	if crossed := count(t, site); crossed.ReceivedBytes > 2000 {
		t.Errorf("LAN traffic crossed the WAN: %+v", crossed)
	}
	err := site.Endpoints[0].Do(func() error {
		c, err := net.DialTimeout("tcp", lab.Sites[1].Endpoints[0].IP().String()+":1", time.Second)
		if err == nil {
			err = c.Close()
		}
		return err
	})
	if err == nil || strings.Contains(err.Error(), "refused") {
		t.Errorf("another site's LAN behind NAT answered: %v", err)
	}
}

func TestIsolatedEndpointsReachTheOriginButNotEachOther(t *testing.T) {
	lab := netlab.New(t, netlab.Plan{Sites: []netlab.SitePlan{{Endpoints: 2, Isolated: true}}})
	site := lab.Sites[0]
	if got, want := peerOf(t, lab.Origin, site.Endpoints[0]), site.Endpoints[0].IP().String(); got != want {
		t.Errorf("the origin sees %s, want %s", got, want)
	}
	err := site.Endpoints[0].Do(func() error {
		c, err := net.DialTimeout("tcp", site.Endpoints[1].IP().String()+":1", time.Second)
		if err == nil {
			err = c.Close()
		}
		return err
	})
	if err == nil || strings.Contains(err.Error(), "refused") {
		t.Errorf("an isolated neighbour answered: %v", err)
	}
}

func TestCommandRunsOnItsHost(t *testing.T) {
	lab := netlab.New(t, netlab.Plan{
		Sites:   []netlab.SitePlan{{Endpoints: 1}},
		Sysctls: map[string]string{"net.ipv4.tcp_congestion_control": "reno"},
	})
	h := lab.Sites[0].Endpoints[0]
	out, err := h.Command(t.Context(), "ip", "-o", "-4", "addr", "show", "dev", "eth0").CombinedOutput()
	if err != nil || !strings.Contains(string(out), h.IP().String()) {
		t.Errorf("addresses on %s: %s (%v), want %v", h.Name(), out, err, h.IP())
	}
	out, err = h.Command(t.Context(), "cat", "/proc/sys/net/ipv4/tcp_congestion_control").Output()
	if err != nil || strings.TrimSpace(string(out)) != "reno" {
		t.Errorf("congestion control is %q (%v), want reno", out, err)
	}
}

func TestCleanRemovesWhatAKilledProcessLeft(t *testing.T) {
	netlab.Available(t)
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), diesInALab+"=1")
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var orphan int
	if _, err := fmt.Fscan(stdout, &orphan); err != nil {
		t.Fatalf("child built no network: %v", err)
	}
	ours := fmt.Sprintf("sitecast-%d-", child.Process.Pid)
	if err := netlab.Clean(); err != nil {
		t.Fatal(err)
	}
	if !named(t, ours) {
		t.Fatal("the network of a living process was removed")
	}
	_ = child.Process.Kill() // it waits for nothing else
	_ = child.Wait()         // killed
	if err := netlab.Clean(); err != nil {
		t.Fatal(err)
	}
	if named(t, ours) {
		t.Error("namespaces of a killed process are still there")
	}
	if _, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", orphan)); err == nil {
		t.Error("a process on a host of a killed process still runs")
	}
}

// dieInALab builds a network with a process in it, says so, and waits for the end.
func dieInALab() {
	lab, err := netlab.Start(netlab.Plan{Sites: []netlab.SitePlan{{Endpoints: 2, WAN: netlab.WAN{Emulated: true}}}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	sleeper := lab.Sites[0].Endpoints[0].Command(context.Background(), "sleep", "1000")
	if err := sleeper.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(sleeper.Process.Pid)
	time.Sleep(time.Minute)
	os.Exit(1)
}

func named(t *testing.T, prefix string) bool {
	t.Helper()
	entries, err := os.ReadDir("/run/netns")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), prefix) })
}

func count(t *testing.T, s *netlab.Site) netlab.Counters {
	t.Helper()
	c, err := s.WAN()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// download lets one host take bytes from another until it is stopped.
func download(t *testing.T, from, to *netlab.Host) (stop func()) {
	t.Helper()
	l, err := from.Listen("tcp4", from.IP().String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		block := make([]byte, 64<<10)
		for err == nil {
			_, err = conn.Write(block)
		}
	}()
	conn := dial(t, to, "tcp4", l.Addr().String())
	received := make(chan struct{})
	go func() {
		defer close(received)
		_, _ = io.Copy(io.Discard, conn) // ends when stop closes it
	}()
	return func() {
		_ = conn.Close() // nothing unsent
		_ = l.Close()
		<-sent
		<-received
	}
}

// echo sends n datagrams in turn and reports the round trip of each that returns.
func echo(t *testing.T, at, from *netlab.Host, n int, heard func(time.Duration)) {
	t.Helper()
	var server net.PacketConn
	err := at.Do(func() (err error) {
		server, err = net.ListenPacket("udp4", at.IP().String()+":0")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 2048)
		for {
			n, addr, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(buf[:n], addr) // a lost answer is counted by the asker
		}
	}()
	defer func() { _ = server.Close(); <-done }()
	conn := dial(t, from, "udp4", server.LocalAddr().String())
	defer conn.Close()
	buf, answer := make([]byte, 64), make([]byte, 64)
	for i := range n {
		binary.BigEndian.PutUint32(buf, uint32(i))
		begun := time.Now()
		if _, err := conn.Write(buf); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(begun.Add(longestTrip)) // never fails on a socket
		_, err := conn.Read(answer)
		for err == nil && !bytes.Equal(answer, buf) {
			_, err = conn.Read(answer) // the one before came after its deadline
		}
		switch {
		case err == nil:
			heard(time.Since(begun))
		case !errors.Is(err, os.ErrDeadlineExceeded):
			t.Fatal(err)
		}
	}
}

// peerOf says by which address one host sees a connection from another.
func peerOf(t *testing.T, at, from *netlab.Host) string {
	t.Helper()
	l, err := at.Listen("tcp4", at.IP().String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	defer dial(t, from, "tcp4", l.Addr().String()).Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	return host
}

func dial(t *testing.T, from *netlab.Host, network, addr string) (conn net.Conn) {
	t.Helper()
	err := from.Do(func() (err error) {
		conn, err = net.DialTimeout(network, addr, 5*time.Second)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}
