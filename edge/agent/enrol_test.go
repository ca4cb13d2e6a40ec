package agent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/agent"
	"github.com/sitecast/sitecast/signaling/wire"
)

func identityPath(dir string) string { return filepath.Join(dir, "identity.json") }

func TestIdentityIsMadeAtEnrolmentAndKeptPrivate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dir := newServer(t), filepath.Join(t.TempDir(), "data")
		if err := run(t, s.config(dir), time.Minute); err != nil {
			t.Fatal(err)
		}
		got := s.requests()
		if len(got) != 1 || got[0].Name != "till-1" || got[0].Device != wire.DeviceAgent || !bytes.Equal(got[0].Secret, s.token.Secret) {
			t.Fatalf("enrolments %+v, want one of till-1", got)
		}
		for path, want := range map[string]os.FileMode{dir: 0o700, identityPath(dir): 0o600} {
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("%s has mode %v, %v; want %v", path, info.Mode().Perm(), err, want)
			}
		}
		text, err := os.ReadFile(identityPath(dir))
		if err != nil || bytes.Contains(text, s.token.Secret) {
			t.Errorf("the identity holds the token's secret, or %v", err)
		}
		if s.challenges() == 0 {
			t.Error("the agent did not go on to connect")
		}
	})
}

func TestIdentityIsUsedAgainAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dir := newServer(t), t.TempDir()
		if err := run(t, s.config(dir), time.Minute); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(identityPath(dir))
		if err != nil {
			t.Fatal(err)
		}
		cfg, asked := s.config(dir), s.challenges()
		cfg.EnrolToken = func() (string, error) { return "", errors.New("the token file is gone") }
		if err := run(t, cfg, time.Minute); err != nil {
			t.Fatal(err)
		}
		after, err := os.ReadFile(identityPath(dir))
		if err != nil || !bytes.Equal(before, after) {
			t.Errorf("the identity changed, or %v", err)
		}
		if len(s.requests()) != 1 || s.challenges() == asked {
			t.Errorf("%d enrolments and %d more challenges, want 1 and some", len(s.requests()), s.challenges()-asked)
		}
	})
}

// change rewrites fields of the identity in dir.
func change(t *testing.T, dir string, fields map[string]any) {
	t.Helper()
	text, err := os.ReadFile(identityPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	id := map[string]any{}
	if err := json.Unmarshal(text, &id); err != nil {
		t.Fatal(err)
	}
	maps.Copy(id, fields)
	if text, err = json.Marshal(id); err == nil {
		err = os.WriteFile(identityPath(dir), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestIdentityOfAnotherMachineIsNotUsed(t *testing.T) {
	if text, err := os.ReadFile("/etc/machine-id"); err != nil || len(text) < 32 {
		t.Skip("this machine has no id")
	}
	synctest.Test(t, func(t *testing.T) {
		s, dir := newServer(t), t.TempDir()
		if err := run(t, s.config(dir), time.Minute); err != nil {
			t.Fatal(err)
		}
		change(t, dir, map[string]any{"machine": "of the disk this one was cloned from"})
		if err := run(t, s.config(dir), time.Minute); err != nil {
			t.Fatal(err)
		}
		got := s.requests()
		if len(got) != 2 || bytes.Equal(got[0].Key, got[1].Key) {
			t.Errorf("%d enrolments, want a second with another key", len(got))
		}
	})
}

// Whoever enrolled where the machine had no id yet, as in an image that was never
// booted, is not taken for a clone once it has one.
func TestIdentityOfNoKnownMachineIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dir := newServer(t), t.TempDir()
		if err := run(t, s.config(dir), time.Minute); err != nil {
			t.Fatal(err)
		}
		change(t, dir, map[string]any{"machine": ""})
		if err := run(t, s.config(dir), time.Minute); err != nil {
			t.Fatal(err)
		}
		if got := len(s.requests()); got != 1 {
			t.Errorf("%d enrolments, want 1", got)
		}
	})
}

func TestDamagedIdentityIsNotReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, text := range []string{"", "{", `{"key":"AAAA","root":"AAAA"}`} {
			s, dir := newServer(t), t.TempDir()
			if err := os.WriteFile(identityPath(dir), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			err := run(t, s.config(dir), time.Minute)
			if err == nil || !strings.Contains(err.Error(), "to enrol again") {
				t.Errorf("%q: got %v, want to be told what to do", text, err)
			}
			if got, _ := os.ReadFile(identityPath(dir)); string(got) != text || len(s.requests()) > 0 {
				t.Errorf("%q was replaced", text)
			}
			_ = s.web.Close()
		}
	})
}

func TestEnrolmentIsRefusedAtOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		bend func(t *testing.T, s *server)
		want error // or any
		sent int   // enrolments that reach the server
	}{
		{"wrong pin", func(t *testing.T, s *server) { s.token.Pin = pinOf(newChain(t, host).ca) }, agent.ErrPin, 0},
		{"wrong root", func(_ *testing.T, s *server) { s.token.Root = make([]byte, 32) }, nil, 1},
		{"trust document of another root", func(t *testing.T, s *server) { s.trust = s.signTrust(newKey(t)) }, nil, 1},
		{"no trust document", func(_ *testing.T, s *server) { s.trust = nil }, nil, 1},
		{"spent token", func(_ *testing.T, s *server) {
			s.script = append(s.script, func(w http.ResponseWriter) {
				w.WriteHeader(http.StatusForbidden)
				_, _ = fmt.Fprint(w, `{"title":"Forbidden","detail":"the token is spent"}`)
			})
		}, nil, 1},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, dir, begin := newServer(t), t.TempDir(), time.Now()
				c.bend(t, s)
				err := run(t, s.config(dir), time.Hour)
				if err == nil || errors.Is(err, context.DeadlineExceeded) || c.want != nil && !errors.Is(err, c.want) {
					t.Errorf("got %v, want a refusal %v", err, c.want)
				}
				if took := time.Since(begin); took > 2*time.Second {
					t.Errorf("refused after %v, want at once", took)
				}
				if got := len(s.requests()); got != c.sent {
					t.Errorf("the token was sent %d times, want %d", got, c.sent)
				}
				if _, err := os.Stat(identityPath(dir)); err == nil {
					t.Error("an identity was kept")
				}
			})
		})
	}
}

func TestEnrolmentWaitsForTheServer(t *testing.T) {
	fail := func(status int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(status) }
	}
	synctest.Test(t, func(t *testing.T) {
		s, dir := newServer(t), t.TempDir()
		s.script = []func(http.ResponseWriter){fail(503), fail(502), fail(429), fail(500),
			func(w http.ResponseWriter) { _, _ = fmt.Fprint(w, "<html>log in to the network</html>") }}
		if err := run(t, s.config(dir), time.Minute); err != nil {
			t.Fatal(err)
		}
		got := s.requests()
		if len(got) != 6 || !bytes.Equal(got[0].Key, got[5].Key) {
			t.Errorf("%d enrolments, want 6 with the same key", len(got))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s, dir := newServer(t), t.TempDir()
		_ = s.web.Close()
		err := run(t, s.config(dir), time.Minute)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with no server: %v, want to wait until told to stop", err)
		}
	})
}

// A server that sends the agent elsewhere would make it show its token there.
func TestEnrolmentFollowsNoRedirect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dir := newServer(t), t.TempDir()
		s.script = []func(http.ResponseWriter){func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://"+serverAddr+wire.PathEnrol)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}}
		err := run(t, s.config(dir), time.Minute)
		if err == nil || !strings.Contains(err.Error(), "307") || len(s.requests()) != 1 {
			t.Errorf("%d enrolments and %v, want one that was refused for its 307", len(s.requests()), err)
		}
	})
}

// What fails after the socket for links is open must close it.
func TestFailedStartLeavesNothingBehind(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	synctest.Test(t, func(t *testing.T) {
		s, dir := newServer(t), t.TempDir()
		if err := run(t, s.config(dir), time.Minute); err != nil {
			t.Fatal(err)
		}
		cfg := s.config(dir)
		cfg.StatusListen = busy.Addr().String()
		if err := run(t, cfg, time.Minute); err == nil || !strings.Contains(err.Error(), "--status-listen") {
			t.Errorf("got %v, want to be told of --status-listen", err)
		}
		cfg = s.config(dir)
		cfg.RTCListen = "nonsense"
		if err := run(t, cfg, time.Minute); err == nil || !strings.Contains(err.Error(), "nonsense") {
			t.Errorf("got %v, want to be told of the address", err)
		}
		if err := run(t, s.config(dir), time.Minute); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}
