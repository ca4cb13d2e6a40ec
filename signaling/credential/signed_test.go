package credential_test

import (
	"crypto/ed25519"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/wire"
)

// verify checks a signed address as the server does, from what came in.
func verify(k *credential.Keys, address string, now time.Time) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	return k.VerifyURL(u.Path, u.Query(), now)
}

func TestSignedURLIsGoodUntilItsEnd(t *testing.T) {
	k := openKeys(t, t.TempDir())
	begin := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	// An hour is what a site with a small cap takes for a lease.
	for _, life := range []time.Duration{time.Second, time.Minute, time.Hour, 48 * time.Hour} {
		address := k.SignURL("/packs/0123abcd", begin.Add(life))
		if !strings.HasPrefix(address, "/packs/0123abcd?") {
			t.Errorf("got %q, want the path with a query", address)
		}
		for after, ok := range map[time.Duration]bool{-life: true, -time.Second: true, 0: true, time.Second: false, time.Hour: false} {
			if err := verify(k, address, begin.Add(life+after)); (err == nil) != ok {
				t.Errorf("good for %v, %v after its end: got error %v, want accepted: %v", life, after, err, ok)
			} else if !ok {
				wantRefused(t, "expired", err)
			}
		}
	}
}

func TestChangedURLIsRefused(t *testing.T) {
	k, now := openKeys(t, t.TempDir()), time.Now()
	address := k.SignURL("/packs/aaaa", now.Add(time.Minute))
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	exp, sig := u.Query().Get("exp"), u.Query().Get("sig")
	end, err := strconv.ParseInt(exp, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	flipped := []byte(sig)
	flipped[0] ^= 1
	for what, changed := range map[string]struct {
		path string
		exp  string
		sig  string
	}{
		"another path":        {"/packs/bbbb", exp, sig},
		"another kind":        {"/bodies/aaaa", exp, sig},
		"a path below":        {"/packs/aaaa/", exp, sig},
		"an upper-case path":  {"/packs/AAAA", exp, sig},
		"a later end":         {"/packs/aaaa", strconv.FormatInt(end+1, 10), sig},
		"the end with a sign": {"/packs/aaaa", "+" + exp, sig},
		"the end with a zero": {"/packs/aaaa", "0" + exp, sig},
		"no end":              {"/packs/aaaa", "", sig},
		"end moved to path":   {"/packs/aaaa\n" + exp, "", sig},
		"no signature":        {"/packs/aaaa", exp, ""},
		"half a signature":    {"/packs/aaaa", exp, sig[:32]},
		"changed signature":   {"/packs/aaaa", exp, string(flipped)},
		"upper-case":          {"/packs/aaaa", exp, strings.ToUpper(sig)},
	} {
		wantRefused(t, what, k.VerifyURL(changed.path, url.Values{"exp": {changed.exp}, "sig": {changed.sig}}, now))
	}
	wantRefused(t, "no query", k.VerifyURL("/packs/aaaa", nil, now))
	wantRefused(t, "another server's", verify(openKeys(t, t.TempDir()), address, now))
	if err := verify(k, address, now); err != nil {
		t.Errorf("unchanged: %v", err)
	}
}

func TestURLIsGoodForItsPathOnly(t *testing.T) {
	k, now := openKeys(t, t.TempDir()), time.Now()
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.StringMatching(`/[a-z]{1,6}/[0-9a-f]{1,64}`)
		a, b := path.Draw(t, "a"), path.Draw(t, "b")
		u, err := url.Parse(k.SignURL(a, now.Add(time.Minute)))
		if err != nil {
			t.Fatal(err)
		}
		if err := k.VerifyURL(b, u.Query(), now); (err == nil) != (a == b) {
			t.Fatalf("signed for %q, asked for %q: got error %v", a, b, err)
		}
	})
}

// answer signs a nonce as an endpoint does.
func answer(key ed25519.PrivateKey, nonce string) wire.SessionRequest {
	return wire.SessionRequest{Endpoint: wire.IDOf(key.Public().(ed25519.PublicKey)), Nonce: nonce,
		Proof: ed25519.Sign(key, wire.SessionClaim(nonce))}
}

func TestAnsweredChallengeProvesTheEndpoint(t *testing.T) {
	k, key, now := openKeys(t, t.TempDir()), newKey(t), time.Now()
	public := key.Public().(ed25519.PublicKey)
	nonce := k.Challenge(now)
	if other := k.Challenge(now); other == nonce {
		t.Errorf("got the nonce %q twice", nonce)
	}
	for after, ok := range map[time.Duration]bool{0: true, credential.NonceLifetime - time.Second: true, // whole seconds
		-time.Second: true, credential.NonceLifetime + time.Second: false, time.Hour: false,
		// The server's clock was set back: the nonce must not live until it has caught up.
		-time.Minute: false, -time.Hour: false} {
		if err := k.Answered(answer(key, nonce), public, now.Add(after)); (err == nil) != ok {
			t.Errorf("%v after the challenge: got error %v, want accepted: %v", after, err, ok)
		}
	}
}

func TestAnswerThatProvesNothingIsRefused(t *testing.T) {
	k, key, other, now := openKeys(t, t.TempDir()), newKey(t), newKey(t), time.Now()
	public := key.Public().(ed25519.PublicKey)
	nonce, next := k.Challenge(now), k.Challenge(now)
	stamp, rest, _ := strings.Cut(nonce, ".")
	older, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	signed := k.SignURL(nonce[:strings.LastIndexByte(nonce, '.')], now.Add(time.Minute))
	for what, forged := range map[string]string{
		"empty":                   "",
		"a dot":                   ".",
		"dots":                    "...",
		"the time alone":          stamp,
		"no code":                 nonce[:strings.LastIndexByte(nonce, '.')] + ".",
		"a later time":            strconv.FormatInt(older+1, 10) + "." + rest,
		"another server's":        openKeys(t, t.TempDir()).Challenge(now),
		"something after":         nonce + "0",
		"very long":               nonce + strings.Repeat("0", 1<<16),
		"the code of an address":  nonce[:strings.LastIndexByte(nonce, '.')+1] + signed[strings.LastIndex(signed, "sig=")+4:],
		"a code of another nonce": nonce[:strings.LastIndexByte(nonce, '.')] + next[strings.LastIndexByte(next, '.'):],
	} {
		wantRefused(t, what, k.Answered(answer(key, forged), public, now))
	}

	stolen := answer(key, nonce)
	wantRefused(t, "another endpoint's key", k.Answered(answer(other, nonce), public, now))
	wantRefused(t, "a key that is not the id's", k.Answered(stolen, other.Public().(ed25519.PublicKey), now))
	wantRefused(t, "no key", k.Answered(stolen, nil, now))
	wantRefused(t, "a short key", k.Answered(stolen, public[:31], now))
	stolen.Endpoint = wire.IDOf(other.Public().(ed25519.PublicKey))
	wantRefused(t, "another endpoint's id", k.Answered(stolen, public, now))
	stolen = answer(key, nonce)
	stolen.Proof = stolen.Proof[:63]
	wantRefused(t, "half a proof", k.Answered(stolen, public, now))
	stolen.Proof = ed25519.Sign(key, []byte(nonce))
	wantRefused(t, "a proof of something else", k.Answered(stolen, public, now))
	stolen = answer(key, nonce)
	stolen.Nonce = next
	wantRefused(t, "a proof for another nonce", k.Answered(stolen, public, now))
}
