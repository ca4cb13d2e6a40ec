package socket_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/signaling/socket"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	address = "10.0.0.1:80"
	endID   = wire.EndpointID("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
	hello   = `{"type":"hello","body":{"version":1}}`
	// lifetime of the token "good"; other tokens are refused.
	lifetime = 10 * time.Minute
)

// stand is a server whose handler writes down what it hears.
type stand struct {
	t      *testing.T
	net    *memnet.Network
	server *socket.Server
	end    func()
	// refused is what the server counted.
	refused wire.Refusals

	// mu guards the rest.
	mu      sync.Mutex
	session *socket.Session // that joined last
	log     []string
}

// newStand starts it. change, if given, has the last word on the configuration.
func newStand(t *testing.T, change ...func(*socket.Config)) *stand {
	s := &stand{t: t, net: memnet.New(memnet.Path{})}
	cfg := socket.Config{
		Authenticate: func(r *http.Request) (socket.Identity, error) {
			who := socket.Identity{ID: endID, Site: "shop-12", Expires: time.Now().Add(lifetime)}
			switch token, _, _ := strings.Cut(socket.Bearer(r), ":"); token {
			case "good":
				return who, nil
			case "later":
				return socket.Identity{}, socket.ErrUnavailable
			case "page":
				return s.visitor(r, who)
			}
			return socket.Identity{}, errors.New("bad token")
		},
		Welcome: func(context.Context, socket.Identity) (wire.Welcome, error) { return wire.Welcome{Epoch: 7}, nil },
		Renew: func(context.Context, socket.Identity) (wire.Renew, error) {
			return wire.Renew{}, errors.New("the endpoint was removed")
		},
		Handler: s, Refused: &s.refused, Log: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&cfg)
	}
	s.server = socket.New(cfg)
	l, err := s.net.Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: s.server, ReadHeaderTimeout: time.Second}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = web.Serve(l) })
	wg.Go(func() { _ = s.server.Run(ctx) })
	s.end = func() {
		stop()
		_ = web.Close()
		wg.Wait()
	}
	return s
}

func (s *stand) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, what)
}

func (s *stand) Joined(session *socket.Session) {
	s.note("joined")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session = session
}
func (s *stand) Left(_ *socket.Session, reason string)             { s.note("left " + reason) }
func (s *stand) Heard(_ *socket.Session, kind wire.Kind, body any) { s.note("heard " + string(kind)) }

func (s *stand) wantLog(want ...string) {
	s.t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	ok := len(s.log) == len(want)
	for i := 0; ok && i < len(want); i++ {
		ok = strings.HasPrefix(s.log[i], want[i])
	}
	if !ok {
		s.t.Errorf("the handler heard %q, want %q", s.log, want)
	}
}

// dial opens a socket from a host and says what was given.
func (s *stand) dial(host string, say ...string) *websocket.Conn {
	s.t.Helper()
	d := websocket.Dialer{NetDialContext: s.net.Dialer(host)}
	ws, _, err := d.Dial("ws://"+address, http.Header{"Authorization": {"Bearer good"}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.say(ws, say...)
	return ws
}

func (s *stand) say(ws *websocket.Conn, texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if err := ws.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// hear reads one message.
func (s *stand) hear(ws *websocket.Conn) (wire.Envelope, any) {
	s.t.Helper()
	_, text, err := ws.ReadMessage()
	if err != nil {
		s.t.Fatal(err)
	}
	env, body, err := wire.Decode(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return env, body
}

// wantFarewell reads until the error, which must have that code, and the close.
func (s *stand) wantFarewell(ws *websocket.Conn, code string) {
	s.t.Helper()
	for {
		_, text, err := ws.ReadMessage()
		if err != nil {
			s.t.Fatalf("the socket ended without an error message: %v", err)
		}
		_, body, err := wire.Decode(text)
		if err != nil {
			s.t.Fatal(err)
		}
		if e, ok := body.(*wire.Error); ok {
			if e.Code != code {
				s.t.Errorf("closed with %s (%s), want %s", e.Code, e.Detail, code)
			}
			break
		}
	}
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, websocket.ClosePolicyViolation,
		websocket.CloseServiceRestart, websocket.CloseTryAgainLater, websocket.CloseMessageTooBig) {
		s.t.Errorf("after the error: %v", err)
	}
	_ = ws.Close()
}

func TestBadTokensAreRefusedBeforeTheUpgrade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		for token, want := range map[string]int{
			"": http.StatusUnauthorized, "Bearer bad": http.StatusUnauthorized, "Bearer later": http.StatusServiceUnavailable,
			"Bearer " + strings.Repeat("x", 4<<10+1): http.StatusRequestHeaderFieldsTooLarge,
		} {
			d := websocket.Dialer{NetDialContext: s.net.DialContext}
			_, resp, err := d.Dial("ws://"+address, http.Header{"Authorization": {token}})
			if err == nil || resp == nil || resp.StatusCode != want {
				t.Errorf("token %.12q: %v, want %d", token, resp, want)
			}
		}
		web := http.Client{Transport: &http.Transport{DialContext: s.net.DialContext, DisableKeepAlives: true}}
		resp, err := web.Get("http://" + address)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUpgradeRequired {
			t.Errorf("a plain request: %s, want 426", resp.Status)
		}
		s.wantLog()
		s.wantRefused(map[string]uint64{wire.CodeUnauthorized: 3, wire.CodeTooLarge: 1})
		s.end()
	})
}

func TestFirstWordMustBeHello(t *testing.T) {
	for name, c := range map[string]struct{ say, code string }{
		"another message":    {`{"type":"obeyed","id":1,"body":{"generation":1}}`, wire.CodeProtocol},
		"a malformed hello":  {`{"type":"hello","body":{}}`, wire.CodeProtocol},
		"no message at all":  {`hello`, wire.CodeProtocol},
		"an unknown message": {`{"type":"dance"}`, wire.CodeUnknownType},
		"a long message":     {tooLong, wire.CodeTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t)
				s.wantFarewell(s.dial("10.0.0.2", c.say), c.code)
				s.wantLog()
				s.wantRefused(map[string]uint64{c.code: 1})
				s.end()
			})
		})
	}
}

func TestWhoSaysNothingIsHungUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		ws := s.dial("10.0.0.2")
		start := time.Now()
		if _, _, err := ws.ReadMessage(); err == nil || time.Since(start) != wire.HelloTimeout {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		_ = ws.Close()
		s.end()
	})
}

func TestBadMessageEndsTheSession(t *testing.T) {
	for name, c := range map[string]struct{ say, code string }{
		"unknown type":          {`{"type":"dance","id":1}`, wire.CodeUnknownType},
		"negative counter":      {`{"type":"progress","id":1,"body":{"wan_bytes":-1}}`, wire.CodeProtocol},
		"gap in ids":            {`{"type":"obeyed","id":2,"body":{"generation":1}}`, wire.CodeProtocol},
		"ack of nothing":        {`{"type":"ack","ack":5}`, wire.CodeProtocol},
		"second hello":          {hello, wire.CodeProtocol},
		"renewal after removal": {`{"type":"renew","id":1}`, wire.CodeUnauthorized},
		"too long":              {tooLong, wire.CodeTooLarge},
		"not JSON":              {"\x00\xff", wire.CodeProtocol},
		"a number beyond":       {`{"type":"obeyed","id":1,"body":{"generation":9007199254740992}}`, wire.CodeProtocol},
		"too many flows": {`{"type":"flows","id":1,"body":{"generation":1,"ids":[` +
			strings.TrimSuffix(strings.Repeat(`"00000000000000000000000000000000",`, wire.MaxFlows+1), ",") + `]}}`, wire.CodeTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t)
				ws := s.dial("10.0.0.2", hello)
				s.hear(ws)
				s.say(ws, c.say)
				s.wantFarewell(ws, c.code)
				s.wantLog("joined", "left "+c.code)
				s.wantRefused(map[string]uint64{c.code: 1})
				s.end()
			})
		})
	}
}

func TestSlowReaderIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		ws := s.dial("10.0.0.2", hello)
		synctest.Wait()
		big := wire.Flow{Head: []byte(`{"payload":"` + strings.Repeat("e", 8000) + `"}`), Priority: wire.Low}
		sent := 0
		for s.session.Send(wire.KindFlow, big) {
			if sent++; sent > wire.MaxUnacked {
				t.Fatal("what waits for a slow reader has no bound")
			}
		}
		s.wantLog("joined", "left "+wire.CodeOverloaded)
		time.Sleep(2 * time.Second)
		if s.server.Sessions() != 0 || s.session.Send(wire.KindFlow, big) {
			t.Error("the session lives on")
		}
		_ = ws.Close()
		s.end()
	})
}

// What is due while a writer is stuck once made the timer spin, which in fake time
// never ends.
func TestSlowReaderThatSpeaksDoesNotMakeTheTimerSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		ws := s.dial("10.0.0.2", hello)
		synctest.Wait()
		big := wire.Flow{Head: []byte(`{"payload":"` + strings.Repeat("e", 8000) + `"}`), Priority: wire.Low}
		for range 120 {
			if !s.session.Send(wire.KindFlow, big) {
				t.Fatal("the session ended before its writer was stuck")
			}
		}
		s.say(ws, `{"type":"obeyed","id":1,"body":{"generation":1}}`)
		time.Sleep(2 * wire.AckDelay)
		s.wantLog("joined", "heard "+string(wire.KindObeyed))
		_ = ws.Close()
		s.end()
	})
}

func TestTokenLapsesInsideAnOpenSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		start := time.Now()
		ws := s.dial("10.0.0.2", hello)
		if _, body := s.hear(ws); !body.(*wire.Welcome).Expires.Equal(start.Add(lifetime)) {
			t.Errorf("the welcome is %+v", body)
		}
		s.wantFarewell(ws, wire.CodeUnauthorized)
		if took := time.Since(start); took != lifetime {
			t.Errorf("the token of %v lapsed after %v", lifetime, took)
		}
		s.end()
	})
}

func TestSilentSocketIsLostAndItsSessionLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		ws := s.dial("10.0.0.2", hello) // reads nothing, so answers no ping
		time.Sleep(socket.ReadTimeout + wire.ResumeGrace - time.Millisecond)
		s.wantLog("joined")
		time.Sleep(2 * time.Millisecond)
		s.wantLog("joined", "left lost")
		_ = ws.Close()
		s.end()
	})
}

func TestIdleSocketThatAnswersPingsStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		ws := s.dial("10.0.0.2", hello)
		s.hear(ws)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _, _ = ws.ReadMessage() // answers pings
		}()
		time.Sleep(lifetime - time.Second)
		s.wantLog("joined")
		_ = ws.Close()
		<-done
		s.end()
	})
}

func TestSessionGoesOnWhereItStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		first := s.dial("10.0.0.2", hello)
		_, body := s.hear(first)
		welcome := body.(*wire.Welcome)
		s.say(first, `{"type":"obeyed","id":1,"body":{"generation":1}}`)
		synctest.Wait()
		_ = first.Close()
		s.session.Send(wire.KindRevoke, wire.Revoke{Lease: 1}) // while there is no socket
		time.Sleep(wire.ResumeGrace - time.Millisecond)

		again := s.dial("10.0.0.2", `{"type":"hello","body":{"version":1,"session":"`+welcome.Session+`"}}`,
			`{"type":"obeyed","id":1,"body":{"generation":1}}`, `{"type":"obeyed","id":2,"body":{"generation":2}}`)
		env, body := s.hear(again)
		if w := body.(*wire.Welcome); !w.Resumed || w.Session != welcome.Session || env.Ack != 1 {
			t.Errorf("resumed as %+v with ack %d", w, env.Ack)
		}
		if env, body := s.hear(again); env.ID != 1 || body.(*wire.Revoke).Lease != 1 {
			t.Errorf("heard %+v", env)
		}
		s.wantLog("joined", "heard obeyed", "heard obeyed")

		// Seen from elsewhere, the endpoint begins anew.
		moved := s.dial("10.0.0.3", `{"type":"hello","body":{"version":1,"session":"`+welcome.Session+`"}}`)
		if _, body := s.hear(moved); body.(*wire.Welcome).Resumed {
			t.Error("a session was resumed from another address")
		}
		s.wantFarewell(again, wire.CodeReplaced)
		s.wantLog("joined", "heard obeyed", "heard obeyed", "left "+wire.CodeReplaced, "joined")
		_ = moved.Close()
		s.end()
	})
}

func TestGoodbyeEndsTheSessionAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		ws := s.dial("10.0.0.2", hello)
		s.hear(ws)
		bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
		if err := ws.WriteMessage(websocket.CloseMessage, bye); err != nil {
			t.Fatal(err)
		}
		s.wantLog("joined", "left lost: the endpoint said goodbye")
		_ = ws.Close()
		s.end()
	})
}

func TestShutdownTellsEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		ws := s.dial("10.0.0.2", hello)
		s.hear(ws)
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.wantFarewell(ws, wire.CodeShuttingDown)
		}()
		start := time.Now()
		s.end()
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("shutdown took %v", took)
		}
		<-done
		s.wantLog("joined", "left "+wire.CodeShuttingDown)
	})
}

func TestFloodIsSlowedDownNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		ws := s.dial("10.0.0.2", hello)
		start := time.Now()
		const flood = wire.MaxUnacked + 1000
		go func() {
			for {
				if _, _, err := ws.ReadMessage(); err != nil {
					return
				}
			}
		}()
		for range flood {
			s.say(ws, `{"type":"obeyed","body":{"generation":1}}`)
		}
		for {
			s.mu.Lock()
			n := len(s.log)
			s.mu.Unlock()
			if n == flood+1 {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(start); took < 9*time.Second || took > 12*time.Second {
			t.Errorf("%d messages were taken in %v", flood, took)
		}
		_ = ws.Close()
		s.end()
	})
}
