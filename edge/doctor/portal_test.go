package doctor_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/edge/doctor"
)

func TestAPortalIsTold(t *testing.T) {
	page := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>Welcome")) }
	lead := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
	}
	for name, c := range map[string]struct {
		server  string
		answers map[string]http.HandlerFunc // by port
		want    string
	}{
		"nobody answers":               {"https://10.0.0.1:8443", nil, ""},
		"a log-on page at port 80":     {"https://10.0.0.1:8443", map[string]http.HandlerFunc{"80": lead("http://portal.example/login")}, "portal.example"},
		"the network says it (511)":    {"https://10.0.0.1:8443", map[string]http.HandlerFunc{"80": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(511) }}, "511"},
		"a page where TLS should be":   {"https://10.0.0.1:8443", map[string]http.HandlerFunc{"8443": page}, "200"},
		"a web server beside":          {"https://10.0.0.1:8443", map[string]http.HandlerFunc{"80": page}, ""},
		"one that leads to TLS":        {"https://10.0.0.1:8443", map[string]http.HandlerFunc{"80": lead("https://10.0.0.1:8443/healthz"), "8443": lead("/healthz")}, ""},
		"a server without TLS is well": {"http://10.0.0.1:8080", map[string]http.HandlerFunc{"8080": page}, ""},
		"a portal before such a one":   {"http://10.0.0.1:8080", map[string]http.HandlerFunc{"8080": lead("http://192.0.2.1/")}, "192.0.2.1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := memnet.New(memnet.Path{Delay: time.Millisecond})
				var wg sync.WaitGroup
				var webs []*http.Server
				for port, handler := range c.answers {
					l, err := network.Listen("10.0.0.1:" + port)
					if err != nil {
						t.Fatal(err)
					}
					web := &http.Server{Handler: handler}
					wg.Go(func() { _ = web.Serve(l) })
					webs = append(webs, web)
				}
				defer func() {
					for _, web := range webs {
						_ = web.Close()
					}
					wg.Wait()
				}()
				server, err := url.Parse(c.server)
				if err != nil {
					t.Fatal(err)
				}
				seen, found := doctor.Portal(t.Context(), network.DialContext, server)
				if found != (c.want != "") || !strings.Contains(seen, c.want) {
					t.Errorf("saw %q (%v), want %q in it", seen, found, c.want)
				}
			})
		})
	}
}
