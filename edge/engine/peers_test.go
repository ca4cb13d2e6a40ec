package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/edge/swarm"
	"github.com/sitecast/sitecast/signaling/wire"
)

// farPeer is a scripted peer at the other end of a relay.
type farPeer struct{ *peer }

func (farPeer) Relayed() bool { return true }

func (s *stand) farLink(name string) farPeer {
	p := farPeer{&peer{id: wire.EndpointID(name)}}
	s.eng.LinkUp(p)
	synctest.Wait()
	return p
}

// joinOf has any link's peer take part, holding the body and the chunks.
func (s *stand) joinOf(l engine.Link, chunks ...uint32) {
	s.eng.Ctl(l, wire.Frame{Kind: wire.FrameJoin, Version: s.flow.ID, Number: uint32(len(s.chunks)), Flags: wire.JoinBodyHeld})
	s.eng.Ctl(l, wire.Frame{Kind: wire.FrameHaveList, Version: s.flow.ID, Chunks: chunks})
	synctest.Wait()
}

// giveBody has the peer send a piece of the body.
func (s *stand) giveBody(l engine.Link, from, to int) {
	s.eng.Bulk(l, wire.Frame{Kind: wire.FrameBody, Version: s.flow.ID, Offset: uint32(from), Payload: s.body[from:to]})
	synctest.Wait()
}

func TestChunksAreAskedOverTheRelayOnlyAfterPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		far := s.farLink("far")
		s.joinOf(far, 3, 4)
		time.Sleep(swarm.RelayPatience - time.Second)
		synctest.Wait()
		if got, _ := far.heard(wire.FrameWant); len(got) > 0 {
			t.Fatalf("asked %v over the relay within the patience", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		got, _ := far.heard(wire.FrameWant)
		slices.Sort(got)
		if !slices.Equal(got, []uint32{3, 4}) {
			t.Fatalf("after the patience asked %v over the relay, want [3 4]", got)
		}
		// A chunk from the origin ends it.
		s.leaseChunks(10, 11)
		s.joinOf(far, 3, 4, 5)
		time.Sleep(swarm.RelayPatience / 2)
		synctest.Wait()
		if got, _ := far.heard(wire.FrameWant); slices.Contains(got, 5) {
			t.Error("asked over the relay while the origin brings chunks")
		}
	})
}

func TestBodyIsAskedOfDirectPeersAndOverTheRelayLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		far := s.farLink("far")
		s.joinOf(far)
		wanted := func(p *peer) int { _, n := p.heard(wire.FrameWantBody); return n }
		time.Sleep(swarm.RelayPatience - time.Second)
		synctest.Wait()
		if wanted(far.peer) > 0 {
			t.Fatal("asked for the body over the relay within the patience")
		}
		near := s.link("near")
		s.joins(near)
		if wanted(near) != 1 {
			t.Fatalf("asked the direct peer %d times, want once, at once", wanted(near))
		}
		time.Sleep(4 * time.Second) // it does not answer
		synctest.Wait()
		if wanted(far.peer) != 1 {
			t.Fatalf("asked over the relay %d times, want once: the direct peer brings nothing", wanted(far.peer))
		}
		s.giveBody(far, 0, len(s.body))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !s.lastProgress().Body {
			t.Error("the body that came by relay was not taken")
		}
	})
}

func TestBodyIsNotAskedOverTheRelayWhileItIsLeasedHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.fetchBody = func(ctx context.Context) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }
		s.want(s.flow)
		s.leaseBody()
		far := s.farLink("far")
		s.joinOf(far)
		time.Sleep(time.Minute)
		synctest.Wait()
		if _, n := far.heard(wire.FrameWantBody); n > 0 {
			t.Errorf("asked for the body over the relay %d times while it is fetched here", n)
		}
	})
}

func TestPeerThatRefusesTheBodyIsAskedLaterEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		a := s.link("a")
		s.joins(a)
		begin, last, gap := time.Now(), 1, time.Duration(0)
		at := begin
		for time.Since(begin) < time.Hour {
			s.eng.Ctl(a, wire.Frame{Kind: wire.FrameRefuse, Version: s.flow.ID, Flags: wire.RefuseNotHeld})
			s.eng.Ctl(a, wire.Frame{Kind: wire.FrameHaveBody, Version: s.flow.ID})
			time.Sleep(time.Second)
			synctest.Wait()
			if _, n := a.heard(wire.FrameWantBody); n > last {
				if now := time.Since(at); now < gap {
					t.Errorf("asked again after %v, before that after %v", now, gap)
				} else {
					gap = now
				}
				last, at = n, time.Now()
			}
		}
		if last < 20 || last > 60 {
			t.Errorf("asked %d times in an hour, want 20 to 60", last)
		}
		b := s.link("b")
		s.joins(b)
		if _, n := b.heard(wire.FrameWantBody); n != 1 {
			t.Errorf("asked another peer %d times, want once", n)
		}
	})
}

func TestPeersThatComeAndGoLeaveNothingInTheEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 5)
		time.Sleep(2 * time.Second) // the end of the leases is reported, and they are forgotten
		s.eng.Sizes()
		synctest.Wait()
		before := s.eng.Sizes()
		join := wire.Frame{Kind: wire.FrameJoin, Version: s.flow.ID, Number: uint32(len(s.chunks)), Flags: wire.JoinBodyHeld}
		for n := range 1000 {
			p := &peer{id: wire.EndpointID(fmt.Sprint(n % 7))}
			s.eng.LinkUp(p)
			s.eng.Ctl(p, join)
			s.eng.Ctl(p, wire.Frame{Kind: wire.FrameHaveList, Version: s.flow.ID, Chunks: []uint32{7, 8, 9}})
			s.eng.Ctl(p, wire.Frame{Kind: wire.FrameCredit, Total: 150_000})
			s.eng.Ctl(p, wire.Frame{Kind: wire.FrameWant, Version: s.flow.ID, Chunks: []uint32{1, 2, 19}})
			if n%3 == 0 { // replaced before it goes
				q := &peer{id: p.id}
				s.eng.LinkUp(q)
				s.eng.Ctl(q, join)
				s.eng.LinkDown(q.id, q, 1, "gone")
			}
			s.eng.LinkDown(p.id, p, 1, "gone")
			synctest.Wait()
		}
		if after := s.eng.Sizes(); after != before {
			t.Errorf("sizes %+v, before 1000 links %+v", after, before)
		}
	})
}
