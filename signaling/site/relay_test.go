package site_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// apart orders a version to two members that only a relay beyond the WAN joins, of whom
// the first holds all of it.
func (s *stand) apart(a site.FlowSpec) (holder, other *fake) {
	s.t.Helper()
	s.order(a)
	members := []*fake{s.join("a"), s.join("b")}
	members[0].report(a, chunks(0, a.Head.Chunks))
	members[1].report(a, nil)
	settle(s, members, true)
	if f := s.flow(a); f.Groups != 2 || f.Relay != wire.RelayNever {
		s.t.Fatalf("%d groups and %q about relays, want 2 and that the origin is cheaper", f.Groups, f.Relay)
	}
	if got := last[wire.Flow](members[1]); got.Relay != wire.RelayNever {
		s.t.Errorf("told %q about relays, want that the origin is cheaper", got.Relay)
	}
	return members[0], members[1]
}

// spends says what the origin gave a member, and what a relay did.
func (f *fake) spends(spec site.FlowSpec, have []uint32, wan, content, relay int64, states ...wire.LeaseState) {
	f.s.t.Helper()
	p := progress(spec, have, states...)
	p.WAN, p.Bytes = wan, wire.Sources{Origin: content, Relay: relay}
	f.say(p)
}

func TestARelayBeyondTheWANIsUsedWhenTheOriginCannotBeReached(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		_, b := s.apart(a)
		for range 2 {
			leases := take[wire.Lease](b)
			if len(leases) == 0 {
				t.Fatal("no lease, want the origin to be tried")
			}
			none[wire.Flow](b)
			b.report(a, nil, failed(leases[0]))
			s.pass(5 * time.Second)
		}
		if got := last[wire.Flow](b); got.Relay != wire.RelayUnreachable || got.ID != a.ID {
			t.Errorf("told %q about relays, want that there is no other way", got.Relay)
		}
		if f := s.flow(a); f.Relay != wire.RelayUnreachable || !strings.Contains(f.Reason, "can't reach the origin") {
			t.Errorf("the flow says %q, %q about it", f.Relay, f.Reason)
		}
		// The origin is tried all along, and used once it answers.
		b.report(a, chunks(0, 3))
		s.pass(10 * time.Second)
		leases := take[wire.Lease](b)
		if len(leases) == 0 {
			t.Fatal("no lease, want the origin to be tried again")
		}
		p := progress(a, chunks(0, 3), done(leases[0]))
		if !leases[0].Body {
			p = progress(a, chunks(0, 10), done(leases[0]))
		}
		b.say(p)
		s.pass(time.Second)
		if got := last[wire.Flow](b); got.Relay != wire.RelayNever {
			t.Errorf("told %q about relays, want that the origin is cheaper again", got.Relay)
		}
	})
}

func TestARelayBeyondTheWANIsUsedWhereAFetchTakesMoreOfTheLine(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 40)
		_, b := s.apart(a)
		var ended []wire.LeaseState // with what they brought
		for _, l := range take[wire.Lease](b) {
			ended = append(ended, failed(l))
		}
		b.spends(a, chunks(0, 2), 1_000_000, 2*chunkBytes, 0, ended...)
		s.pass(time.Second)
		if got := last[wire.Flow](b); got.Relay != wire.RelayCheaper {
			t.Fatalf("told %q about relays, want that the relay is cheaper", got.Relay)
		}
		if f := s.flow(a); f.Relay != wire.RelayCheaper || !strings.Contains(f.Reason, "takes less of the line") {
			t.Errorf("the flow says %q, %q about it", f.Relay, f.Reason)
		}
		for n := range uint32(10) {
			b.spends(a, chunks(0, 3+n), 1_000_000, 2*chunkBytes, int64(1+n)*chunkBytes)
			s.pass(5 * time.Second)
		}
		none[wire.Lease](b)
		none[wire.Flow](b)
		// It brings nothing any more.
		s.pass(21 * time.Second)
		if got := last[wire.Flow](b); got.Relay != wire.RelayNever {
			t.Errorf("told %q about relays, want the origin again", got.Relay)
		}
		if got := take[wire.Lease](b); len(got) == 0 {
			t.Error("no lease, want the rest to be fetched")
		}
		s.pass(10 * time.Second)
		none[wire.Flow](b)
	})
}

func TestWithAWayBetweenThemNobodyIsToldOfRelays(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		holder, b := s.apart(a)
		holder.linked(b, true)
		s.pass(time.Second)
		if got := last[wire.Flow](b); got.Relay != wire.RelayByPatience {
			t.Errorf("told %q about relays, want nothing", got.Relay)
		}
		if f := s.flow(a); f.Relay != "" || f.Groups != 1 {
			t.Errorf("the flow says %q with %d groups, want nothing with one", f.Relay, f.Groups)
		}
	})
}
