package agent_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/pion/transport/v5/vnet"
	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/edge/agent"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const serverAddr = "10.0.0.1:443"

// A server enrols endpoints and knows nothing else.
type server struct {
	t     *testing.T
	net   *memnet.Network
	root  ed25519.PrivateKey
	token wire.EnrolToken
	trust json.RawMessage
	chain *chain
	mux   *http.ServeMux
	web   *http.Server

	// mu guards the rest.
	mu       sync.Mutex
	script   []func(http.ResponseWriter) // answers to the first enrolments
	enrolled []wire.EnrolRequest
	asked    int // for a challenge
}

// newServer serves in memory with a certificate for its address, pinned by the
// token it gives out.
func newServer(t *testing.T) *server {
	s := &server{t: t, net: memnet.New(memnet.Path{Delay: time.Millisecond}), chain: newChain(t, host)}
	s.root = newKey(t)
	digest := sha256.Sum256(s.root.Public().(ed25519.PublicKey))
	s.token = wire.EnrolToken{ID: "t1", Secret: make([]byte, 16), Root: digest[:], Pin: pinOf(s.chain.ca)}
	s.trust = s.signTrust(s.root)
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+wire.PathEnrol, s.enrol)
	mux.HandleFunc("POST "+wire.PathChallenge, func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked++
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	s.mux = mux
	s.web = s.again()
	s.listen()
	t.Cleanup(func() { _ = s.web.Close() })
	return s
}

// again makes a web server, as one that was closed serves no more.
func (s *server) again() *http.Server {
	return &http.Server{Handler: s.mux, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{s.chain.certificate()}}}
}

func (s *server) listen() {
	l, err := s.net.Listen(serverAddr)
	if err != nil {
		s.t.Fatal(err)
	}
	web := s.web
	go func() { _ = web.ServeTLS(l, "", "") }()
}

func (s *server) signTrust(key ed25519.PrivateKey) json.RawMessage {
	doc, err := content.SignTrust(content.TrustDocument{Serial: 1, Created: time.Now()}, key)
	if err != nil {
		s.t.Fatal(err)
	}
	return doc
}

func (s *server) enrol(w http.ResponseWriter, r *http.Request) {
	var req wire.EnrolRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		s.t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if req.Token != s.token.ID || !ed25519.Verify(req.Key, wire.EnrolClaim(req.Token), req.Proof) {
		s.t.Errorf("enrolment %+v proves nothing", req)
	}
	s.enrolled = append(s.enrolled, req)
	if len(s.script) > 0 {
		answer := s.script[0]
		s.script = s.script[1:]
		answer(w)
		return
	}
	_ = json.NewEncoder(w).Encode(wire.EnrolResponse{Endpoint: wire.IDOf(req.Key), Site: "shop",
		Root: s.root.Public().(ed25519.PublicKey), Trust: s.trust, ServerTime: time.Now()})
}

// requests returns the enrolments so far.
func (s *server) requests() []wire.EnrolRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.enrolled
}

// challenges returns how often a challenge was asked for: every agent that is
// enrolled asks for one.
func (s *server) challenges() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// config is an agent at s with its data in dir, on a network without peers.
func (s *server) config(dir string) agent.Config {
	n, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{"192.168.0.2"}})
	if err != nil {
		s.t.Fatal(err)
	}
	return agent.Config{Server: &url.URL{Scheme: "https", Host: serverAddr}, Data: dir, Name: "till-1", Device: wire.DeviceAgent,
		RTCListen: "0.0.0.0:0", EnrolToken: func() (string, error) { return s.token.String(), nil },
		Log: slog.New(slog.DiscardHandler), Net: n, Dial: s.net.DialContext}
}

// run runs an agent for a time and returns how it ended.
func run(t *testing.T, cfg agent.Config, d time.Duration) error {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	err := agent.Run(ctx, cfg)
	time.Sleep(time.Second) // net/http lets a dial end that nobody waits for
	return err
}

func newKey(t *testing.T) ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
