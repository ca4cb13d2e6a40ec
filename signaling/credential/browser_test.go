package credential_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/wire"
)

func visit(until time.Time) wire.Visit {
	return wire.Visit{Origin: "https://shop.example:8443", Contents: []wire.Named{{Name: "app"}, {Name: "films", Version: "2"}}, Until: until.UTC()}
}

func TestABrowserTokenBecomesOneOfAnEndpointThatEndsNoLater(t *testing.T) {
	k, id := openKeys(t, t.TempDir()), idOf(t)
	now := time.Date(2026, 7, 1, 12, 0, 0, 500_000_000, time.UTC)
	want := visit(now.Truncate(time.Second).Add(15 * time.Minute))
	token, err := k.IssueBrowser("shop", want, now)
	if err != nil {
		t.Fatal(err)
	}
	site, got, err := k.IdentifyBrowser(token, now)
	if got.Until = got.Until.UTC(); err != nil || site != "shop" || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v at %q (%v), want %+v", got, site, err, want)
	}
	for after, life := range map[time.Duration]time.Duration{0: credential.TokenLifetime, 10 * time.Minute: 5 * time.Minute, 899 * time.Second: time.Second} {
		at := now.Truncate(time.Second).Add(after)
		session, expires, err := k.IssueVisitor(id, site, got, at)
		if err != nil || expires.Sub(at) != life {
			t.Fatalf("%v later a session of %v (%v), want %v", after, expires.Sub(at), err, life)
		}
		who, err := k.Identify(session, signaling, at)
		if err != nil || who.Endpoint != id || who.Site != "shop" || !who.Expires.Equal(expires) || who.Visit == nil {
			t.Fatalf("it speaks for %+v (%v)", who, err)
		}
		if who.Visit.Until = who.Visit.Until.UTC(); !reflect.DeepEqual(*who.Visit, want) {
			t.Errorf("it allows %+v, want %+v", *who.Visit, want)
		}
	}
	_, _, err = k.IssueVisitor(id, site, got, got.Until)
	wantRefused(t, "a session after the end", err)
	_, _, err = k.IdentifyBrowser(token, got.Until.Add(10*time.Second))
	wantRefused(t, "the browser token after its end", err)
}

// TestTokensAreForOneUse: each kind of token is refused where another is asked for.
func TestTokensAreForOneUse(t *testing.T) {
	k, other, id, now := openKeys(t, t.TempDir()), openKeys(t, t.TempDir()), idOf(t), time.Now()
	browser, err := k.IssueBrowser("shop", visit(now.Add(time.Hour)), now)
	if err != nil {
		t.Fatal(err)
	}
	session, _, err := k.IssueVisitor(id, "shop", visit(now.Add(time.Hour)), now)
	if err != nil {
		t.Fatal(err)
	}
	agent, _, err := k.Issue(id, "shop", signaling, now)
	if err != nil {
		t.Fatal(err)
	}
	if who, err := k.Identify(agent, signaling, now); err != nil || who.Visit != nil {
		t.Errorf("an agent's token speaks for %+v (%v), want no visit", who, err)
	}
	_, err = k.Identify(browser, signaling, now)
	wantRefused(t, "a browser token as an agent's", err)
	for what, token := range map[string]string{"an agent's": agent, "a browser's of the socket": session, "an API token": credential.APIToken(make([]byte, 32)),
		"nothing": "", "one in lines": browser[:20] + "\n" + browser[20:], "one too long": browser + strings.Repeat("A", 4<<10)} {
		_, _, err := k.IdentifyBrowser(token, now)
		wantRefused(t, what+" as a browser token", err)
	}
	for what, token := range map[string]string{"a browser token": browser, "a browser's of the socket": session} {
		_, _, err := other.IdentifyBrowser(token, now)
		wantRefused(t, what+" of another server", err)
		_, err = other.Identify(token, signaling, now)
		wantRefused(t, what+" of another server", err)
		if _, err := credential.ParseAPIToken(token); err == nil {
			t.Errorf("%s is an API token", what)
		}
	}
}

// Only claims differ here: the signature is the server's own.
func TestABrowsersTokenThatSaysHalfIsRefused(t *testing.T) {
	dir := t.TempDir()
	k, id, now := openKeys(t, dir), idOf(t), time.Now()
	key := tokenKey(t, dir)
	claims := func(change func(jwt.MapClaims)) string {
		c := good(id, now)
		c["origin"], c["contents"], c["until"] = "https://shop.example", []map[string]string{{"name": "app"}}, now.Add(time.Hour).Unix()
		change(c)
		return sign(t, jwt.SigningMethodEdDSA, nil, c, key)
	}
	if who, err := k.Identify(claims(func(jwt.MapClaims) {}), signaling, now); err != nil || who.Visit == nil {
		t.Fatalf("the right claims: %+v, %v", who, err)
	}
	for what, change := range map[string]func(jwt.MapClaims){
		"no origin":    func(c jwt.MapClaims) { delete(c, "origin") },
		"no contents":  func(c jwt.MapClaims) { delete(c, "contents") },
		"no end":       func(c jwt.MapClaims) { delete(c, "until") },
		"an end alone": func(c jwt.MapClaims) { delete(c, "origin"); delete(c, "contents") },
		"empty list":   func(c jwt.MapClaims) { c["contents"] = []string{} },
		"a bad name":   func(c jwt.MapClaims) { c["contents"] = []map[string]string{{"name": "../app"}} },
	} {
		_, err := k.Identify(claims(change), signaling, now)
		wantRefused(t, what, err)
		_, _, err = k.IdentifyBrowser(claims(func(c jwt.MapClaims) { c["aud"] = "browser"; delete(c, "until"); delete(c, "site"); change(c) }), now)
		wantRefused(t, what+" and no site", err)
	}
}

// TestABrowserTokenFitsWhereverItGoes: the token that it is traded for is longer.
func TestABrowserTokenFitsWhereverItGoes(t *testing.T) {
	k, id, now := openKeys(t, t.TempDir()), idOf(t), time.Now()
	v := visit(now.Add(time.Hour))
	v.Contents = nil
	longest := 0
	for n := 1; ; n++ {
		v.Contents = append(v.Contents, wire.Named{Name: fmt.Sprintf("%0100d", n), Version: strings.Repeat("1", 60)})
		token, err := k.IssueBrowser(strings.Repeat("s", 100), v, now)
		if errors.Is(err, credential.ErrTooLong) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		longest = len(token)
		session, _, err := k.IssueVisitor(id, strings.Repeat("s", 100), v, now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Identify(session, signaling, now); err != nil {
			t.Fatalf("a browser token of %d bytes, and a session of %d: %v", len(token), len(session), err)
		}
	}
	if longest < 3000 {
		t.Errorf("the longest token had %d bytes", longest)
	}
}
