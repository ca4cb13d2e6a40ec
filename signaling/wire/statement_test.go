package wire_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/sitecast/sitecast/signaling/wire"
)

// author is a key that tests in any language can make: its seed is 32 zeros.
var author = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

var claim = wire.Claim{
	Role: "offer", From: wire.IDOf(author.Public().(ed25519.PublicKey)), To: "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
	Site: "shop-12", Link: "q1", Fingerprint: "sha-256 AA:BB",
}

func TestStatementProvesItsAuthorAndNothingElse(t *testing.T) {
	s := claim.Sign(author)
	if err := claim.Verify(s); err != nil {
		t.Fatal(err)
	}
	other := ed25519.NewKeyFromSeed(append(make([]byte, 31), 1))
	for name, try := range map[string]func(*wire.Claim, *wire.Statement){
		"role":        func(c *wire.Claim, _ *wire.Statement) { c.Role = "answer" },
		"author":      func(c *wire.Claim, _ *wire.Statement) { c.From = c.To },
		"receiver":    func(c *wire.Claim, _ *wire.Statement) { c.To = c.From },
		"site":        func(c *wire.Claim, _ *wire.Statement) { c.Site = "shop-13" },
		"link":        func(c *wire.Claim, _ *wire.Statement) { c.Link = "q2" },
		"fingerprint": func(c *wire.Claim, _ *wire.Statement) { c.Fingerprint = "sha-256 AA:BC" },
		"moved lines": func(c *wire.Claim, _ *wire.Statement) { c.Site, c.Link = "shop-12\nq1", "" },
		"other key":   func(_ *wire.Claim, s *wire.Statement) { *s = claim.Sign(other) },
		"no key":      func(_ *wire.Claim, s *wire.Statement) { s.Key = nil },
	} {
		c, forged := claim, s
		try(&c, &forged)
		if err := c.Verify(forged); !errors.Is(err, wire.ErrStatement) {
			t.Errorf("with another %s: %v", name, err)
		}
	}
}

// The figures here are for implementations in other languages to meet.
func TestIdAndSignatureAreThoseOfTheSpecification(t *testing.T) {
	if want := wire.EndpointID("copdsqhgjnkjc4rardm2bv2bmkh4qjxa"); claim.From != want {
		t.Errorf("the id of the zero key is %s, want %s", claim.From, want)
	}
	if got, want := hex.EncodeToString(claim.Sign(author).Signature), "a9fbb8d19490af7d3e00ce5ff20eef90ce24f788d396a4fd978cbb983a981ebd1bf4ee7b0d1e80c4bdf0cde2f59d03fff130ab9f50b58559a8e2ca126c6ccb09"; got != want {
		t.Errorf("the signature is %s, want %s", got, want)
	}
}

func TestEndpointIdsAreChecked(t *testing.T) {
	for _, bad := range []wire.EndpointID{"", "short", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb1", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbB", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"} {
		if bad.Check() == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	if err := claim.From.Check(); err != nil {
		t.Error(err)
	}
	if got := claim.To.Short(); got != "bbbbbbbb" {
		t.Errorf("short is %q", got)
	}
}

// FuzzVerify holds that a statement proves its own claim and no other.
func FuzzVerify(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	id := wire.IDOf(key.Public().(ed25519.PublicKey))
	claim := wire.Claim{Role: "offer", From: id, To: id, Site: "shop", Link: "l", Fingerprint: "sha-256 AA"}
	good := claim.Sign(key)
	f.Add("offer", string(id), "shop", "l", "sha-256 AA", good.Key, good.Signature)
	f.Add("offer", string(id), "shop\nl", "", "sha-256 AA", good.Key, good.Signature)
	f.Add("", "", "", "", "", []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, role, to, site, link, print string, public, signature []byte) {
		c := wire.Claim{Role: role, From: id, To: wire.EndpointID(to), Site: site, Link: link, Fingerprint: print}
		err := c.Verify(wire.Statement{Key: public, Signature: signature})
		if err == nil && c != claim {
			t.Errorf("the statement for %+v proves %+v", claim, c)
		}
	})
}
