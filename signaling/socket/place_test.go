package socket_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/signaling/socket"
	"github.com/sitecast/sitecast/signaling/wire"
)

// placed is a stand that places endpoints by the first of their networks.
func placed(t *testing.T) *stand {
	return newStand(t, func(cfg *socket.Config) {
		cfg.Place = func(_ context.Context, who socket.Identity, hello wire.Hello, from netip.Addr) (socket.Identity, error) {
			who.Enrolled = who.Site
			switch where := strings.Join(hello.Subnets, " "); where {
			case "10.1.0.0/24":
				return who, nil
			case "10.2.0.0/24":
				who.Site = "shop-13"
				return who, nil
			case "10.3.0.0/24":
				return who, fmt.Errorf("read the catalog: %w", socket.ErrUnavailable)
			case "10.4.0.0/24":
				return who, errors.New("no such endpoint")
			default:
				who.Site, who.Quarantine = "", "nobody knows "+where+" behind "+from.String()
				return who, nil
			}
		}
		cfg.Welcome = func(_ context.Context, who socket.Identity) (wire.Welcome, error) {
			w := wire.Welcome{Epoch: 7}
			if who.Site != "" {
				w.ICE = []wire.ICE{{URLs: []string{"stun:" + who.Site + ":3478"}}}
			}
			return w, nil
		}
	})
}

func in(subnet, session string) string {
	return `{"type":"hello","body":{"version":1,"session":"` + session + `","subnets":["` + subnet + `"]}}`
}

func TestAnEndpointIsWhereItIsPlacedAndNotWhereItsTokenSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := placed(t)
		var last *wire.Welcome
		session := ""
		for _, c := range []struct{ subnet, site, quarantine, ice string }{
			{"10.1.0.0/24", "shop-12", "", "stun:shop-12:3478"},
			{"10.2.0.0/24", "shop-13", "", "stun:shop-13:3478"},
			{"10.9.0.0/24", "", "nobody knows 10.9.0.0/24 behind 10.0.0.2", ""},
		} {
			ws := s.dial("10.0.0.2", in(c.subnet, session))
			_, body := s.hear(ws)
			last = body.(*wire.Welcome)
			ice := ""
			if len(last.ICE) > 0 {
				ice = last.ICE[0].URLs[0]
			}
			if last.Site != c.site || last.Quarantine != c.quarantine || ice != c.ice || last.Resumed {
				t.Errorf("in %s it is welcomed as %+v, want a new session at %q", c.subnet, last, c.site)
			}
			synctest.Wait()
			s.mu.Lock()
			at := s.session
			s.mu.Unlock()
			if at.Site != c.site || at.Home != "shop-12" {
				t.Errorf("the session is at %q, of who enrolled at %q", at.Site, at.Home)
			}
			session = last.Session
			_ = ws.Close()
		}
		again := s.dial("10.0.0.2", in("10.9.0.0/24", session))
		if _, body := s.hear(again); !body.(*wire.Welcome).Resumed || body.(*wire.Welcome).Quarantine == "" {
			t.Errorf("in the same place it is welcomed as %+v, want that it goes on there", body)
		}
		_ = again.Close()
		s.end()
	})
}

func TestWhoCannotBePlacedIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := placed(t)
		ws := s.dial("10.0.0.2", in("10.3.0.0/24", ""))
		s.wantFarewell(ws, wire.CodeOverloaded)
		other := s.dial("10.0.0.2", in("10.4.0.0/24", ""))
		if _, _, err := other.ReadMessage(); err == nil {
			t.Error("who is not known is welcomed")
		}
		s.wantLog()
		_, _ = ws.Close(), other.Close()
		s.end()
	})
}
