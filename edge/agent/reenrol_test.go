package agent_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// answer has the server answer challenges with a problem, or with none.
func (s *server) answer(code string) {
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("POST "+wire.PathEnrol, s.enrol)
	s.mux.HandleFunc("POST "+wire.PathChallenge, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"code":%q,"detail":"no"}`, code)
	})
	s.web.Handler = s.mux
}

func TestEndpointThatWasTurnedAwayEnrolsAgainWithANewToken(t *testing.T) {
	for _, c := range []struct {
		name, code, token string
		root              bool // another organisation's
		want              int  // enrolments
	}{
		{"revoked, with the token of before", "revoked", "t1", false, 1},
		{"revoked, with a new token", "revoked", "t2", false, 2},
		{"not known any more", "unknown_endpoint", "t2", false, 2},
		{"a new token for no reason", "unauthorized", "t2", false, 1},
		{"another root", "unauthorized", "t2", true, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, dir := newServer(t), t.TempDir()
				if err := run(t, s.config(dir), time.Minute); err != nil {
					t.Fatal(err)
				}
				s.answer(c.code)
				s.token.ID = c.token
				if c.root {
					s.root = newKey(t)
					digest := sha256.Sum256(s.root.Public().(ed25519.PublicKey))
					s.token.Root, s.trust = digest[:], s.signTrust(s.root)
				}
				if err := run(t, s.config(dir), time.Minute); err != nil {
					t.Fatal(err)
				}
				got := s.requests()
				if len(got) != c.want || c.want == 2 && bytes.Equal(got[0].Key, got[1].Key) {
					t.Errorf("%d enrolments, want %d with keys of their own", len(got), c.want)
				}
				before, err := os.ReadFile(identityPath(dir))
				if err != nil {
					t.Fatal(err)
				}
				if err := run(t, s.config(dir), time.Minute); err != nil { // once with each token
					t.Fatal(err)
				}
				if after, err := os.ReadFile(identityPath(dir)); err != nil || !bytes.Equal(before, after) || len(s.requests()) != c.want {
					t.Errorf("it enrolled again with the same token, or %v", err)
				}
			})
		})
	}
}

func TestEndpointGoesOnAsWhoItIsWhereItCannotEnrolAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dir := newServer(t), t.TempDir()
		if err := run(t, s.config(dir), time.Minute); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(identityPath(dir))
		if err != nil {
			t.Fatal(err)
		}
		s.answer("revoked")
		s.token.ID = "t2"
		s.mu.Lock()
		s.script = append(s.script, func(w http.ResponseWriter) { w.WriteHeader(http.StatusForbidden) })
		s.mu.Unlock()
		if err := run(t, s.config(dir), time.Minute); err != nil {
			t.Errorf("with a token that is spent: %v", err)
		}
		if after, err := os.ReadFile(identityPath(dir)); err != nil || !bytes.Equal(before, after) {
			t.Errorf("the identity changed, or %v", err)
		}
	})
}
