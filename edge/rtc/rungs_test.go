package rtc

import (
	"strings"
	"testing"

	"github.com/sitecast/sitecast/signaling/wire"
)

func TestEachRungCostsMoreThanTheOneBefore(t *testing.T) {
	central := []wire.ICE{{URLs: []string{"stun:c:1"}}, {URLs: []string{"turn:c:1?transport=udp", "turns:c:1?transport=tcp"}, Username: "u"}}
	both := append([]wire.ICE{{URLs: []string{"turn:s:1?transport=udp", "turn:s:1?transport=tcp"}, Username: "u", Place: wire.PlaceSite}}, central...)
	for _, c := range []struct {
		what    string
		attempt int
		named   []wire.ICE
		want    string
		atSite  bool
	}{
		{"at first nobody is asked", 1, both, "", false},
		{"then over UDP", 2, central, "stun:c:1 turn:c:1?transport=udp", false},
		{"then over TCP as well", 3, central, "stun:c:1 turn:c:1?transport=udp turns:c:1?transport=tcp", false},
		{"the relay at the site first", 2, both, "turn:s:1?transport=udp stun:c:1", true},
		{"over TCP, too", 3, both, "turn:s:1?transport=udp turn:s:1?transport=tcp stun:c:1", true},
		{"and only then the one beyond the WAN", 4, both, "stun:c:1 turn:c:1?transport=udp turns:c:1?transport=tcp", false},
		{"later in turn, the site's", 100, both, "turn:s:1?transport=udp turn:s:1?transport=tcp stun:c:1", true},
		{"later in turn, the other", 99, both, "stun:c:1 turn:c:1?transport=udp turns:c:1?transport=tcp", false},
		{"nobody is named", 3, nil, "", false},
	} {
		var urls []string
		use, atSite := rung(c.attempt, c.named)
		for _, s := range use {
			urls = append(urls, s.URLs...)
		}
		if got := strings.Join(urls, " "); got != c.want || atSite != c.atSite {
			t.Errorf("%s: attempt %d asks %q, at the site %v; want %q, %v", c.what, c.attempt, got, atSite, c.want, c.atSite)
		}
	}
	use, _ := rung(3, central)
	if at := tlsAt(use); len(at) != 1 || !at["c:1"] {
		t.Errorf("asked over TLS: %v, want c:1", at)
	}
}
