package engine_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// joinsOf returns the versions that a peer was told this endpoint takes part in.
func (p *peer) joinsOf() (ids []content.VersionID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.ctl {
		if f.Kind == wire.FrameJoin {
			ids = append(ids, f.Version)
		}
	}
	return ids
}

// asks has a peer ask for all there is of a flow, as who was never told of it.
func (s *stand) asks(p *peer, flow wire.Flow) {
	s.eng.Ctl(p, wire.Frame{Kind: wire.FrameCredit, Total: 1 << 30})
	s.eng.Ctl(p, wire.Frame{Kind: wire.FrameJoin, Version: flow.ID, Number: uint32(len(s.chunks)), Flags: wire.JoinReplyWanted})
	s.eng.Ctl(p, wire.Frame{Kind: wire.FrameWantBody, Version: flow.ID, Length: 100})
	s.eng.Ctl(p, wire.Frame{Kind: wire.FrameWant, Version: flow.ID, Chunks: []uint32{3}})
	synctest.Wait()
}

// got counts the bytes that a peer was sent of a flow.
func (p *peer) got(flow wire.Flow) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.bulk {
		if f.Version == flow.ID {
			n += len(f.Payload)
		}
	}
	return n
}

// TestAVisitorGetsWhatItMayAndHearsOfNothingElse: a browser's token names one content,
// and this endpoint holds another.
func TestAVisitorGetsWhatItMayAndHearsOfNothingElse(t *testing.T) {
	for how, introduce := range map[string]func(s *stand, id wire.EndpointID, v *wire.Visitor){
		"dialed": func(s *stand, id wire.EndpointID, v *wire.Visitor) {
			s.eng.Heard(wire.KindDial, &wire.Dial{Peer: id, Attempt: 1, Visitor: v})
		},
		"offering": func(s *stand, id wire.EndpointID, v *wire.Visitor) {
			s.eng.Heard(wire.KindSignal, &wire.Signal{From: id, Offer: &wire.Description{SDP: "v=0"}, Visitor: v})
		},
		"answering": func(s *stand, id wire.EndpointID, v *wire.Visitor) {
			s.eng.Heard(wire.KindSignal, &wire.Signal{From: id, Answer: &wire.Description{SDP: "v=0"}, Visitor: v})
		},
	} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t)
				s.want(s.flow)
				s.leaseBody()
				s.leaseChunks(0, 20)
				secret := s.other("secret", wire.Normal, 90)
				s.leaseOf(secret, 91, 0, 20)
				introduce(s, "tab", &wire.Visitor{Flows: []content.VersionID{s.flow.ID}})
				tab, till := s.link("tab"), s.link("till")
				s.asks(tab, secret)
				if got := tab.joinsOf(); !slices.Equal(got, []content.VersionID{s.flow.ID}) || tab.got(secret) > 0 || len(tab.told()) > 0 {
					t.Errorf("the visitor was told of %v, and got %d bytes that it may not have", got, tab.got(secret))
				}
				if got := till.joinsOf(); len(got) != 2 {
					t.Errorf("another peer was told of %v, want both flows", got)
				}
				s.asks(tab, s.flow)
				if tab.got(s.flow) == 0 || len(tab.told()) == 0 {
					t.Error("the visitor does not get what it may have")
				}

				// Its name stands for something else now.
				s.eng.Heard(wire.KindVisiting, &wire.Visiting{Peer: "tab", Flows: []content.VersionID{secret.ID}})
				synctest.Wait()
				if _, left := tab.heard(wire.FrameLeave); left != 1 || !slices.Equal(tab.joinsOf()[len(tab.joinsOf())-1:], []content.VersionID{secret.ID}) {
					t.Errorf("the visitor heard %d times that it is left, and of %v", left, tab.joinsOf())
				}
				before := tab.got(s.flow)
				s.asks(tab, s.flow)
				if got := tab.got(s.flow); got > before {
					t.Errorf("the visitor got %d bytes more of what it may not have any more", got-before)
				}
				if _, refused := tab.heard(wire.FrameRefuse); refused == 0 {
					t.Error("it was not refused")
				}
				s.stop()
			})
		})
	}
}

// TestAFlowThatBeginsIsToldToWhomItMayBe comes and goes while the link is up.
func TestAFlowThatBeginsIsToldToWhomItMayBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.eng.Heard(wire.KindDial, &wire.Dial{Peer: "tab", Attempt: 1, Visitor: &wire.Visitor{Flows: []content.VersionID{}}})
		tab, till := s.link("tab"), s.link("till")
		s.want(s.flow)
		s.eng.Heard(wire.KindFlow, &wire.Flow{Generation: 1, ID: s.flow.ID, Head: s.flow.Head, Priority: wire.Normal, Paused: true})
		synctest.Wait()
		for p, want := range map[*peer]int{tab: 0, till: 1} {
			_, joins := p.heard(wire.FrameJoin)
			_, leaves := p.heard(wire.FrameLeave)
			if joins != want || leaves != want {
				t.Errorf("%s heard %d joins and %d leaves, want %d of each", p.id, joins, leaves, want)
			}
		}
		// The same endpoint, enrolled now.
		s.eng.Heard(wire.KindFlow, &s.flow)
		s.eng.Heard(wire.KindDial, &wire.Dial{Peer: "tab", Attempt: 2})
		synctest.Wait()
		if got := tab.joinsOf(); len(got) != 1 {
			t.Errorf("told of %v", got)
		}
		s.stop()
	})
}
