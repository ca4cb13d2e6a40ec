package relay_test

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/turn/v5"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/relay"
)

// pair is two allocations that may speak to each other.
func (s *stand) pair() (a, b net.PacketConn) {
	s.t.Helper()
	a, b = s.allocate(s.known(alice)), s.allocate(s.known(bob))
	send(s.t, b, "x", a.LocalAddr())
	send(s.t, a, "x", b.LocalAddr())
	receives(s.t, a)
	receives(s.t, b)
	return a, b
}

// relayed sends n packets of a kilobyte and returns how many came.
func (s *stand) relayed(from, to net.PacketConn, n int) (came int) {
	s.t.Helper()
	for range n {
		send(s.t, from, strings.Repeat("k", 1000), to.LocalAddr())
	}
	for came < n {
		if got, _ := receives(s.t, to); got == "" {
			break
		}
		came++
	}
	return came
}

func TestAnEndpointIsHeldToItsRate(t *testing.T) {
	onStand(t, func(s *stand) {
		a, b := s.pair()
		if got := s.relayed(a, b, 100); got < 15 || got > 17 {
			t.Errorf("%d of 100 kB came at once, want what may go at once, 16 kB", got)
		}
		time.Sleep(10 * time.Second) // it may go at once again
		if got := s.relayed(a, b, 10); got != 10 {
			t.Errorf("%d of 10 kB came later, want all", got)
		}
		if got := s.relay.Stats().Over; got < 80 {
			t.Errorf("%d packets counted over the quota, want more than 80", got)
		}
	}, func(cfg *relay.Config) { cfg.Endpoint.BytesPerSecond = 10_000 })
}

// TestASiteIsHeldToItsDay: all its endpoints count for it. The next day all is there
// again.
func TestASiteIsHeldToItsDay(t *testing.T) {
	a := relay.NewAccounts(relay.Quota{}, relay.Quota{BytesPerDay: 50_000})
	noon := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for i, want := range []bool{true, true, false, true, false} {
		n := []int{30_000, 15_000, 10_000, 5_000, 1}[i]
		if got := a.Charge([]string{"alice/shop", "bob/shop"}[i%2], n, noon); got != want {
			t.Errorf("%d bytes more: %v, want %v", n, got, want)
		}
	}
	if !a.Charge("alice/other", 10_000, noon) || !a.Charge("alice", 10_000, noon) {
		t.Error("another site, and who has none, are held to what the shop took")
	}
	if a.MayAllocate("carol/shop", noon) {
		t.Error("an endpoint of the site may allocate with the day's bytes spent")
	}
	midnight := noon.Add(12 * time.Hour)
	if a.MayAllocate("carol/shop", midnight.Add(-time.Second)) || !a.MayAllocate("carol/shop", midnight) || !a.Charge("bob/shop", 50_000, midnight) {
		t.Error("want the day to end at midnight")
	}
}

func TestAccountsOfNobodyAreForgotten(t *testing.T) {
	a := relay.NewAccounts(relay.Quota{}, relay.Quota{})
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for range 2 {
		a.Count("alice/shop", 1, now)
		a.Count("bob/shop", 1, now)
		a.Count("alice/shop", -1, now)
		if a.Len() != 2 {
			t.Errorf("%d accounts, want bob's and his site's", a.Len())
		}
		a.Charge("bob/shop", 1, now)
		a.Count("bob/shop", -1, now)
		if a.Len() != 2 {
			t.Errorf("%d accounts, want those that took something today", a.Len())
		}
		now = now.Add(24 * time.Hour)
	}
}

func TestASiteHoldsSoManyAllocations(t *testing.T) {
	onStand(t, func(s *stand) {
		s.pair()
		if c, err := s.known(alice).Allocate(); err == nil {
			t.Errorf("allocated %v beyond the site's two", c.LocalAddr())
		}
		other := s.client(credential.TURN(secret, alice, "another shop", time.Now()))
		s.allocate(other)
	}, func(cfg *relay.Config) { cfg.Site.Allocations = 2 })
}

// overTCP has the relay listen for TCP in memory, and returns the network.
func overTCP(t *testing.T, cfg *relay.Config) *memnet.Network {
	network := memnet.New(memnet.Path{})
	l, err := network.Listen(relayAddr)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Listeners = []net.Listener{l}
	return network
}

func TestWhoHasTCPOnlySpeaksToWhoHasUDP(t *testing.T) {
	var network *memnet.Network
	onStand(t, func(s *stand) {
		conn, err := network.Dialer("10.0.7.7")(t.Context(), "tcp", relayAddr)
		if err != nil {
			t.Fatal(err)
		}
		user, password := credential.TURN(secret, alice, "shop", time.Now())
		c, err := turn.NewClient(&turn.ClientConfig{TURNServerAddr: relayAddr, Conn: turn.NewSTUNConn(conn),
			Username: user, Password: password, LoggerFactory: quiet()})
		if err == nil {
			err = c.Listen()
		}
		if err != nil {
			t.Fatal(err)
		}
		s.ends = append(s.ends, c.Close, func() { _ = conn.Close() })
		a, b := s.allocate(c), s.allocate(s.known(bob))
		send(t, b, "x", a.LocalAddr()) // permits a
		receives(t, a)
		send(t, a, "hello", b.LocalAddr())
		if got, _ := receives(t, b); got != "hello" {
			t.Errorf("b received %q, want hello", got)
		}
		send(t, b, "and back", a.LocalAddr())
		if got, _ := receives(t, a); got != "and back" {
			t.Errorf("a received %q, want an answer", got)
		}
		synctest.Wait()
	}, func(cfg *relay.Config) { network = overTCP(t, cfg) })
}

func TestWhoIsDeniedAllocatesNothing(t *testing.T) {
	deny, err := relay.ParseDeny([]string{"::ffff:10.0.0.0/112"})
	if err != nil {
		t.Fatal(err)
	}
	onStand(t, func(s *stand) {
		if c, err := s.known(alice).Allocate(); err == nil {
			t.Errorf("allocated %v from an address that is denied", c.LocalAddr())
		}
	}, func(cfg *relay.Config) { cfg.Deny = deny })
}

func TestDenyRulesAreCanonical(t *testing.T) {
	for text, want := range map[string]string{"10.1.2.3/8": "10.0.0.0/8", "192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.1": "192.0.2.1/32",
		"::ffff:10.1.2.3/104": "10.0.0.0/8", "fe80::1/10": "fe80::/10", "0.0.0.0/8": "0.0.0.0/8", "2001:db8::/32": "2001:db8::/32"} {
		got, err := relay.ParseDeny([]string{text})
		if err != nil || len(got) != 1 || got[0].String() != want {
			t.Errorf("%q is read as %v (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "10.0.0.0/33", "10.0.0/8", "010.0.0.0/8", "host.example", "fe80::1%eth0", "::ffff:0.0.0.0/95", "10.0.0.0/8,11.0.0.0/8"} {
		if got, err := relay.ParseDeny([]string{text}); err == nil {
			t.Errorf("%q is read as %v, want an error", text, got)
		}
	}
}

func FuzzDeny(f *testing.F) {
	f.Add("10.0.0.0/8")
	f.Add("::ffff:10.0.0.0/104")
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range must(relay.ParseDeny([]string{text})) {
			if !p.IsValid() || p != p.Masked() || p.Addr().Is4In6() || p.Addr().Zone() != "" {
				t.Errorf("%q is read as %v, which is not canonical", text, p)
			}
		}
	})
}

// must drops an error.
func must[T any](v T, _ error) T { return v }

func TestARelayStartsOnlyWhereItCanBeReached(t *testing.T) {
	for _, ip := range []string{"0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "169.254.1.1", "fe80::1", "255.255.255.255"} {
		if _, err := relay.New(relay.Config{PublicIPs: []net.IP{net.ParseIP(ip)}, MinPort: 1, MaxPort: 2}); err == nil {
			t.Errorf("a relay at %s: started", ip)
		}
	}
}

func TestWhoWasRevokedAllocatesNothingAndKeepsNothing(t *testing.T) {
	var revoked atomic.Bool
	onStand(t, func(s *stand) {
		a, b := s.allocate(s.known(alice)), s.allocate(s.known(bob))
		revoked.Store(true)
		if c, err := s.known(alice).Allocate(); err == nil {
			t.Errorf("allocated %v", c.LocalAddr())
		}
		s.allocate(s.known(bob))
		time.Sleep(3*time.Minute + 17*time.Second) // it can't refresh what it has
		if got := s.relay.Stats().Allocations; got != 2 {
			t.Errorf("%d allocations, want those of bob", got)
		}
		_, _ = a, b
	}, func(cfg *relay.Config) {
		cfg.Revoked = func(user string) bool { return revoked.Load() && strings.HasPrefix(user, string(alice)+"/") }
	})
}
