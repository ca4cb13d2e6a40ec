package agent_test

import (
	"slices"
	"testing"

	"github.com/sitecast/sitecast/edge/agent"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestReflectorsAreTheServersThatAnswerSTUNOverUDP(t *testing.T) {
	for url, want := range map[string]string{
		"stun:192.0.2.1:3479":                  "192.0.2.1:3479",
		"stun:192.0.2.1":                       "192.0.2.1:3478",
		"stun:stun.example":                    "stun.example:3478",
		"stun:[2001:db8::1]:99":                "[2001:db8::1]:99",
		"stun:[2001:db8::1]":                   "[2001:db8::1]:3478",
		"stun:2001:db8::1":                     "[2001:db8::1]:3478",
		"turn:192.0.2.1:3478":                  "192.0.2.1:3478",
		"turn:192.0.2.1:3478?transport=udp":    "192.0.2.1:3478",
		"turn:192.0.2.1:3478?transport=tcp":    "",
		"turns:192.0.2.1:5349":                 "",
		"turns:192.0.2.1:5349?transport=tcp":   "",
		"stuns:192.0.2.1:5349":                 "",
		"https://192.0.2.1":                    "",
		"stun:":                                "",
		"stun::3478":                           "",
		"":                                     "",
		"turn:turn.example:443?transport=tcp":  "",
		"turn:turn.example:443?transport=udp":  "turn.example:443",
		"stun:192.0.2.1:3478?transport=tcp&x=": "",
	} {
		var wants []string
		if want != "" {
			wants = []string{want}
		}
		if got := agent.Reflectors([]wire.ICE{{URLs: []string{url}}}); !slices.Equal(got, wants) {
			t.Errorf("%q gives %q, want %q", url, got, wants)
		}
	}
	got := agent.Reflectors([]wire.ICE{{URLs: []string{"stun:a.example", "turn:a.example:3478"}}, {URLs: []string{"stun:b.example"}}})
	if want := []string{"a.example:3478", "b.example:3478"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want each once: %q", got, want)
	}
}
