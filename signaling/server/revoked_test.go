package server_test

import (
	"crypto/ed25519"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

func TestRevokedEndpointIsCutOffAtOnceAndStaysOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := t.TempDir()
		s := newStand(t, data)
		key := s.enrol("shop-1")
		id := wire.IDOf(key.Public().(ed25519.PublicKey))
		token := s.session(key).Token
		k, _ := s.dial(token)
		s.say(k, wire.KindHello, 0, 0, wire.Hello{Version: wire.Version, Name: "till-1", Device: wire.DeviceAgent})
		synctest.Wait()
		resp, _, err := s.do("10.0.0.2", "DELETE", base+"/api/v1/endpoints/"+string(id), s.admin(), nil)
		if err != nil || resp.StatusCode != http.StatusConflict {
			t.Errorf("an endpoint that is online was removed: %v, %v", resp, err)
		}
		began := time.Now()
		s.call("POST", "/api/v1/endpoints/"+string(id)+"/revocation", s.admin(), api.NewRevocation{Reason: "stolen"}, nil)
		if why := s.farewell(k); why.Code != wire.CodeUnauthorized || why.Detail != "the endpoint was revoked: stolen" || time.Since(began) > time.Second {
			t.Errorf("after %v it was told %+v", time.Since(began), why)
		}
		again, status := s.dial(token) // which is good for ten minutes
		_ = again.conn.Close()
		if status != http.StatusUnauthorized {
			t.Errorf("with its token it gets %d", status)
		}
		s.end()

		s = newStand(t, data)
		again, status = s.dial(token)
		_ = again.conn.Close()
		if status != http.StatusUnauthorized {
			t.Errorf("after a restart of the server its token gets it %d", status)
		}
		s.call("DELETE", "/api/v1/endpoints/"+string(id), s.admin(), nil, nil)
		s.end()
	})
}

// A server whose root key was replaced trusts no publisher of before.
func TestAServerWithAnotherRootBelievesNobodyOfBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := t.TempDir()
		s := newStand(t, data)
		s.call("POST", "/api/v1/publishers", s.admin(), api.NewPublisher{Key: make([]byte, ed25519.PublicKeySize), Name: "ana", Prefixes: []string{""}}, nil)
		s.enrol("shop-1")
		s.end()
		for _, name := range []string{"root.key", "root.pub"} {
			s.must(os.Remove(filepath.Join(data, name)))
		}
		s = newStand(t, data)
		if !strings.Contains(s.logged(), "another root key") {
			t.Errorf("the log says\n%s", s.logged())
		}
		var state api.TrustState
		s.call("GET", "/api/v1/trust", s.admin(), nil, &state)
		trust, err := content.OpenTrust(state.Document, state.Root)
		s.must(err)
		if doc := trust.Document(); doc.Serial != 3 || len(doc.Publishers) > 0 {
			t.Errorf("the trust document is %+v", doc)
		}
		s.end()
	})
}
