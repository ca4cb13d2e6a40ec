package lab_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// offer is a description that would do, signed by whoever says it.
func offer(r *lab.Rogue, to wire.EndpointID, site string) wire.Signal {
	const print = "sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"
	claim := wire.Claim{Role: "offer", From: r.ID, To: to, Site: site, Link: "across", Fingerprint: print}
	return wire.Signal{From: r.ID, To: to, Link: "across", Attempt: 1,
		Offer: &wire.Description{SDP: "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=fingerprint:" + print + "\r\n", Statement: claim.Sign(r.Key)}}
}

// TestASiteNeverHearsOfARogueAtAnother, whatever the rogue sends and however much,
// and its download is not disturbed.
func TestASiteNeverHearsOfARogueAtAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 2 * mib
		l := lab.New(t, lab.Plan{Sites: []int{3, 2}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		here, there := l.Sites[0], l.Sites[1]
		ear := l.Rogue(here, "ear", "10.1.0.100") // a member of the site that only listens
		defer ear.End()
		rogue := l.Rogue(there, "rogue", "10.2.0.100")
		defer rogue.End()
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		time.Sleep(time.Second)
		flow := lastOf[wire.Flow](t, rogue)
		victims := []wire.EndpointID{ear.ID}
		for _, e := range l.Endpoints(here) {
			victims = append(victims, e.ID)
		}
		said := 0
		for _, to := range victims {
			for _, sig := range []wire.Signal{offer(rogue, to, here.Name), {To: to, From: ear.ID, Link: "across", Candidate: "candidate:1"},
				{To: to, Link: "across", Refused: "statement: no"}} {
				rogue.Say(wire.KindSignal, sig)
				said++
			}
			rogue.Say(wire.KindLinked, wire.Linked{Peer: to, Up: true})
			rogue.Say(wire.KindLinked, wire.Linked{Peer: to})
			said += 2
			rogue.Say(wire.KindReport, wire.Report{Peer: to, Flow: flow.ID, Code: wire.CodeBadChunk})
		}
		// Of a flow that only sounds like one, and leases that are others'.
		rogue.Say(wire.KindProgress, wire.Progress{Flow: content.VersionID{1}, Complete: true})
		for lease := range uint64(4) {
			rogue.Say(wire.KindProgress, wire.Progress{Flow: flow.ID, Leases: []wire.LeaseState{{Epoch: 1, Lease: lease + 1, Failed: "it is mine"}}})
		}
		f := l.AwaitComplete("app", here, 60*time.Second)
		if f.BytesOrigin != size || f.Endpoints != 4 {
			t.Errorf("%d bytes from the origin for %d endpoints, want one copy of %d for the site's own 4", f.BytesOrigin, f.Endpoints, size)
		}
		if n := l.Refused(wire.DoorSocket, wire.CodeUnknownPeer); n != said {
			t.Errorf("%d messages across sites counted, want %d", n, said)
		}
		if n := l.Refused(wire.DoorSocket, wire.CodeUnknownFlow); n != 1 {
			t.Errorf("%d flows of nobody counted, want 1", n)
		}
		for _, s := range lab.Heard[wire.Signal](ear) {
			if s.From == rogue.ID || s.Link == "across" {
				t.Errorf("the site heard %+v", s)
			}
		}
		for _, e := range l.Endpoints(here) {
			if len(e.ReportedBy) > 0 {
				t.Errorf("%s is shown as reported by %v, by nobody of its site", e.Name, e.ReportedBy)
			}
			if e.Name == "rogue" {
				t.Error("the rogue is listed at another site")
			}
		}
		l.AwaitComplete("app", there, 60*time.Second)
		for _, e := range append(here.Endpoints, there.Endpoints...) {
			e.WantDelivered("app", "1", size)
		}
	})
}

// lastOf returns the last message of a kind, which must have come.
func lastOf[T any](t *testing.T, r *lab.Rogue) *T {
	t.Helper()
	all := lab.Heard[T](r)
	if len(all) == 0 {
		t.Fatalf("%s heard no %T", r.ID.Short(), *new(T))
	}
	return all[len(all)-1]
}

// TestBadMessagesEndARoguesSessionOnly, with a code, and everybody else goes on.
func TestBadMessagesEndARoguesSessionOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 2 * mib
		l := lab.New(t, lab.Plan{Sites: []int{3}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		rogue := l.Rogue(s, "rogue", "10.1.0.100")
		defer rogue.End()
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		flow := func() content.VersionID { return lastOf[wire.Flow](t, rogue).ID }
		many := func(n int, do func()) {
			for range n {
				do()
			}
		}
		for _, c := range []struct {
			name string
			say  func()
			code string
			n    int // counted
		}{
			{"a gap", func() { rogue.SayAs(wire.KindObeyed, 7, wire.Obeyed{}) }, wire.CodeProtocol, 1},
			{"an unknown type", func() { rogue.SayText(`{"type":"dance","id":1,"body":{}}`) }, wire.CodeUnknownType, 1},
			{"64 KiB and one byte", func() { rogue.SayText(strings.Repeat("x", wire.MaxMessageBytes+1)) }, wire.CodeTooLarge, 1},
			{"bytes", func() { rogue.SayBytes([]byte{1, 2, 3}) }, wire.CodeProtocol, 1},
			{"half a message", func() { rogue.SayText(`{"type":"progress","id":1,"body":{"flow":`) }, wire.CodeProtocol, 1},
			{"no body", func() { rogue.SayText(`{"type":"progress","id":1}`) }, wire.CodeProtocol, 1},
			{"bits beyond the version", func() {
				many(8, func() {
					rogue.Say(wire.KindProgress, wire.Progress{Flow: flow(), Have: []wire.Bits{{From: 1 << 19, Bits: []byte{255}}}})
				})
			}, wire.CodeProtocol, 8},
			{"what only a server says", func() {
				many(8, func() { rogue.Say(wire.KindHangUp, wire.HangUp{Peer: rogue.ID}) })
			}, wire.CodeProtocol, 8},
		} {
			rogue.Open()
			before := l.Refused(wire.DoorSocket, c.code)
			c.say()
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if e := lastOf[wire.Error](t, rogue); e.Code != c.code || !rogue.Ended() {
				t.Errorf("%s: told %+v (ended %v), want %s", c.name, e, rogue.Ended(), c.code)
			}
			if n := l.Refused(wire.DoorSocket, c.code) - before; n != c.n {
				t.Errorf("%s: counted %d times as %s, want %d", c.name, n, c.code, c.n)
			}
		}
		// What came before is dropped, and a flood slows down only who sends it.
		rogue.Open()
		before := l.Refused(wire.DoorSocket, wire.CodeReplayed)
		rogue.SayAs(wire.KindObeyed, 1, wire.Obeyed{Generation: 1})
		many(5, func() { rogue.SayAs(wire.KindObeyed, 1, wire.Obeyed{Generation: 1}) })
		many(2600, func() { rogue.SayAs(wire.KindAck, 0, struct{}{}) })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := l.Refused(wire.DoorSocket, wire.CodeReplayed) - before; n != 5 || rogue.Ended() {
			t.Errorf("counted %d messages that came before (ended %v), want 5", n, rogue.Ended())
		}
		rogue.Close()
		l.Settle()
		if f := l.AwaitComplete("app", s, 60*time.Second); f.BytesOrigin != size {
			t.Errorf("%d bytes from the origin, want one copy of %d", f.BytesOrigin, size)
		}
		for _, e := range s.Endpoints {
			e.WantDelivered("app", "1", size)
		}
	})
}

// TestAnAddressIsGoodForItsObjectUntilItsEnd is what protects objects: an address
// is told to one endpoint, and whoever else learns it may read that one object (whose
// bytes no server vouches for: they are checked by hash) until it lapses.
func TestAnAddressIsGoodForItsObjectUntilItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lab.New(t, lab.Plan{Sites: []int{1, 1}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		here, there := l.Sites[0], l.Sites[1]
		here.Endpoints[0].Stop()
		holder := l.Rogue(here, "holder", "10.1.0.100")
		defer holder.End()
		rogue := l.Rogue(there, "rogue", "10.2.0.100")
		defer rogue.End()
		l.Publish("app", "1", mib)
		l.Distribute("app@1")
		time.Sleep(time.Second)
		holder.Say(wire.KindProgress, wire.Progress{Flow: lastOf[wire.Flow](t, holder).ID})
		time.Sleep(time.Second)
		lease := lastOf[wire.Lease](t, holder)
		if got := lab.Heard[wire.Lease](rogue); len(got) > 0 {
			t.Errorf("who reported nothing got leases: %+v", got)
		}
		if status, body := rogue.Get(lease.URL); status != http.StatusOK || content.Sum(body) != lease.Pack {
			t.Errorf("answered %d with %d bytes, want the object", status, len(body))
		}
		other := strings.Replace(lease.URL, lease.Pack.String(), content.Sum(nil).String(), 1)
		if status, _ := rogue.Get(other); status != http.StatusForbidden {
			t.Errorf("the address with another object answered %d, want 403", status)
		}
		time.Sleep(5 * time.Minute)
		if status, _ := rogue.Get(lease.URL); status != http.StatusForbidden {
			t.Errorf("the address answered %d after its end, want 403", status)
		}
		if n := l.Refused(wire.DoorObjects, "not_signed"); n != 2 {
			t.Errorf("%d counted, want 2", n)
		}
	})
}
