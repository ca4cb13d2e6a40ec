package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
)

const address = "10.0.0.1:80"

// online puts the API on a network in memory; end ends it.
func (s *stand) online() (network *memnet.Network, end func()) {
	s.t.Helper()
	network = memnet.New(memnet.Path{})
	l, err := network.Listen(address)
	s.must(err)
	web := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second}
	var wg sync.WaitGroup
	wg.Go(func() { _ = web.Serve(l) })
	return network, func() {
		_ = web.Close()
		wg.Wait()
	}
}

// slow is a catalog on a busy disk.
type slow struct {
	catalog.Catalog
	takes time.Duration
}

func (s slow) CreateSite(ctx context.Context, by string, made catalog.Site) error {
	select {
	case <-time.After(s.takes):
		return s.Catalog.CreateSite(ctx, by, made)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestASlowAnswerIsWaitedForAndThenGivenUp(t *testing.T) {
	for takes, want := range map[time.Duration]int{20 * time.Second: http.StatusOK, 40 * time.Second: http.StatusServiceUnavailable} {
		synctest.Test(t, func(t *testing.T) {
			s := newStand(t, func(c *api.Config) { c.Catalog = slow{c.Catalog, takes} })
			network, end := s.online()
			r := s.request(catalog.RoleAdmin, "POST", "http://"+address+"/api/v1/sites", `{"name":"shop-1"}`)
			r.RequestURI = ""
			client := http.Client{Transport: &http.Transport{DialContext: network.DialContext, DisableKeepAlives: true}}
			resp, err := client.Do(r)
			s.must(err)
			text, err := io.ReadAll(resp.Body)
			s.must(err)
			_ = resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("after %v answered %d %s, want %d", takes, resp.StatusCode, text, want)
			}
			end()
		})
	}
}

// TestABodyThatDoesNotComeIsNotWaitedForForever on any route.
func TestABodyThatDoesNotComeIsNotWaitedForForever(t *testing.T) {
	for _, c := range []struct {
		what, token string
		within      time.Duration
	}{
		{"GET /healthz", "", time.Minute},
		{"POST /api/v1/enrol", "", time.Minute},
		{"POST /api/v1/sites", catalog.RoleAdmin, time.Minute},
		{"PUT /api/v1/objects/" + strings.Repeat("ab", 32), "", time.Minute},
		{"PUT /api/v1/objects/" + strings.Repeat("ab", 32), catalog.RoleOperator, time.Hour},
	} {
		t.Run(c.what+c.token, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t)
				network, end := s.online()
				conn, err := network.DialContext(t.Context(), "tcp", address)
				s.must(err)
				_, err = fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
					c.what, s.tokens[c.token])
				s.must(err)
				s.must(conn.SetReadDeadline(time.Now().Add(c.within)))
				if _, err := io.Copy(io.Discard, conn); err != nil {
					t.Errorf("%s as %q holds its connection for more than %v", c.what, c.token, c.within)
				}
				_ = conn.Close()
				end()
			})
		})
	}
}

// TestAnAnswerThatNobodyTakesIsNotHeldForEver: without a deadline a reader that
// reads nothing would keep a connection and all behind it.
func TestAnAnswerThatNobodyTakesIsNotHeldForEver(t *testing.T) {
	object := make([]byte, 4<<20)
	for what, c := range map[string]struct {
		path    func(*stand) string
		asks    int
		patient time.Duration // a reader that pauses for so long gets everything
		over    time.Duration // and one that pauses longer does not
	}{
		"answers": {func(*stand) string { return "/api/v1/openapi.json" }, 60, time.Minute, 3 * time.Minute},
		"objects": {func(s *stand) string { return s.keys.SignURL(s.stored(object), time.Now().Add(24*time.Hour)) }, 1,
			4 * time.Minute, 6 * time.Minute},
	} {
		for _, pause := range []time.Duration{c.patient, c.over} {
			t.Run(fmt.Sprint(what, " after ", pause), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newStand(t)
					network, end := s.online()
					conn, err := network.DialContext(t.Context(), "tcp", address)
					s.must(err)
					path := c.path(s)
					whole := s.get(path).Body.Len() * c.asks
					for i := range c.asks {
						last := map[bool]string{true: "Connection: close\r\n"}[i == c.asks-1]
						_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, last)
						s.must(err)
					}
					time.Sleep(pause)
					s.must(conn.SetReadDeadline(time.Now().Add(time.Hour)))
					n, err := io.Copy(io.Discard, conn)
					if got := n >= int64(whole); got != (pause == c.patient) {
						t.Errorf("after %v without reading came %d bytes of %d (%v)", pause, n, whole, err)
					}
					_ = conn.Close()
					end()
				})
			})
		}
	}
}

// TestASlowBodyIsTaken: operators sit behind slow lines, too.
func TestASlowBodyIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		network, end := s.online()
		conn, err := network.DialContext(t.Context(), "tcp", address)
		s.must(err)
		body := `{"name":"shop-1"}`
		_, err = fmt.Fprintf(conn, "POST /api/v1/sites HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
			"Connection: close\r\nContent-Length: %d\r\n\r\n", s.tokens[catalog.RoleAdmin], len(body))
		s.must(err)
		for _, b := range []byte(body) {
			time.Sleep(time.Second)
			_, err = conn.Write([]byte{b})
			s.must(err)
		}
		answer, err := io.ReadAll(conn)
		s.must(err)
		if !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
			t.Errorf("a body that took %d s was answered %s", len(body), answer)
		}
		_ = conn.Close()
		end()
	})
}
