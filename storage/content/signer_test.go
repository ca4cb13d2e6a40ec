package content_test

import (
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

func TestSignerSaysWhatASignatureIsWorth(t *testing.T) {
	key := func(b byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(append(make([]byte, 31), b)) }
	public := func(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }
	root, ann, bob, eve, old := key(1), key(2), key(3), key(4), key(5)
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	doc := content.TrustDocument{Serial: 1, Created: now, Publishers: []content.Publisher{
		{Key: public(ann), Name: "ann", Prefixes: []string{"till-"}},
		{Key: public(old), Name: "old", Prefixes: []string{""}, Expires: now.Add(-time.Hour)},
	}, Revoked: []content.Revocation{{Key: public(bob), Name: "bob", At: now}}}
	signed, err := content.SignTrust(doc, root)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := content.OpenTrust(signed, public(root))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		key  ed25519.PrivateKey
		want content.Signer
	}{
		{"till-app", ann, content.Signer{Key: content.KeyID(public(ann)), Name: "ann", State: content.SignerValid}},
		{"kiosk", ann, content.Signer{Key: content.KeyID(public(ann)), State: content.SignerUnknown}},
		{"kiosk", old, content.Signer{Key: content.KeyID(public(old)), Name: "old", State: content.SignerExpired}},
		{"till-app", bob, content.Signer{Key: content.KeyID(public(bob)), Name: "bob", State: content.SignerRevoked}},
		{"till-app", eve, content.Signer{Key: content.KeyID(public(eve)), State: content.SignerUnknown}},
	} {
		head := content.Head{Name: c.name, Version: "1", Serial: 1, Created: now, Kind: content.KindFile, Body: content.Sum(nil), BodyBytes: 16}
		envelope, _, err := content.SignHead(head, c.key)
		if err != nil {
			t.Fatal(err)
		}
		if got := trust.Signer(envelope, now); got != c.want {
			t.Errorf("%s signed by %s: got %+v, want %+v", c.name, c.want.Name, got, c.want)
		}
	}
	if got := trust.Signer([]byte("{}"), now); got.State != content.SignerUnknown {
		t.Errorf("no head: got %+v", got)
	}
}
