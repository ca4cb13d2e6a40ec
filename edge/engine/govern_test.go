package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// sentToServer are the messages of a kind that went to the server.
func sentToServer[T any](s *stand) (all []T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.sent {
		if m, ok := m.(T); ok {
			all = append(all, m)
		}
	}
	return all
}

func grantFrame(seq uint64) wire.Frame {
	return wire.Frame{Kind: wire.FrameGrant, Grant: &wire.Grant{From: "liar", To: "liar", Epoch: 1, Term: 2, Seq: seq, BytesPerSecond: 4, Site: 5, Floor: 1, ValidMs: 1000}}
}

func takenFrame(n uint64) wire.Frame {
	return wire.Frame{Kind: wire.FrameTaken, Total: n, Flags: wire.TakenWants}
}

func TestWhatTheGovernorSaysGoesOverTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		p := s.link("peer")
		for i := range uint64(20) {
			s.eng.Tell("peer", grantFrame(i))
			s.eng.Tell("peer", takenFrame(i))
			time.Sleep(100 * time.Millisecond)
		}
		if _, n := p.heard(wire.FrameGrant); n != 20 {
			t.Errorf("%d grants went over the link, want 20", n)
		}
		if _, n := p.heard(wire.FrameTaken); n != 20 {
			t.Errorf("%d counts went over the link, want 20", n)
		}
		if n := len(sentToServer[wire.Grant](s)) + len(sentToServer[wire.Taken](s)); n != 0 {
			t.Errorf("%d went by way of the server", n)
		}
	})
}

func TestWithoutALinkTheGovernorSpeaksByWayOfTheServerAndSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		for i := range uint64(40) {
			s.eng.Tell("far", grantFrame(i))
			s.eng.Tell("other", takenFrame(i))
			time.Sleep(50 * time.Millisecond)
		}
		grants, took := sentToServer[wire.Grant](s), sentToServer[wire.Taken](s)
		if len(grants) != 8 || len(took) != 8 {
			t.Fatalf("%d grants and %d counts in 2 s, want one each 250 ms", len(grants), len(took))
		}
		if g := grants[7]; g.To != "far" || g.Epoch != 1 || g.Term != 2 || g.Seq != 35 || g.BytesPerSecond != 4 || g.Site != 5 || g.Floor != 1 || g.ValidMs != 1000 {
			t.Errorf("the last grant is %+v", g)
		}
		if took[7] != (wire.Taken{To: "other", Bytes: 35, Wants: true}) {
			t.Errorf("the last count is %+v", took[7])
		}
		p := s.link("far")
		s.eng.Tell("far", grantFrame(99))
		synctest.Wait()
		if _, n := p.heard(wire.FrameGrant); n != 1 {
			t.Errorf("%d grants went over the new link, want 1", n)
		}
	})
}

// What is said anew all the time would otherwise wait for the next socket, in a queue
// that ends the session when it is full.
func TestWithoutASocketNothingOfTheGovernorIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.eng.Disconnected()
		for i := range uint64(40) {
			s.eng.Tell("far", grantFrame(i))
			time.Sleep(50 * time.Millisecond)
		}
		if n := len(sentToServer[wire.Grant](s)); n != 0 {
			t.Errorf("%d grants were queued", n)
		}
		s.eng.Connected(wire.Welcome{Epoch: 1, Site: "shop", Resumed: true})
		s.eng.Tell("far", grantFrame(99))
		synctest.Wait()
		if n := len(sentToServer[wire.Grant](s)); n != 1 {
			t.Errorf("%d grants went by way of the next socket, want 1", n)
		}
	})
}

func TestFramesReachTheGovernorAsOfTheLinkTheyCameOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		p := s.link("peer")
		s.eng.Ctl(p, grantFrame(7))
		s.eng.Ctl(p, takenFrame(8))
		s.eng.Heard(wire.KindGrant, &wire.Grant{From: "far", Seq: 9})
		s.eng.Heard(wire.KindTaken, &wire.Taken{From: "far", Bytes: 10})
		synctest.Wait()
		s.eng.LinkDown("peer", p, 1, "gone")
		s.eng.Ctl(p, grantFrame(11))
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.grants) != 2 || s.grants[0].From != "peer" || s.grants[0].Seq != 7 || s.grants[1].From != "far" || s.grants[1].Seq != 9 {
			t.Errorf("grants are %+v, want one of the peer and one of the server", s.grants)
		}
		if len(s.took) != 2 || s.took[0] != (wire.Taken{From: "peer", Bytes: 8, Wants: true}) || s.took[1] != (wire.Taken{From: "far", Bytes: 10}) {
			t.Errorf("counts are %+v, want one of the peer and one of the server", s.took)
		}
	})
}

func TestAppointmentsOfANewSessionComeAfterTheOldIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.eng.Heard(wire.KindGovern, &wire.Govern{Epoch: 1, Term: 4, Holder: "peer", Bound: 9})
		s.eng.Connected(wire.Welcome{Epoch: 1, Site: "shop"})
		s.eng.Heard(wire.KindGovern, &wire.Govern{Epoch: 1, Term: 1, Holder: "peer", Bound: 7})
		s.eng.Connected(wire.Welcome{Epoch: 1, Site: "shop", Resumed: true})
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.rate != 7 || s.forgot != 2 {
			t.Errorf("the bound is %d and it was forgotten %d times, want 7 and once for each new session", s.rate, s.forgot)
		}
		if s.termAtForget != 4 {
			t.Errorf("term %d was known when it was forgotten last, want 4", s.termAtForget)
		}
	})
}
