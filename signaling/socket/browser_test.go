package socket_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gorilla/websocket"

	"github.com/sitecast/sitecast/signaling/socket"
	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	origin = "https://shop.example"
	tab    = `{"type":"hello","body":{"version":1,"device":"browser"}}`
)

// visitor is who the token "page" of a page is for. It names the content that the page
// may take part in behind a dot.
func (s *stand) visitor(r *http.Request, who socket.Identity) (socket.Identity, error) {
	if got := r.Header.Get("Origin"); got != origin {
		return socket.Identity{}, fmt.Errorf("%w: %s", socket.ErrOrigin, got)
	}
	_, name, _ := strings.Cut(socket.Bearer(r), ".")
	who.Visit = &wire.Visit{Origin: origin, Contents: []wire.Named{{Name: name}}, Until: who.Expires}
	return who, nil
}

// open opens a socket as a page does.
func (s *stand) open(from, token string) (*websocket.Conn, *http.Response, error) {
	d := websocket.Dialer{NetDialContext: s.net.Dialer("10.0.0.2"), Subprotocols: []string{wire.Subprotocol, wire.SubprotocolBearer + token}}
	return d.Dial("ws://"+address, http.Header{"Origin": {from}})
}

func TestAPageOffersItsTokenAsASubprotocol(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		ws, resp, err := s.open(origin, "page")
		if err != nil || ws.Subprotocol() != wire.Subprotocol || strings.Contains(resp.Header.Get("Sec-WebSocket-Protocol"), "page") {
			t.Fatalf("opened with %v, %v", resp, err)
		}
		s.say(ws, tab)
		if _, body := s.hear(ws); body.(*wire.Welcome).Endpoint != endID {
			t.Errorf("welcomed with %+v", body)
		}
		s.wantLog("joined")
		if s.session.Visit == nil || s.session.Visit.Origin != origin {
			t.Errorf("the session knows of the visit %+v", s.session.Visit)
		}
		_ = ws.Close()
		s.end()
	})
}

func TestPagesThatMayNotAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		for what, c := range map[string]struct {
			from, token string
			status      int
		}{
			"of another origin": {"https://evil.example", "page", http.StatusForbidden},
			"without a token":   {origin, "", http.StatusUnauthorized},
			"with a bad token":  {origin, "bad", http.StatusUnauthorized},
			"with a long token": {origin, strings.Repeat("x", 4<<10+1), http.StatusRequestHeaderFieldsTooLarge},
		} {
			if _, resp, err := s.open(c.from, c.token); err == nil || resp == nil || resp.StatusCode != c.status {
				t.Errorf("a page %s: %v, %v; want %d", what, resp, err, c.status)
			}
		}
		s.wantLog()
		s.wantRefused(map[string]uint64{wire.CodeWrongOrigin: 1, wire.CodeUnauthorized: 2, wire.CodeTooLarge: 1})
		s.end()
	})
}

// TestAPageIsNoAgent: it would be given the governor of the line.
func TestAPageIsNoAgent(t *testing.T) {
	for _, say := range []string{hello, `{"type":"hello","body":{"version":1,"device":"agent"}}`, `{"type":"hello","body":{"version":1,"device":"kiosk"}}`} {
		synctest.Test(t, func(t *testing.T) {
			s := newStand(t)
			ws, _, err := s.open(origin, "page")
			if err != nil {
				t.Fatal(err)
			}
			s.say(ws, say)
			s.wantFarewell(ws, wire.CodeProtocol)
			s.wantLog()
			s.end()
		})
	}
}

// TestAPageWithAnotherTokenBeginsAnew: it may take part in other contents now.
func TestAPageWithAnotherTokenBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		session := ""
		for i, c := range []struct {
			token   string
			resumed bool
		}{{"page:.films", false}, {"page:.films", true}, {"page:.app", false}, {"good", false}} {
			ws, _, err := s.open(origin, c.token)
			if err != nil {
				t.Fatal(err)
			}
			s.say(ws, strings.Replace(tab, `"version"`, `"session":"`+session+`","version"`, 1))
			_, body := s.hear(ws)
			w := body.(*wire.Welcome)
			if w.Resumed != c.resumed {
				t.Errorf("socket %d: resumed is %v, want %v", i, w.Resumed, c.resumed)
			}
			session = w.Session
			_ = ws.Close()
			synctest.Wait()
		}
		s.end()
	})
}
