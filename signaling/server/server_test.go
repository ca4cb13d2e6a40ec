package server_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/relay"
	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// secrets are the files that only the server's user may read; open ones may go
// around.
var (
	secrets = []string{"admin.token", "ca.key", "root.key", "server.key", "token.key", "turn.key", "url.key"}
	open    = []string{"ca.pem", "root.pub", "server.pem"}
)

func TestTheFirstStartMakesEverythingAndTheNextKeepsIt(t *testing.T) {
	data := filepath.Join(t.TempDir(), "new", "data")
	var first map[string]string
	for _, start := range []string{"first", "second"} {
		synctest.Test(t, func(t *testing.T) {
			s := newStand(t, data)
			s.call("GET", "/api/v1/sites", s.admin(), nil, nil)
			s.end()
			files := map[string]string{}
			for _, name := range slices.Concat(secrets, open) {
				files[name] = string(s.read(name))
			}
			if first == nil {
				first = files
			}
			if !maps.Equal(files, first) {
				t.Errorf("the %s start changed a file", start)
			}
			for name, want := range modes() {
				info, err := os.Stat(filepath.Join(data, name))
				s.must(err)
				if got := info.Mode().Perm(); got != want {
					t.Errorf("after the %s start %s has mode %o, want %o", start, name, got, want)
				}
			}
			if got := strings.Contains(s.logged(), "made the organisation's root key"); got != (start == "first") {
				t.Errorf("the %s start told of a new root key: %v", start, got)
			}
		})
	}
}

// modes are those that files and folders must have.
func modes() map[string]fs.FileMode {
	m := map[string]fs.FileMode{".": 0o700, "packs": 0o700}
	for _, name := range secrets {
		m[name] = 0o600
	}
	for _, name := range open {
		m[name] = 0o644
	}
	return m
}

func TestALostAdminTokenIsMadeAnew(t *testing.T) {
	data := t.TempDir()
	synctest.Test(t, func(t *testing.T) { newStand(t, data).end() })
	old, err := os.ReadFile(filepath.Join(data, "admin.token"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(data, "admin.token")); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, data)
		if s.admin() == strings.TrimSpace(string(old)) {
			t.Error("the new token is the old one")
		}
		s.call("GET", "/api/v1/sites", s.admin(), nil, nil)
		s.end()
	})
}

func TestHealthAndMetricsNeedNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir())
		for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": `{"ready":true,"needs":[{"name":"database","ready":true,`} {
			if _, text, err := s.do("10.0.0.2", "GET", base+path, "", nil); err != nil || !strings.HasPrefix(string(text), want) {
				t.Errorf("%s answered %q, %v; want %q", path, text, err, want)
			}
		}
		s.call("POST", "/api/v1/sites", s.admin(), api.NewSite{Name: "secret-shop"}, nil)
		s.call("GET", "/api/v1/flows", s.admin(), nil, nil) // starts the site's loop
		_, text, err := s.do("10.0.0.2", "GET", base+"/metrics", "", nil)
		s.must(err)
		for _, line := range []string{"sitecast_sessions 0", `sitecast_flows{state="running"} 0`, `sitecast_content_bytes{source="peer"} 0`,
			"sitecast_wan_bytes 0", "sitecast_yield_seconds_total 0", "sitecast_fetching_seconds_total 0",
			`sitecast_added_delay_seconds{quantile="0.95"} 0`, "sitecast_flows_halted_total 0", "sitecast_origin_served_bytes_total 0", "go_goroutines "} {
			if !strings.Contains(string(text), "\n"+line) {
				t.Errorf("/metrics lacks %q", line)
			}
		}
		if strings.Contains(string(text), "secret-shop") {
			t.Error("/metrics names a site")
		}
		s.end()
	})
}

// TestAnEndpointGetsFromItsTokenToItsSite goes the way of an agent: enrol, prove
// the key, open the socket, say hello, and be told what is wanted.
func TestAnEndpointGetsFromItsTokenToItsSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir())
		key := s.enrol("shop-1")
		id := wire.IDOf(key.Public().(ed25519.PublicKey))
		k, status := s.dial(s.session(key).Token)
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("the socket answered %d, want 101", status)
		}
		s.say(k, wire.KindHello, 0, 0, wire.Hello{Version: wire.Version, Name: "till-1", Device: wire.DeviceAgent, Software: "test 1"})
		first, _ := s.hear(k)
		welcome, ok := first.(*wire.Welcome)
		if !ok || welcome.Endpoint != id || welcome.Site != "shop-1" || welcome.Epoch != 1 {
			t.Fatalf("the first word is %#v, want a welcome to shop-1 in epoch 1", first)
		}
		told := map[string]bool{}
		for !told["*wire.Flows"] {
			body, ok := s.hear(k)
			if !ok {
				t.Fatalf("the socket closed after %v", told)
			}
			switch body.(type) {
			case *wire.Trust:
				told["*wire.Trust"] = true
			case *wire.Flows:
				told["*wire.Flows"] = true
			}
		}
		if !told["*wire.Trust"] {
			t.Error("an endpoint without a trust document was told its flows and sent none")
		}
		var list []site.EndpointView
		s.call("GET", "/api/v1/endpoints?site=shop-1", s.admin(), nil, &list)
		if len(list) != 1 || list[0].ID != id || !list[0].Online || list[0].Name != "till-1" || list[0].Version != "test 1" {
			t.Errorf("endpoints %+v, want till-1 online", list)
		}
		_, text, err := s.do("10.0.0.2", "GET", base+"/metrics", "", nil)
		if err != nil || !strings.Contains(string(text), "\nsitecast_sessions 1\n") {
			t.Errorf("/metrics does not count the session: %v", err)
		}
		s.end()
		for more := true; more; {
			_, more = s.hear(k) // until it was told that the server went
		}
		_ = k.conn.Close() // the other end is closed
	})
}

// enrol makes a site and an endpoint there.
func (s *stand) enrol(name string) ed25519.PrivateKey {
	s.t.Helper()
	s.call("POST", "/api/v1/sites", s.admin(), api.NewSite{Name: name}, nil)
	var made api.MadeEnrolment
	s.call("POST", "/api/v1/enrolments", s.admin(), api.NewEnrolment{Site: name, Uses: 1, TTLSeconds: 60}, &made)
	token, err := wire.ParseEnrolToken(made.Token)
	s.must(err)
	if len(token.Pin) != 64 {
		s.t.Errorf("the token's pin is %q, want that of the private CA", token.Pin)
	}
	public, key, err := ed25519.GenerateKey(nil)
	s.must(err)
	var answer wire.EnrolResponse
	s.call("POST", wire.PathEnrol, "", wire.EnrolRequest{Token: token.ID, Secret: token.Secret, Key: public,
		Proof: ed25519.Sign(key, wire.EnrolClaim(token.ID)), Name: "till-1", Device: wire.DeviceAgent}, &answer)
	if sum := sha256.Sum256(answer.Root); answer.Site != name || string(sum[:]) != string(token.Root) {
		s.t.Errorf("enrolled with %+v, want the site and the root of the token", answer)
	}
	return key
}

// session proves a key and returns a token for the socket.
func (s *stand) session(key ed25519.PrivateKey) wire.SessionResponse {
	s.t.Helper()
	var c wire.ChallengeResponse
	s.call("POST", wire.PathChallenge, "", struct{}{}, &c)
	var answer wire.SessionResponse
	s.call("POST", wire.PathSession, "", wire.SessionRequest{Endpoint: wire.IDOf(key.Public().(ed25519.PublicKey)), Nonce: c.Nonce,
		Proof: ed25519.Sign(key, wire.SessionClaim(c.Nonce))}, &answer)
	return answer
}

func TestTheSocketWantsAnEndpointsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir())
		good := s.session(s.enrol("shop-1"))
		for name, token := range map[string]string{"none": "", "an operator's": s.admin(), "a damaged one": good.Token[:len(good.Token)-3]} {
			k, status := s.dial(token)
			if status != http.StatusUnauthorized {
				t.Errorf("with the token %s the socket answered %d, want 401", name, status)
			}
			s.must(k.conn.Close())
		}
		time.Sleep(credential.TokenLifetime + time.Minute)
		k, status := s.dial(good.Token)
		if status != http.StatusUnauthorized {
			t.Errorf("with a token that has expired the socket answered %d, want 401", status)
		}
		s.must(k.conn.Close())
		_, text, err := s.do("10.0.0.2", "GET", base+"/metrics", "", nil)
		s.must(err)
		if want := "\nsitecast_refused_total{code=\"unauthorized\",door=\"socket\"} 4\n"; !strings.Contains(string(text), want) {
			t.Errorf("/metrics lacks %q", want)
		}
		s.end()
	})
}

// TestEverythingEndsInTimeWhateverIsOpen also shows, by the end of the bubble, that
// no goroutine is left.
func TestEverythingEndsInTimeWhateverIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir())
		k, _ := s.dial(s.session(s.enrol("shop-1")).Token)
		s.say(k, wire.KindHello, 0, 0, wire.Hello{Version: wire.Version, Name: "till-1"})
		shy, _ := s.dial(s.session(s.enrol("shop-2")).Token) // says no hello
		slow, err := s.net.Dialer("127.0.0.1")(t.Context(), "tcp", address)
		s.must(err)
		_, err = slow.Write([]byte("PUT /api/v1/objects/" + strings.Repeat("ab", 32) + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " +
			s.admin() + "\r\nContent-Length: 1000\r\n\r\nhalf"))
		s.must(err)
		synctest.Wait()
		begun := time.Now()
		s.end()
		if took := time.Since(begun); took > server.ShutdownTime+2*time.Second {
			t.Errorf("the server took %v to end, want %v or so", took, server.ShutdownTime)
		}
		for _, c := range []interface{ Close() error }{k.conn, shy.conn, slow} {
			_ = c.Close()
		}
	})
}

func TestEndpointsSeenAreNoted(t *testing.T) {
	data := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, data)
		key := s.enrol("shop-1")
		time.Sleep(time.Minute)
		k, _ := s.dial(s.session(key).Token)
		s.say(k, wire.KindHello, 0, 0, wire.Hello{Version: wire.Version, Name: "till-1"})
		synctest.Wait()
		joined := time.Now()
		_ = k.conn.Close()
		time.Sleep(server.SeenInterval + wire.ResumeGrace)
		var list []site.EndpointView
		s.call("GET", "/api/v1/endpoints", s.admin(), nil, &list)
		if len(list) != 1 || list[0].Online || list[0].LastSeen.Before(joined) {
			t.Errorf("endpoints %+v, want it offline and seen at %v", list, joined)
		}
		s.end()
	})
}

func TestEpochsCountTheStarts(t *testing.T) {
	data := t.TempDir()
	var key ed25519.PrivateKey
	for epoch := uint64(1); epoch <= 3; epoch++ {
		synctest.Test(t, func(t *testing.T) {
			s := newStand(t, data)
			if key == nil {
				key = s.enrol("shop-1")
			}
			k, _ := s.dial(s.session(key).Token)
			s.say(k, wire.KindHello, 0, 0, wire.Hello{Version: wire.Version, Name: "till-1"})
			body, _ := s.hear(k)
			if w, ok := body.(*wire.Welcome); !ok || w.Epoch != epoch {
				t.Errorf("start %d: the first word is %#v, want epoch %d", epoch, body, epoch)
			}
			_ = k.conn.Close()
			s.end()
		})
	}
}

func TestProblemsComeOverTheWholeStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir())
		resp, text, err := s.do("10.0.0.2", "GET", base+"/api/v1/flows", "", nil)
		s.must(err)
		var p api.Problem
		if err := json.Unmarshal(text, &p); err != nil || resp.StatusCode != http.StatusUnauthorized || p.Code != "unauthorized" {
			t.Errorf("answered %d %s, want a problem", resp.StatusCode, text)
		}
		s.end()
	})
}

// TestAStartThatFailsLetsGoOfItsPort: whoever mends the fault can start again.
func TestAStartThatFailsLetsGoOfItsPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New(memnet.Path{})
		l, err := network.Listen(address)
		if err != nil {
			t.Fatal(err)
		}
		data := t.TempDir()
		_, err = server.New(t.Context(), server.Config{Data: data, Packs: filepath.Join(data, "packs"), Listener: l,
			Relay: &relay.Config{MinPort: 2, MaxPort: 1, Log: slog.New(slog.DiscardHandler)}, Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			t.Fatal("started with a relay that can't be")
		}
		if _, err := network.Listen(address); err != nil {
			t.Errorf("the port is still taken: %v", err)
		}
	})
}
