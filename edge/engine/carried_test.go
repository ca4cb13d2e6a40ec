package engine_test

import (
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/signaling/wire"
)

// TestWhoIsAskedSaysWhatItsLinksCarried: in place of its attempts at one.
func TestWhoIsAskedSaysWhatItsLinksCarried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 20)
		a := s.link("a")
		s.link("b")
		s.asks(a, s.flow)
		s.eng.Heard(wire.KindExamine, &wire.Examine{Question: "links", Peer: "a", Links: true})
		synctest.Wait()
		got := sentToServer[wire.Examined](s)
		if len(got) != 1 {
			t.Fatalf("%d answers, want one", len(got))
		}
		links := got[0].Links
		if len(links) != 2 || links[0].Peer != "a" || links[1].Peer != "b" {
			t.Fatalf("%+v, want both links", links)
		}
		if want := int64(a.got(s.flow)); want == 0 || links[0].Sent != want || links[0].Received != 0 || links[1].Sent != 0 {
			t.Errorf("%+v, want that a was sent %d bytes", links, want)
		}
	})
}
