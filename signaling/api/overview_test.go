package api_test

import (
	"strings"
	"testing"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/evidence"
)

func TestWhoIsInQuarantineWantsAttention(t *testing.T) {
	var all []evidence.Standing
	for _, name := range []string{"till-1", "till-2", "till-3", "till-4", "till-5", "till-6", "till-7"} {
		all = append(all, lost(name, "192.168.7.0/24"))
	}
	s, _ := onMap(t, append(all, lost("kiosk", "192.168.9.0/24"))...)
	var got api.Overview
	s.call("GET", "/overview", nil, &got)
	if len(got.Attention) != 2 || got.AttentionMore != 0 {
		t.Fatalf("got %+v, want two networks", got.Attention)
	}
	for i, want := range []string{"till-1, till-2, till-3, till-4, till-5 and 2 more in quarantine: ", "kiosk in quarantine: "} {
		if a := got.Attention[i]; a.Code != board.AttentionQuarantine || a.Site != "" || !strings.HasPrefix(a.Text, want) {
			t.Errorf("got %+v, want %q", a, want)
		}
	}
}
