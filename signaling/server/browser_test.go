package server_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// pageOrigin is that of the server's own pages.
const pageOrigin = "https://10.0.0.1"

// page proves a browser token and a key of its own, as a page of the server does.
func (s *stand) page(token string) wire.BrowserSessionResponse {
	s.t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	s.must(err)
	var c wire.ChallengeResponse
	s.call("POST", wire.PathChallenge, "", struct{}{}, &c)
	var out wire.BrowserSessionResponse
	text, err := json.Marshal(wire.BrowserSessionRequest{Token: token, Key: public, Nonce: c.Nonce, Proof: ed25519.Sign(key, wire.SessionClaim(c.Nonce))})
	s.must(err)
	req, err := http.NewRequestWithContext(s.t.Context(), "POST", base+wire.PathBrowserSession, bytes.NewReader(text))
	s.must(err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", pageOrigin)
	client := http.Client{Transport: &http.Transport{DialContext: s.net.Dialer("10.0.0.2"), TLSClientConfig: s.tls(), DisableKeepAlives: true}}
	resp, err := client.Do(req)
	s.must(err)
	defer resp.Body.Close()
	s.must(json.NewDecoder(resp.Body).Decode(&out))
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("the session answered %s", resp.Status)
	}
	return out
}

// publish makes a version of no files.
func (s *stand) publish(name, number string) {
	s.t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	s.must(err)
	s.call("POST", "/api/v1/publishers", s.admin(), api.NewPublisher{Key: public, Name: "tester", Prefixes: []string{""}}, nil)
	var reserved api.Reserved
	s.call("POST", "/api/v1/versions", s.admin(), api.NewVersion{Name: name, Version: number}, &reserved)
	body, err := new(content.Builder).Body(nil)
	s.must(err)
	encoded := body.Encode()
	head, _, err := content.SignHead(content.Head{Name: name, Version: number, Serial: reserved.Serial, Created: time.Now(), Kind: content.KindTree,
		Body: content.Sum(encoded), BodyBytes: int64(len(encoded))}, key)
	s.must(err)
	resp, text, err := s.do("10.0.0.2", "PUT", base+"/api/v1/objects/"+content.Sum(encoded).String(), s.admin(), encoded)
	if err != nil || resp.StatusCode != http.StatusNoContent {
		s.t.Fatalf("the upload answered %v %s, %v", resp, text, err)
	}
	s.call("PUT", "/api/v1/versions/"+name+"/"+number, s.admin(), api.SignedVersion{Head: head, Packs: []content.Digest{}}, nil)
}

// farewell reads until the server says why it closes.
func (s *stand) farewell(k *socket) wire.Error {
	s.t.Helper()
	for {
		body, ok := s.hear(k)
		if !ok {
			s.t.Fatal("the socket closed without a word")
		}
		if e, ok := body.(*wire.Error); ok {
			_ = k.conn.Close()
			return *e
		}
	}
}

// link publishes a version, and makes a browser token for it at a site.
func (s *stand) link(name, content string, ttl time.Duration) string {
	s.t.Helper()
	s.call("POST", "/api/v1/sites", s.admin(), api.NewSite{Name: name}, nil)
	s.publish(content, "1")
	var made api.MadeBrowserToken
	s.call("POST", "/api/v1/browser-tokens", s.admin(), api.NewBrowserToken{Site: name, Contents: []wire.Named{{Name: content}}, TTLSeconds: int64(ttl / time.Second)}, &made)
	return made.Token
}

var tab = wire.Hello{Version: wire.Version, Name: "tab", Device: wire.DeviceBrowser}

// TestAPageIsAnEndpointUntilItsTokenEnds goes the way of a page.
func TestAPageIsAnEndpointUntilItsTokenEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir())
		begun := time.Now()
		token := s.link("shop-1", "app", 15*time.Minute)
		session := s.page(token)
		k, status := s.dialPage(pageOrigin, session.Token)
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("the socket answered %d", status)
		}
		s.say(k, wire.KindHello, 0, 0, tab)
		if body, _ := s.hear(k); body.(*wire.Welcome).Endpoint != session.Endpoint {
			t.Errorf("welcomed as %+v", body)
		}
		var list []site.EndpointView
		s.call("GET", "/api/v1/endpoints?site=shop-1", s.admin(), nil, &list)
		if len(list) != 1 || list[0].ID != session.Endpoint || list[0].Kind != wire.DeviceBrowser || !list[0].Online || list[0].Site != "shop-1" {
			t.Errorf("endpoints %+v, want the browser", list)
		}
		ends := begun.Add(15 * time.Minute).Truncate(time.Second)
		id, last := uint64(0), time.Time{}
		for time.Now().Before(ends.Add(-20 * time.Second)) {
			time.Sleep(20 * time.Second) // it says something, as the stand answers no pings
			id++
			s.say(k, wire.KindRenew, id, 0, wire.Renew{})
			for renewed := false; !renewed; {
				body, ok := s.hear(k)
				if !ok {
					t.Fatalf("the socket closed after %v", time.Since(begun))
				}
				if r, ok := body.(*wire.Renew); ok {
					renewed, last = true, r.Expires
				}
			}
			if last.After(ends) {
				t.Errorf("renewed until %v, want %v at most", last, ends)
			}
		}
		told := s.farewell(k)
		if now := time.Now(); told.Code != wire.CodeUnauthorized || !last.Equal(ends) || now.Before(ends) || now.After(ends.Add(time.Second)) {
			t.Errorf("renewed until %v, and at %v %+v; want the end at %v", last, now, told, ends)
		}
		k, status = s.dialPage(pageOrigin, session.Token)
		if status != http.StatusUnauthorized {
			t.Errorf("afterwards the socket answered %d", status)
		}
		s.must(k.conn.Close())
		time.Sleep(server.SeenInterval)
		s.call("GET", "/api/v1/endpoints", s.admin(), nil, &list)
		if len(list) != 0 {
			t.Errorf("endpoints %+v, want none once it has left", list)
		}
		s.end()
	})
}

// TestStolenTokensOpenNothing: a page of another origin has a token that is good, or
// somebody who is no page does.
func TestStolenTokensOpenNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir())
		agent := s.session(s.enrol("shop-2"))
		token := s.link("shop-1", "app", time.Hour)
		session := s.page(token)
		for what, c := range map[string]struct {
			open   func() (*socket, int)
			status int
		}{
			"a page of another origin":        {func() (*socket, int) { return s.dialPage("https://evil.example", session.Token) }, 403},
			"a page without an origin":        {func() (*socket, int) { return s.dialPage("null", session.Token) }, 403},
			"no page at all":                  {func() (*socket, int) { return s.dial(session.Token) }, 403},
			"a page with an agent's token":    {func() (*socket, int) { return s.dialPage(pageOrigin, agent.Token) }, 403},
			"a page with the browser token":   {func() (*socket, int) { return s.dialPage(pageOrigin, token) }, 401},
			"an agent with the browser token": {func() (*socket, int) { return s.dial(token) }, 401},
			"a page with an operator's token": {func() (*socket, int) { return s.dialPage(pageOrigin, s.admin()) }, 401},
			"a page with a forged token":      {func() (*socket, int) { return s.dialPage(pageOrigin, session.Token[:len(session.Token)-4]+"AAAA") }, 401},
		} {
			k, status := c.open()
			if status != c.status {
				t.Errorf("%s: the socket answered %d, want %d", what, status, c.status)
			}
			s.must(k.conn.Close())
		}
		for _, bearer := range []string{token, session.Token} {
			for _, path := range []string{"/api/v1/sites", "/api/v1/flows", "/api/v1/endpoints", "/api/v1/versions/app/1"} {
				if resp, text, err := s.do("10.0.0.2", "GET", base+path, bearer, nil); err != nil || resp.StatusCode != http.StatusUnauthorized {
					t.Errorf("%s answered %v %s %v", path, resp, text, err)
				}
			}
		}
		if resp, _, err := s.do("10.0.0.2", "POST", base+wire.PathTunnel, session.Token, nil); err != nil || resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("a tunnel was opened: %v, %v", resp, err)
		}
		_, text, err := s.do("10.0.0.2", "GET", base+"/metrics", "", nil)
		s.must(err)
		for _, want := range []string{`{code="wrong_origin",door="socket"} 4`, `{code="unauthorized",door="socket"} 4`} {
			if !strings.Contains(string(text), "\nsitecast_refused_total"+want+"\n") {
				t.Errorf("/metrics lacks %q", want)
			}
		}
		time.Sleep(credential.TokenLifetime + time.Minute)
		k, status := s.dialPage(pageOrigin, session.Token)
		if status != http.StatusUnauthorized {
			t.Errorf("with a token that has lapsed the socket answered %d", status)
		}
		s.must(k.conn.Close())
		s.end()
	})
}
