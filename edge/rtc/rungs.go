package rtc

import (
	"strings"

	"github.com/pion/webrtc/v4"

	"github.com/sitecast/sitecast/signaling/wire"
)

// The rungs of the ladder that attempts climb: each asks for what costs more than the
// one before, and only when that did not do.
const (
	stunFrom = 2 // addresses as the server sees them, and a relay over UDP
	tcpFrom  = 3 // the relay over TCP or TLS too, where UDP does not get through
	farFrom  = 4 // a relay beyond the WAN, where there is one at the site as well
	farUntil = 5
)

// near reports whether an attempt uses the relay at the site, if there is one: at
// first, and later in turn with the one beyond the WAN.
func near(attempt int) bool { return attempt < farFrom || attempt > farUntil && attempt%2 == 0 }

// rung picks the servers of an attempt from those that are named.
func rung(attempt int, named []wire.ICE) (use []webrtc.ICEServer, atSite bool) {
	if attempt < stunFrom {
		return nil, false
	}
	for _, s := range named {
		atSite = atSite || s.Place == wire.PlaceSite && near(attempt)
	}
	for _, s := range named {
		if s.Username != "" && (s.Place == wire.PlaceSite) != atSite {
			continue
		}
		var urls []string
		for _, u := range s.URLs {
			if attempt >= tcpFrom || !overTCP(u) {
				urls = append(urls, u)
			}
		}
		if len(urls) > 0 {
			use = append(use, webrtc.ICEServer{URLs: urls, Username: s.Username, Credential: s.Credential})
		}
	}
	return use, atSite
}

func overTCP(url string) bool { return strings.HasSuffix(url, "?transport=tcp") }

// tlsAt lists the relays that are asked over TLS, by host and port.
func tlsAt(servers []webrtc.ICEServer) map[string]bool {
	at := map[string]bool{}
	for _, s := range servers {
		for _, u := range s.URLs {
			if where, is := strings.CutPrefix(u, "turns:"); is {
				where, _, _ = strings.Cut(where, "?")
				at[where] = true
			}
		}
	}
	return at
}
