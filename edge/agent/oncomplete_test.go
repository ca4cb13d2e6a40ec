package agent

import (
	"testing"
	"time"
)

func TestWrongCommandsAreRefused(t *testing.T) {
	for _, bad := range [][]string{{"app"}, {"app="}, {"=true"}, {"../app=true"}, {"app=true", "app=false"}} {
		if got, err := parseOnComplete(bad, time.Minute); err == nil {
			t.Errorf("%q was taken as %v", bad, got)
		}
	}
	if _, err := parseOnComplete([]string{"app=true"}, 0); err == nil {
		t.Error("a command has no time at all")
	}
}

func FuzzParseCompleted(f *testing.F) {
	f.Add([]byte(`["000102030405060708090a0b0c0d0e0f"]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if ids, err := parseCompleted(text); err == nil && len(ids) > maxCompleted {
			t.Errorf("%d ids", len(ids))
		}
	})
}
