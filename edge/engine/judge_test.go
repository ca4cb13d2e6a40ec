package engine_test

import (
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/cache"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// revoke brings a trust document in which the publisher's key is revoked, and another is
// good, which signs from now on.
func (s *stand) revoke(t *testing.T, serial uint64) {
	t.Helper()
	other := ed25519.NewKeyFromSeed([]byte(strings.Repeat("o", ed25519.SeedSize)))
	s.eng.Heard(wire.KindTrust, &wire.Trust{Document: s.document(t, content.TrustDocument{Serial: serial, Created: time.Now(),
		Publishers: []content.Publisher{{Key: other.Public().(ed25519.PublicKey), Name: "other", Prefixes: []string{""}}},
		Revoked:    []content.Revocation{{Key: s.publisher.Public().(ed25519.PublicKey), Name: "test", At: time.Now()}}})})
	synctest.Wait()
	s.publisher = other
}

// document signs a trust document, which engines that start later have, too.
func (s *stand) document(t *testing.T, doc content.TrustDocument) json.RawMessage {
	t.Helper()
	signed, err := content.SignTrust(doc, s.root)
	if err != nil {
		t.Fatal(err)
	}
	if s.trust, err = content.OpenTrust(signed, s.root.Public().(ed25519.PublicKey)); err != nil {
		t.Fatal(err)
	}
	return signed
}

func (s *stand) reasons(t *testing.T) (out []string) {
	t.Helper()
	st, err := s.eng.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range st.Flows {
		out = append(out, f.State+": "+f.Reason)
	}
	return out
}

func TestVersionOfARevokedKeyIsNotCompletedUntilItIsSignedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 10)
		time.Sleep(2 * time.Second)
		s.revoke(t, 2)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if p := s.lastProgress(); p.Code != wire.CodeBadHead || p.Error != "the key of test was revoked" {
			t.Errorf("progress %+v, want that the key was revoked", p)
		}
		s.leaseChunks(10, 20) // of a server that does not know
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		s.want(s.flow) // as it was signed
		if s.wantDelivered(); s.lastProgress().Code != wire.CodeBadHead {
			t.Errorf("progress %+v long after", s.lastProgress())
		}
		// The same head with another signature is the same version, and goes on.
		anew := s.sign(s.head, wire.Normal)
		if anew.ID != s.flow.ID {
			t.Fatalf("signed anew it is %s, was %s", anew.ID, s.flow.ID)
		}
		anew.Generation = 3
		s.want(anew)
		s.leaseOf(anew, 50, 10, 20)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if p := s.lastProgress(); !p.Complete || p.Code != "" {
			t.Errorf("progress %+v, want it complete", p)
		}
		s.wantDelivered("1")
	})
}

func TestVersionThatIsHeldStaysWhenItsKeyIsRevokedAndIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		k := s.employ(50_000_000, cache.Policy{Keep: 1})
		flow := s.deliver(1)
		k.take()
		s.revoke(t, 2)
		if got, want := k.take(), "known=true 1(64 complete=true wanted=false)"; last(got) != want {
			t.Errorf("the kiosk is told %q, want %q: it does not begin to use it", got, want)
		}
		r := s.reports()
		if len(r) != 1 || r[0].Code != wire.CodeBadHead || r[0].Detail != "app@1 is held: the key of test was revoked" {
			t.Errorf("reports %+v", r)
		}
		if got := s.reasons(t); len(got) != 1 || got[0] != "complete: the key of test was revoked" {
			t.Errorf("status %q", got)
		}
		// After a restart it is the same.
		s.stop()
		s.run()
		s.want(flow)
		if p := s.lastProgress(); !p.Complete || p.Code != "" {
			t.Errorf("progress %+v after a restart", p)
		}
		if got := s.reasons(t); len(got) != 1 || got[0] != "complete: the key of test was revoked" {
			t.Errorf("status %q after a restart", got)
		}
		s.wantDelivered("1")
		head := s.head
		head.Version, head.Serial = "1", s.head.Serial+1
		anew := s.sign(head, wire.Normal)
		anew.Generation = 20
		if s.want(anew); anew.ID != flow.ID {
			t.Fatalf("signed anew it is %s, was %s", anew.ID, flow.ID)
		}
		if got := s.reasons(t); len(got) != 1 || got[0] != "complete: " {
			t.Errorf("status %q after it was signed anew", got)
		}
		if got, want := k.take(), "known=true 1(64 complete=true wanted=true)"; last(got) != want {
			t.Errorf("the kiosk is told %q, want %q", got, want)
		}
	})
}

func TestSignatureOfAStrangerChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		good := s.publisher
		s.publisher = stranger
		bad := s.sign(s.head, wire.High)
		s.publisher = good
		s.want(bad)
		if p := s.lastProgress(); p.Code != "" {
			t.Errorf("progress %+v of a flow that a good key signed", p)
		}
		s.revoke(t, 2)
		s.want(bad)
		time.Sleep(time.Minute)
		synctest.Wait()
		if p := s.lastProgress(); p.Code != wire.CodeBadHead {
			t.Errorf("progress %+v, want that nobody trusted signed it", p)
		}
	})
}
