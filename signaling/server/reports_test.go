package server_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/server"
)

func TestReportsComeLessOftenFromMany(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		now                time.Duration
		online, processors int
		want               time.Duration
	}{
		{0, 0, 1, s},
		{s, 2000, 1, s},
		{s, 2001, 1, 2 * s},
		{s, 10_000, 2, 4 * s},
		{s, 10_000, 8, s},
		{s, 1_000_000, 2, 4 * s}, // who is silent for longer counts as one that sleeps
		{4 * s, 8000, 2, 4 * s},  // two seconds would do, and everybody would be told for little
		{4 * s, 3000, 2, 2 * s},
		{4 * s, 100, 2, s},
	} {
		if got := server.ReportEvery(c.now, c.online, c.processors); got != c.want {
			t.Errorf("%d endpoints that report every %v to %d processors shall do so every %v, want %v", c.online, c.now, c.processors, got, c.want)
		}
	}
}
