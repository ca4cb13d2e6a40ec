package engine_test

import (
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// wantNamed checks that the liar, and nobody else, was dropped, reported and counted.
func (s *stand) wantNamed(liar *peer, door wire.Door, code string) {
	s.t.Helper()
	synctest.Wait()
	if liar.closed != code {
		s.t.Errorf("the link closed with %q, want %q", liar.closed, code)
	}
	if r := s.reports(); len(r) != 1 || r[0].Peer != liar.id || r[0].Code != code {
		s.t.Errorf("reports %+v, want one that names the liar for %s", r, code)
	}
	if n := s.refused.Count(door, code); n != 1 {
		s.t.Errorf("counted %d times, want once", n)
	}
}

func TestEveryLieIsNamedAndCounted(t *testing.T) {
	for name, c := range map[string]struct {
		lie  func(s *stand, liar *peer)
		door wire.Door
		code string
	}{
		"a poisoned chunk": {func(s *stand, liar *peer) {
			s.joins(liar, 3)
			s.give(liar, 3, s.chunks[4])
			s.give(liar, 3, s.chunks[4]) // what comes after it is nobody's any more
		}, wire.DoorBulk, wire.CodeBadChunk},
		"a join with other chunks": {func(s *stand, liar *peer) {
			for range 2 {
				s.eng.Ctl(liar, wire.Frame{Kind: wire.FrameJoin, Version: s.flow.ID, Number: 21})
			}
		}, wire.DoorCtl, wire.CodeProtocol},
		"a list of chunks that do not exist": {func(s *stand, liar *peer) {
			s.joins(liar)
			s.eng.Ctl(liar, wire.Frame{Kind: wire.FrameHaveList, Version: s.flow.ID, Chunks: []uint32{19, 20}})
		}, wire.DoorCtl, wire.CodeProtocol},
		"a bitmap of chunks that do not exist": {func(s *stand, liar *peer) {
			s.joins(liar)
			s.eng.Ctl(liar, wire.Frame{Kind: wire.FrameHave, Version: s.flow.ID, Number: 16, Payload: []byte{15, 1}})
		}, wire.DoorCtl, wire.CodeProtocol},
		"a want of a chunk that does not exist": {func(s *stand, liar *peer) {
			s.joins(liar)
			s.eng.Ctl(liar, wire.Frame{Kind: wire.FrameWant, Version: s.flow.ID, Chunks: []uint32{1 << 19}})
		}, wire.DoorCtl, wire.CodeProtocol},
		"a piece at a wrong offset": {func(s *stand, liar *peer) {
			s.joins(liar, 3)
			s.eng.Bulk(liar, wire.Frame{Kind: wire.FrameData, Version: s.flow.ID, Number: 3, Offset: 7, Payload: []byte("x")})
		}, wire.DoorBulk, wire.CodeProtocol},
		"a piece that is too long": {func(s *stand, liar *peer) {
			s.joins(liar, 3)
			s.eng.Bulk(liar, wire.Frame{Kind: wire.FrameData, Version: s.flow.ID, Number: 3, Offset: wire.MaxDataBytes, Payload: make([]byte, wire.MaxDataBytes)})
		}, wire.DoorBulk, wire.CodeProtocol},
		"data that nobody asked for": {func(s *stand, liar *peer) {
			s.joins(liar)
			for range 200 { // 13 MB
				s.eng.Bulk(liar, wire.Frame{Kind: wire.FrameData, Version: s.flow.ID, Number: 3, Payload: make([]byte, wire.MaxDataBytes)})
			}
		}, wire.DoorBulk, wire.CodeProtocol},
		"data of a version that nobody wants": {func(s *stand, liar *peer) {
			for range 200 {
				s.eng.Bulk(liar, wire.Frame{Kind: wire.FrameData, Version: content.VersionID{1}, Payload: make([]byte, wire.MaxDataBytes)})
			}
		}, wire.DoorBulk, wire.CodeProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t)
				defer s.stop()
				s.want(s.flow)
				s.leaseBody()
				liar, honest := s.link("liar"), s.link("honest")
				s.joins(honest, 5)
				c.lie(s, liar)
				s.wantNamed(liar, c.door, c.code)
				if honest.closed != "" {
					t.Errorf("the honest one was closed with %q", honest.closed)
				}
			})
		})
	}
}

func TestWrongBodyNamesItsPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		liar := s.link("liar")
		s.eng.Ctl(liar, wire.Frame{Kind: wire.FrameJoin, Version: s.flow.ID, Number: 20, Flags: wire.JoinBodyHeld})
		synctest.Wait()
		s.eng.Bulk(liar, wire.Frame{Kind: wire.FrameBody, Version: s.flow.ID, Payload: make([]byte, len(s.body))})
		s.wantNamed(liar, wire.DoorBulk, wire.CodeBadBody)
	})
}

// TestBreachThatTheLinkFoundIsReported: frames that are malformed end a link before
// the engine sees them.
func TestBreachThatTheLinkFoundIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		liar, gone := s.link("liar"), s.link("gone")
		s.eng.LinkDown(liar.id, liar, 1, wire.CodeUnknownType)
		s.eng.LinkDown(gone.id, gone, 1, "connection lost")
		synctest.Wait()
		if r := s.reports(); len(r) != 1 || r[0].Peer != liar.id || r[0].Code != wire.CodeUnknownType {
			t.Errorf("reports %+v, want one that names the liar", r)
		}
	})
}

func TestRefusedDescriptionIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.eng.Signal(wire.Signal{To: "liar", Link: "l", Refused: "statement: signed by nobody"})
		s.eng.Signal(wire.Signal{To: "liar", Link: "l", Candidate: "candidate: 1"})
		if r := s.reports(); len(r) != 1 || r[0].Peer != "liar" || r[0].Code != wire.CodeStatement || r[0].Detail != "signed by nobody" {
			t.Errorf("reports %+v, want one that names the liar", r)
		}
	})
}

// older is another head of the same content, with a lower serial and a good signature.
func (s *stand) older(publisher ed25519.PrivateKey) wire.Flow {
	head, _, err := content.ReadHead(s.flow.Head)
	if err != nil {
		s.t.Fatal(err)
	}
	head.Version, head.Serial = "0", head.Serial-1
	envelope, id, err := content.SignHead(head, publisher)
	if err != nil {
		s.t.Fatal(err)
	}
	return wire.Flow{Generation: 2, ID: id, Head: envelope, Priority: wire.Normal}
}

func TestReplayedOlderHeadDisplacesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 20)
		old := s.older(s.publisher)
		refused := func(when string) {
			t.Helper()
			s.want(old)
			if p := s.lastProgress(); p.Flow != old.ID || p.Code != wire.CodeBadHead || !strings.Contains(p.Error, "app@1") {
				t.Errorf("%s: progress %+v, want %s that names what is newer", when, p, wire.CodeBadHead)
			}
			s.want(s.flow)
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if p := s.lastProgress(); p.Flow != s.flow.ID || !p.Complete {
				t.Errorf("%s: progress %+v, want version 1 complete as before", when, p)
			}
		}
		refused("as it was replaced")
		s.stop()
		s.run() // and what is held says so after a restart
		defer s.stop()
		refused("after a restart")
		if n := s.refused.Count(wire.DoorSocket, wire.CodeBadHead); n != 2 {
			t.Errorf("counted %d times, want twice", n)
		}
	})
}

func TestHeldVersionMayReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		newer := s.flow
		s.flow = s.older(s.publisher)
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 20)
		s.want(newer)
		s.want(s.flow)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if p := s.lastProgress(); p.Flow != s.flow.ID || p.Code != "" || !p.Complete {
			t.Errorf("progress %+v, want the version that is held", p)
		}
	})
}

func TestTrustDocumentOfAStrangerIsRefusedAndReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		sign := func(serial uint64, key ed25519.PrivateKey) json.RawMessage {
			doc, err := content.SignTrust(content.TrustDocument{Serial: serial, Created: time.Now(),
				Publishers: []content.Publisher{{Key: stranger.Public().(ed25519.PublicKey), Name: "s", Prefixes: []string{""}}}}, key)
			if err != nil {
				t.Fatal(err)
			}
			return doc
		}
		s.eng.Heard(wire.KindTrust, &wire.Trust{Document: sign(2, stranger)})
		s.eng.Heard(wire.KindTrust, &wire.Trust{Document: sign(1, s.root)}) // older than or as old as the one held
		synctest.Wait()
		if r := s.reports(); len(r) != 1 || r[0].Code != wire.CodeBadHead {
			t.Errorf("reports %+v, want one of a bad trust document", r)
		}
		if s.refused.Count(wire.DoorSocket, wire.CodeBadHead) != 1 || s.refused.Count(wire.DoorSocket, wire.CodeReplayed) != 1 {
			t.Error("the refusals are not counted")
		}
		s.makeContent(stranger)
		s.want(s.flow)
		if p := s.lastProgress(); p.Code != wire.CodeBadHead {
			t.Errorf("progress %+v, want code %q: the stranger is still none of ours", p, wire.CodeBadHead)
		}
	})
}

// A copy that the site keeps comes beside the newer version that is wanted, and never in
// its place.
func TestOlderVersionComesOnlyBesideTheOneThatIsWanted(t *testing.T) {
	for name, wanted := range map[string]bool{"it is wanted": true, "it is only held": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t)
				defer s.stop()
				s.want(s.flow)
				s.leaseBody()
				s.leaseChunks(0, 20)
				ids := []content.VersionID{s.flow.ID}
				if !wanted {
					ids = nil
				}
				s.eng.Heard(wire.KindFlows, &wire.Flows{Generation: 2, IDs: ids})
				kept := s.older(s.publisher)
				kept.Superseded, kept.Generation = true, 3
				s.eng.Heard(wire.KindFlow, &kept)
				s.eng.Heard(wire.KindFlows, &wire.Flows{Generation: 3, IDs: append(ids, kept.ID)})
				time.Sleep(2 * time.Second)
				synctest.Wait()
				if refused := s.refused.Count(wire.DoorSocket, wire.CodeBadHead) > 0; refused == wanted {
					t.Errorf("refused: %v", refused)
				}
			})
		})
	}
}
