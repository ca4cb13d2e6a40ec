package credential_test

import (
	"crypto/ed25519"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/wire"
)

// FuzzVerifyURL looks for an address that passes although nobody signed it.
func FuzzVerifyURL(f *testing.F) {
	k, _, err := credential.OpenKeys(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	now := time.Now()
	path, query, _ := strings.Cut(k.SignURL("/packs/ab", now.Add(time.Hour)), "?")
	f.Add(path, "exp=1&sig=")
	f.Add(path, "exp=99999999999&sig=00")
	f.Add("/packs/ab\n1", "exp=1;sig=")
	f.Add(path, query[:len(query)-1])
	f.Add(path, query)
	f.Fuzz(func(t *testing.T, at, text string) {
		values, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		signed, _ := url.ParseQuery(query)
		mine := at == path && values.Get("exp") == signed.Get("exp") && values.Get("sig") == signed.Get("sig")
		if err := k.VerifyURL(at, values, now); (err == nil) != mine {
			t.Errorf("%q?%q: %v", at, text, err)
		}
	})
}

// FuzzAnswered looks for a challenge that passes although this server never made
// it, whoever signs it.
func FuzzAnswered(f *testing.F) {
	k, _, err := credential.OpenKeys(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	now := time.Now()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public := key.Public().(ed25519.PublicKey)
	nonce := k.Challenge(now)
	f.Add("")
	f.Add(nonce)
	f.Add(nonce + "0")
	f.Add("1.x.y")
	f.Add(".")
	f.Fuzz(func(t *testing.T, text string) {
		req := wire.SessionRequest{Endpoint: wire.IDOf(public), Nonce: text, Proof: ed25519.Sign(key, wire.SessionClaim(text))}
		if err := k.Answered(req, public, now); (err == nil) != (text == nonce) {
			t.Errorf("%q: %v", text, err)
		}
	})
}

// FuzzKeyFiles holds that a key file is read whole or refused: what is in it comes
// from whoever may write there.
func FuzzKeyFiles(f *testing.F) {
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		if key, err := credential.ParsePrivate(text); err == nil && len(key) != ed25519.PrivateKeySize {
			t.Errorf("a private key of %d bytes", len(key))
		}
		if key, err := credential.ParsePublic(text); err == nil && len(key) != ed25519.PublicKeySize {
			t.Errorf("a public key of %d bytes", len(key))
		}
	})
}
