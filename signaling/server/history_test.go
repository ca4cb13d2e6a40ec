package server_test

import (
	"strings"
	"testing"

	"github.com/sitecast/sitecast/signaling/server"
)

func TestTheRoomOfTheHistoryIsASize(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "0": 0, "none": 0, "1GB": 1e9, "16MB": 16e6} {
		if got, err := server.HistoryBytes(text); got != want || err != nil {
			t.Errorf("%q is %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"15MB", "-1", "much", "1"} {
		if got, err := server.HistoryBytes(text); err == nil || !strings.Contains(err.Error(), "--history") {
			t.Errorf("%q is %d, %v, want an error that names the flag", text, got, err)
		}
	}
}
