package uplink_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/edge/uplink"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const address = "10.0.0.1:80"

// stand is an uplink and a server that follows a script.
type stand struct {
	t   *testing.T
	net *memnet.Network
	up  *uplink.Uplink
	web *http.Server
	end func()

	// mu guards the rest.
	mu     sync.Mutex
	tokens int
	log    []string // of the handler and of the log, in order

	refused wire.Refusals
}

// newStand runs an uplink against a server that hands every socket that passes
// admit to serve.
func newStand(t *testing.T, admit func(token string) int, serve func(ws *websocket.Conn)) *stand {
	s := &stand{t: t, net: memnet.New(memnet.Path{Delay: 5 * time.Millisecond})}
	l, err := s.net.Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	var upgrader websocket.Upgrader
	var wg sync.WaitGroup
	web := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := admit(r.Header.Get("Authorization")); status != http.StatusOK {
			w.WriteHeader(status)
			return
		}
		ws, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		wg.Add(1) // net/http does not wait for sockets
		defer wg.Done()
		serve(ws)
		_ = ws.Close()
	})}
	s.web = web
	s.up, err = uplink.New(uplink.Config{
		URL: "ws://" + address, Dial: s.net.DialContext,
		Token: func(context.Context) (string, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.tokens++
			return fmt.Sprint("token-", s.tokens), nil
		},
		Hello: func() wire.Hello { return wire.Hello{Version: 1} }, Handler: s,
		Refused: &s.refused, Log: slog.New(slog.NewTextHandler(s, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	wg.Go(func() { _ = web.Serve(l) })
	wg.Go(func() { _ = s.up.Run(ctx) })
	s.end = func() {
		stop()
		_ = web.Close()
		wg.Wait()
	}
	return s
}

func (s *stand) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

func (s *stand) Connected(w wire.Welcome)    { s.note("connected %s %v", w.Session, w.Resumed) }
func (s *stand) Disconnected(err error)      { s.note("disconnected %v", err) }
func (s *stand) Heard(kind wire.Kind, _ any) { s.note("heard %s", kind) }
func (s *stand) Write(b []byte) (int, error) { s.note("%s", b); return len(b), nil }

func (s *stand) saw(what string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(strings.Join(s.log, "\n"), what)
}

// greet answers the hello as a new session.
func greet(ws *websocket.Conn, session string) {
	_, _, _ = ws.ReadMessage()
	say(ws, wire.KindWelcome, 0, wire.Welcome{Version: 1, Session: session, Epoch: 1, ServerTime: time.Now(),
		Endpoint: "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", Site: "shop-12", Expires: time.Now().Add(10 * time.Minute)})
}

func say(ws *websocket.Conn, kind wire.Kind, id uint64, body any) {
	text, err := wire.Encode(kind, id, 0, body)
	if err != nil {
		panic(err)
	}
	_ = ws.WriteMessage(websocket.TextMessage, text) // the test sees what does not come
}

// next reads the next message.
func next(ws *websocket.Conn) (wire.Envelope, any) {
	_, text, err := ws.ReadMessage()
	if err != nil {
		return wire.Envelope{}, err
	}
	env, body, _ := wire.Decode(text)
	return env, body
}

func drain(ws *websocket.Conn) {
	for {
		if _, _, err := ws.ReadMessage(); err != nil {
			return
		}
	}
}

func admitAll(string) int { return http.StatusOK }

func TestRefusedTokenIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, func(token string) int {
			if token == "Bearer token-1" {
				return http.StatusUnauthorized
			}
			return http.StatusOK
		}, func(ws *websocket.Conn) { greet(ws, "one"); drain(ws) })
		time.Sleep(time.Second)
		synctest.Wait()
		if s.tokens != 2 || !s.saw("connected one false") || !s.saw("a new one will be fetched") {
			t.Errorf("%d tokens, %q", s.tokens, s.log)
		}
		s.end()
	})
}

func TestUnauthorizedInsideTheSocketAsksForANewToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, admitAll, func(ws *websocket.Conn) {
			greet(ws, "one")
			time.Sleep(10 * time.Second)
			say(ws, wire.KindError, 0, wire.Error{Code: wire.CodeUnauthorized})
			drain(ws)
		})
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if s.tokens != 2 || !s.saw("disconnected unauthorized") {
			t.Errorf("%d tokens, %q", s.tokens, s.log)
		}
		s.end()
	})
}

func TestBreachOfProtocolBeginsAnew(t *testing.T) {
	for name, c := range map[string]struct{ text, code string }{
		"gap":                  {`{"type":"revoke","id":5,"body":{"epoch":1,"lease":1}}`, wire.CodeProtocol},
		"negative rate":        {`{"type":"grant","id":1,"body":{"bytes_per_second":-9}}`, wire.CodeProtocol},
		"ack of nothing":       {`{"type":"ack","ack":9}`, wire.CodeProtocol},
		"second welcome":       {`{"type":"welcome","body":{}}`, wire.CodeProtocol},
		"not a message":        {`hello`, wire.CodeProtocol},
		"a hello instead":      {`{"type":"hello","body":{"version":1}}`, wire.CodeProtocol},
		"an endpoint's report": {`{"type":"report","id":1,"body":{"code":"origin"}}`, wire.CodeProtocol},
		"an endless list": {`{"type":"flows","id":1,"body":{"ids":[` +
			strings.TrimSuffix(strings.Repeat(`"00000000000000000000000000000000",`, wire.MaxFlows+1), ",") + `]}}`, wire.CodeTooLarge},
		// To resume would bring it again.
		"too long": {`{"type":"revoke","id":1,"body":{"lease":1}}` + strings.Repeat(" ", wire.MaxMessageBytes), wire.CodeTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sessions := 0
				s := newStand(t, admitAll, func(ws *websocket.Conn) {
					_, text1, _ := ws.ReadMessage()
					if strings.Contains(string(text1), "session") {
						t.Errorf("a broken session was to be resumed: %s", text1)
					}
					sessions++
					say(ws, wire.KindWelcome, 0, wire.Welcome{Version: 1, Session: "s", ServerTime: time.Now(),
						Endpoint: "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"})
					if sessions == 1 {
						_ = ws.WriteMessage(websocket.TextMessage, []byte(c.text))
					}
					drain(ws)
				})
				time.Sleep(time.Second)
				synctest.Wait()
				if sessions != 2 || !s.saw("disconnected "+c.code) {
					t.Errorf("%d sessions, %q", sessions, s.log)
				}
				if n := s.refused.Count(wire.DoorSocket, c.code); n != 1 {
					t.Errorf("counted %d times as %s, want once", n, c.code)
				}
				s.end()
			})
		})
	}
}

func TestMessageOfANewerServerIsRefusedAndPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var report any
		s := newStand(t, admitAll, func(ws *websocket.Conn) {
			greet(ws, "one")
			_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"dance","id":1,"body":{}}`))
			say(ws, wire.KindRevoke, 2, wire.Revoke{Lease: 1})
			_, report = next(ws)
			drain(ws)
		})
		time.Sleep(time.Second)
		synctest.Wait()
		if r, ok := report.(*wire.Report); !ok || r.Code != wire.CodeUnknownType {
			t.Errorf("the server was told %+v", report)
		}
		if !s.saw("heard revoke") || s.saw("disconnected") || s.refused.Count(wire.DoorSocket, wire.CodeUnknownType) != 1 {
			t.Errorf("log: %q", s.log)
		}
		s.end()
	})
}

func TestMessageThatComesAgainIsHeardOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, admitAll, func(ws *websocket.Conn) {
			greet(ws, "one")
			for range 3 {
				say(ws, wire.KindRevoke, 1, wire.Revoke{Lease: 1})
			}
			drain(ws)
		})
		time.Sleep(time.Second)
		synctest.Wait()
		s.mu.Lock()
		heard := strings.Count(strings.Join(s.log, "\n"), "heard revoke")
		s.mu.Unlock()
		if n := s.refused.Count(wire.DoorSocket, wire.CodeReplayed); heard != 1 || n != 2 {
			t.Errorf("heard %d times and counted %d, want 1 and 2", heard, n)
		}
		s.end()
	})
}

func TestAcknowledgementsAreNotLateAndNotMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var acks []uint64
		var took time.Duration
		s := newStand(t, admitAll, func(ws *websocket.Conn) {
			greet(ws, "one")
			start := time.Now()
			for id := range uint64(10) {
				say(ws, wire.KindRevoke, id+1, wire.Revoke{Lease: id})
			}
			env, _ := next(ws)
			acks, took = append(acks, env.Ack), time.Since(start)
			drain(ws)
		})
		time.Sleep(2 * wire.AckDelay)
		synctest.Wait()
		if len(acks) != 1 || acks[0] != 10 || took > wire.AckDelay+20*time.Millisecond {
			t.Errorf("acknowledged %v after %v", acks, took)
		}
		s.end()
	})
}

func TestOutageIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, func(string) int { return http.StatusNotFound }, nil)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if len(s.log) != 1 || !s.saw("check the server's URL") {
			t.Errorf("log: %q", s.log)
		}
		if s.up.Send(wire.KindObeyed, wire.Obeyed{}) {
			t.Error("a message was taken without a session")
		}
		s.end()
	})
}

func TestTLSIsCheckedAndTheErrorReachesTheLog(t *testing.T) {
	for name, c := range map[string]struct {
		serve *tls.Config
		check func(tls.ConnectionState) error
		want  string
	}{
		"right key":    {selfSigned(t), func(tls.ConnectionState) error { return nil }, "connected one"},
		"other key":    {selfSigned(t), func(tls.ConnectionState) error { return errors.New("get a new token") }, "get a new token"},
		"no authority": {selfSigned(t), nil, "does not trust the server's certificate"},
		"no TLS":       {nil, nil, "does not speak TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, admitAll, func(ws *websocket.Conn) { greet(ws, "one"); drain(ws) })
				s.end() // only its server and its log are of use here
				l, err := s.net.Listen(address)
				if err != nil {
					t.Fatal(err)
				}
				if c.serve != nil {
					l = tls.NewListener(l, c.serve)
				}
				web := &http.Server{Handler: s.web.Handler, ReadHeaderTimeout: time.Second, ErrorLog: log.New(io.Discard, "", 0)}
				go func() { _ = web.Serve(l) }()
				up, err := uplink.New(uplink.Config{
					URL: "wss://" + address, Dial: s.net.DialContext,
					TLS:   &tls.Config{InsecureSkipVerify: c.check != nil, VerifyConnection: c.check},
					Token: func(context.Context) (string, error) { return "token", nil },
					Hello: func() wire.Hello { return wire.Hello{Version: 1} }, Handler: s, Log: slog.New(slog.NewTextHandler(s, nil)),
				})
				if err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
				defer stop()
				if err := up.Run(ctx); err != nil {
					t.Error(err)
				}
				_ = web.Close()
				time.Sleep(time.Second) // lets both ends hear of it
				if !s.saw(c.want) {
					t.Errorf("log: %q, want %q", s.log, c.want)
				}
			})
		})
	}
}

// selfSigned is the TLS of a server nobody vouches for.
func selfSigned(t *testing.T) *tls.Config {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, public, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func TestTokenThatCannotBeFetchedIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		s := newStand(t, admitAll, drain)
		up, err := uplink.New(uplink.Config{
			URL: "ws://" + address, Dial: s.net.DialContext,
			Token:   func(context.Context) (string, error) { asked++; return "", errors.New("endpoint was removed") },
			Handler: s, Log: slog.New(slog.NewTextHandler(s, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		if err := up.Run(ctx); err != nil {
			t.Error(err)
		}
		if asked < 100 || asked > 500 { // every 15 s on average
			t.Errorf("asked for a token %d times in an hour", asked)
		}
		s.end()
	})
}

func TestURLMustBeOfASocket(t *testing.T) {
	for _, bad := range []string{"https://sitecast.example", "wss://", "://"} {
		if _, err := uplink.New(uplink.Config{URL: bad}); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
