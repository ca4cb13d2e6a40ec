package server_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/storage/catalog"
)

func TestProfilesAreNotOnThePublicListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir())
		for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/profile?seconds=1", "/debug/vars"} {
			if resp, _, err := s.do("10.0.0.2", "GET", base+path, s.admin(), nil); err != nil || resp.StatusCode != http.StatusNotFound {
				t.Errorf("%s on the public listener: got %v, %v; want 404", path, resp.StatusCode, err)
			}
		}
		s.end()
	})
}

func TestProfilesAreForThisHostAndAdmins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir())
		made := func(role string, sites ...string) string {
			var token api.MadeToken
			s.call("POST", "/api/v1/tokens", s.admin(), api.NewToken{Name: role, Role: role, Sites: sites, TTLSeconds: 3600}, &token)
			return token.Secret
		}
		s.call("POST", "/api/v1/sites", s.admin(), api.NewSite{Name: "shop"}, nil)
		viewer, local := made(catalog.RoleViewer), made(catalog.RoleAdmin, "shop")
		profiles := server.Profiles(s.server)
		for name, c := range map[string]struct {
			from, host, token string
			path              string
			want              int
		}{
			"from this host":                   {"127.0.0.1:1", "127.0.0.1:6060", "", "/debug/pprof/goroutine?debug=1", 200},
			"by name":                          {"[::1]:1", "localhost:6060", "", "/debug/pprof/", 200},
			"a name that was made to mean it":  {"127.0.0.1:1", "evil.example:6060", "", "/debug/pprof/", 403},
			"from elsewhere":                   {"192.0.2.1:1", "127.0.0.1:6060", "", "/debug/pprof/", 403},
			"from elsewhere, an admin":         {"192.0.2.1:1", "sitecast.example:6060", s.admin(), "/debug/pprof/heap?debug=1", 200},
			"from elsewhere, an admin of some": {"192.0.2.1:1", "sitecast.example:6060", local, "/debug/pprof/", 403},
			"from elsewhere, a viewer":         {"192.0.2.1:1", "sitecast.example:6060", viewer, "/debug/pprof/", 403},
			"from elsewhere, nonsense":         {"192.0.2.1:1", "sitecast.example:6060", "nonsense", "/debug/pprof/", 403},
			"the command line":                 {"127.0.0.1:1", "127.0.0.1:6060", "", "/debug/pprof/cmdline", 404},
			"anything else":                    {"127.0.0.1:1", "127.0.0.1:6060", "", "/", 404},
		} {
			r := httptest.NewRequest("GET", c.path, nil)
			r.RemoteAddr, r.Host = c.from, c.host
			if c.token != "" {
				r.Header.Set("Authorization", "Bearer "+c.token)
			}
			w := httptest.NewRecorder()
			profiles.ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("%s: got %d %.100s, want %d", name, w.Code, w.Body, c.want)
			}
		}
		s.end()
	})
}

// TestDebugListenServesProfiles is on a real socket of this host.
func TestDebugListenServesProfiles(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	s := newStand(t, t.TempDir(), func(c *server.Config) { c.DebugListen = at })
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: s.tls().RootCAs}}}
	for _, scheme := range []string{"http://", "https://"} {
		resp, err := client.Get(scheme + at + "/debug/pprof/goroutine?debug=1")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusOK || len(text) == 0 || err != nil {
			t.Errorf("%s: got %d %.100s (%v)", scheme, resp.StatusCode, text, err)
		}
		_ = resp.Body.Close()
	}
	s.end()
	if c, err := net.Dial("tcp", at); err == nil {
		_ = c.Close()
		t.Error("profiles are served after the end")
	}
}
