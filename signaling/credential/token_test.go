package credential_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/wire"
)

const signaling = credential.AudienceSignaling

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func idOf(t *testing.T) wire.EndpointID {
	t.Helper()
	return wire.IDOf(newKey(t).Public().(ed25519.PublicKey))
}

// tokenKey is the key that tokens are signed with, as it is on disk.
func tokenKey(t *testing.T, dir string) ed25519.PrivateKey {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "token.key"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("got %q, want PEM", text)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(ed25519.PrivateKey)
}

func TestTokenSaysWhoAndWhere(t *testing.T) {
	k, id := openKeys(t, t.TempDir()), idOf(t)
	now := time.Date(2026, 7, 1, 12, 0, 0, 999_000_000, time.UTC)
	token, expires, err := k.Issue(id, "shop", signaling, now)
	if err != nil {
		t.Fatal(err)
	}
	if life := expires.Sub(now); life > credential.TokenLifetime || life < credential.TokenLifetime-time.Second {
		t.Errorf("got a life of %v, want %v less a fraction of a second", life, credential.TokenLifetime)
	}
	got, err := k.Identify(token, signaling, now)
	if err != nil || got.Endpoint != id || got.Site != "shop" || !got.Expires.Equal(expires) {
		t.Errorf("got %+v (%v), want %s at shop until %v", got, err, id, expires)
	}
	header, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	if want := `{"alg":"EdDSA","typ":"JWT"}`; string(header) != want || err != nil {
		t.Errorf("got header %s (%v), want %s", header, err, want)
	}
}

func TestTokenEndsWithItsLife(t *testing.T) {
	k, id := openKeys(t, t.TempDir()), idOf(t)
	begin := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	token, expires, err := k.Issue(id, "shop", signaling, begin)
	if err != nil {
		t.Fatal(err)
	}
	for after, good := range map[time.Duration]bool{-credential.TokenLifetime: true, -time.Second: true, 0: true, // the clocks of two servers
		10 * time.Second: false, 24 * time.Hour: false} {
		if _, err := k.Identify(token, signaling, expires.Add(after)); (err == nil) != good || !good && !errors.Is(err, credential.ErrToken) {
			t.Errorf("%v after its end: got error %v, want accepted: %v", after, err, good)
		}
	}
}

// good are claims that are accepted, for forgers to begin with.
func good(id wire.EndpointID, now time.Time) jwt.MapClaims {
	return jwt.MapClaims{"iss": "sitecast", "sub": string(id), "aud": signaling, "site": "shop",
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
}

func sign(t *testing.T, method jwt.SigningMethod, header map[string]any, claims jwt.MapClaims, key any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	for name, value := range header {
		token.Header[name] = value
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func wantRefused(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, credential.ErrToken) {
		t.Errorf("%s: got error %v, want %q", what, err, credential.ErrToken)
	}
}

// Only claims differ here: the signature is the server's own.
func TestTokenWithoutTheRightClaimsIsRefused(t *testing.T) {
	dir := t.TempDir()
	k, id, now := openKeys(t, dir), idOf(t), time.Now()
	key := tokenKey(t, dir)
	if _, err := k.Identify(sign(t, jwt.SigningMethodEdDSA, nil, good(id, now), key), signaling, now); err != nil {
		t.Fatalf("the right claims: %v", err)
	}
	gone := struct{}{} // marks a claim to leave out
	for what, c := range map[string]struct {
		claim string
		value any
	}{
		"no issuer":           {"iss", gone},
		"another issuer":      {"iss", "somebody"},
		"no audience":         {"aud", gone},
		"another audience":    {"aud", "relay"},
		"an empty audience":   {"aud", []string{}},
		"no expiry":           {"exp", gone},
		"expiry 0":            {"exp", 0},
		"expiry in words":     {"exp", "tomorrow"},
		"expired":             {"exp", now.Add(-time.Minute).Unix()},
		"not yet":             {"nbf", now.Add(time.Minute).Unix()},
		"no endpoint":         {"sub", gone},
		"an impossible id":    {"sub", strings.ToUpper(string(id))},
		"a path for an id":    {"sub", "../" + string(id)[3:]},
		"no site":             {"site", gone},
		"an empty site":       {"site", ""},
		"a site in two parts": {"site", []string{"shop", "other"}},
	} {
		claims := good(id, now)
		if claims[c.claim] = c.value; c.value == gone {
			delete(claims, c.claim)
		}
		_, err := k.Identify(sign(t, jwt.SigningMethodEdDSA, nil, claims, key), signaling, now)
		wantRefused(t, what, err)
	}
	_, err := k.Identify(sign(t, jwt.SigningMethodEdDSA, nil, good(id, now), key), "another service", now)
	wantRefused(t, "at another service", err)
}

func TestTokenThatTheServerDidNotSignIsRefused(t *testing.T) {
	dir := t.TempDir()
	k, id, now := openKeys(t, dir), idOf(t), time.Now()
	key := tokenKey(t, dir)
	public := []byte(key.Public().(ed25519.PublicKey))
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, _, err := openKeys(t, t.TempDir()).Issue(id, "shop", signaling, now)
	if err != nil {
		t.Fatal(err)
	}
	own := sign(t, jwt.SigningMethodEdDSA, nil, good(id, now), key)
	parts := strings.Split(own, ".")
	for what, token := range map[string]string{
		"nothing":                "",
		"no signature":           parts[0] + "." + parts[1] + ".",
		"no third part":          parts[0] + "." + parts[1],
		"a fourth part":          own + "." + parts[2],
		"another server's":       elsewhere,
		"another key":            sign(t, jwt.SigningMethodEdDSA, nil, good(id, now), newKey(t)),
		"the root key":           sign(t, jwt.SigningMethodEdDSA, nil, good(id, now), k.Root),
		"a key in the header":    sign(t, jwt.SigningMethodEdDSA, map[string]any{"jwk": map[string]string{"kty": "OKP"}}, good(id, now), newKey(t)),
		"alg none":               sign(t, jwt.SigningMethodNone, nil, good(id, now), jwt.UnsafeAllowNoneSignatureType),
		"alg None":               sign(t, jwt.SigningMethodNone, map[string]any{"alg": "None"}, good(id, now), jwt.UnsafeAllowNoneSignatureType),
		"HS256, public key":      sign(t, jwt.SigningMethodHS256, nil, good(id, now), public),
		"HS256, public key, DER": sign(t, jwt.SigningMethodHS256, nil, good(id, now), spki),
		"HS256, empty key":       sign(t, jwt.SigningMethodHS256, nil, good(id, now), []byte{}),
		"signed, but says HS256": sign(t, jwt.SigningMethodEdDSA, map[string]any{"alg": "HS256"}, good(id, now), key),
		"signed, but says eddsa": sign(t, jwt.SigningMethodEdDSA, map[string]any{"alg": "eddsa"}, good(id, now), key),
	} {
		_, err := k.Identify(token, signaling, now)
		wantRefused(t, what, err)
	}
}

// A token too long to be one of ours is refused before it is read, even with a
// signature of ours.
func TestOversizedTokenIsRefused(t *testing.T) {
	dir := t.TempDir()
	k, id, now := openKeys(t, dir), idOf(t), time.Now()
	for size, ok := range map[int]bool{1 << 10: true, 4 << 10: false, 1 << 20: false} {
		header := map[string]any{"kid": strings.Repeat("x", size)}
		if _, err := k.Identify(sign(t, jwt.SigningMethodEdDSA, header, good(id, now), tokenKey(t, dir)), signaling, now); (err == nil) != ok {
			t.Errorf("a header of %d bytes: got error %v, want accepted: %v", size, err, ok)
		}
	}
}

// Whoever changes a single character of a token has none.
func TestTokenHasOneForm(t *testing.T) {
	k, id, now := openKeys(t, t.TempDir()), idOf(t), time.Now()
	token, _, err := k.Issue(id, "shop", signaling, now)
	if err != nil {
		t.Fatal(err)
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n"
	for i := range len(token) {
		for _, c := range []byte(alphabet) {
			if i < len(token)-1 && c%7 != byte(i%7) { // all of the last character's, some of the others'
				continue
			}
			changed := token[:i] + string(c) + token[i+1:]
			if who, err := k.Identify(changed, signaling, now); changed != token && err == nil {
				t.Fatalf("character %d as %q: accepted as %+v", i, c, who)
			}
		}
	}
	for _, changed := range []string{token + "=", token + "\n", " " + token, "Bearer " + token} {
		if _, err := k.Identify(changed, signaling, now); err == nil {
			t.Errorf("%q: accepted", changed)
		}
	}
}

// The site is in what is signed, not in what is said: a token moved to another
// site is no token.
func TestSiteIsTakenFromTheToken(t *testing.T) {
	k, id, now := openKeys(t, t.TempDir()), idOf(t), time.Now()
	var signed [2][]string
	for i, site := range []string{"shop", "bank"} {
		token, _, err := k.Issue(id, site, signaling, now)
		if err != nil {
			t.Fatal(err)
		}
		if who, err := k.Identify(token, signaling, now); who.Site != site || err != nil {
			t.Errorf("got site %q (%v), want %q", who.Site, err, site)
		}
		signed[i] = strings.Split(token, ".")
	}
	_, err := k.Identify(strings.Join([]string{signed[0][0], signed[1][1], signed[0][2]}, "."), signaling, now)
	wantRefused(t, "another token's claims", err)
}

func TestAPITokenIsReadBack(t *testing.T) {
	secret, hash := credential.NewSecret()
	if len(secret) != 32 || !bytes.Equal(hash, credential.Hash(secret)) || bytes.Equal(hash, secret) {
		t.Fatalf("got secret %x, hash %x", secret, hash)
	}
	if other, _ := credential.NewSecret(); bytes.Equal(other, secret) {
		t.Error("got the same secret twice")
	}
	token := credential.APIToken(secret)
	for _, text := range []string{token, token + "\n", " " + token + "\r\n"} { // from a file
		if got, err := credential.ParseAPIToken(text); !bytes.Equal(got, secret) || err != nil {
			t.Errorf("%q: got %x (%v), want %x", text, got, err, secret)
		}
	}
	for what, text := range map[string]string{
		"nothing":      "",
		"no prefix":    strings.TrimPrefix(token, "sca1."),
		"wrong prefix": "sca2." + strings.TrimPrefix(token, "sca1."),
		"prefix only":  "sca1.",
		"cut short":    token[:len(token)-1],
		"a byte more":  credential.APIToken(append(secret, 0)),
		"a byte less":  credential.APIToken(secret[:31]),
		"padded":       token + "=",
		"a line break": token[:20] + "\n" + token[20:],
		"two in one":   token + token,
		"very long":    token + strings.Repeat("A", 1<<16),
	} {
		_, err := credential.ParseAPIToken(text)
		wantRefused(t, what, err)
	}
}

func FuzzParseAPIToken(f *testing.F) {
	f.Add("")
	f.Add(credential.APIToken(make([]byte, 32)))
	f.Fuzz(func(t *testing.T, text string) {
		secret, err := credential.ParseAPIToken(text)
		if err != nil {
			return
		}
		if again := credential.APIToken(secret); again != strings.TrimSpace(text) {
			t.Errorf("got %x of %q, which is %q", secret, text, again)
		}
	})
}

// FuzzIdentify looks for a text that passes without the key, or that panics.
func FuzzIdentify(f *testing.F) {
	k, _, err := credential.OpenKeys(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	claims, err := json.Marshal(good("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", time.Now()))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("")
	f.Add("..")
	for _, header := range []string{`{"alg":"none"}`, `{"alg":"EdDSA","typ":"JWT"}`, `{"alg":"HS256","crit":["exp"]}`, `{"alg":7}`, `null`} {
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(claims) + "." +
			base64.RawURLEncoding.EncodeToString(make([]byte, 64)))
	}
	f.Fuzz(func(t *testing.T, token string) {
		if who, err := k.Identify(token, signaling, time.Now()); err == nil || who != (credential.Identity{}) {
			t.Errorf("got %+v, %v of %q", who, err, token)
		}
	})
}

func TestTURNCredentialsEndAndNameTheEndpoint(t *testing.T) {
	// Computed with: printf 1782910800:ID | openssl dgst -sha1 -hmac secret -binary | base64
	now := time.Unix(1782910800, 0).Add(-credential.TURNLifetime)
	user, password := credential.TURN([]byte("secret"), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "shop", now)
	if want := "1782910800:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/8d9001d32c6a703d"; user != want {
		t.Errorf("got user %q, want %q", user, want)
	}
	if want := "WL0RCvzdvGGZeSO/GOnUGu5NtVM="; password != want {
		t.Errorf("got password %q, want %q", password, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "secret")
		later := now.Add(time.Duration(rapid.Int64Range(1, 1<<20).Draw(t, "seconds")) * time.Second)
		_, a := credential.TURN(secret, "a", "shop", now)
		_, b := credential.TURN(secret, "b", "shop", now)
		_, c := credential.TURN(secret, "a", "shop", later)
		if a == b || a == c {
			t.Fatalf("got the same password for another endpoint or time: %q, %q, %q", a, b, c)
		}
	})
}

func TestASecretOfARelayIsReadWithoutItsLineEnd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	for text, want := range map[string]string{"0123456789abcdef\n": "0123456789abcdef", " 0123456789abcdef\r\n": "0123456789abcdef",
		"0123456789abcde\n": "", "": "", strings.Repeat("x", 513): ""} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := credential.ReadRelaySecret(file)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%.20q is read as %q, %v; want %q", text, got, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "make one with") {
			t.Errorf("%v does not say what to do", err)
		}
	}
	if _, err := credential.ReadRelaySecret(file + ".not"); err == nil {
		t.Error("a file that is not there was read")
	}
}
