package governor_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/governor"
)

// Pings in a tunnel wait for more than the line. That is nobody's traffic, and who is
// there shows in a longer queue.
func TestPingsInATunnelAreNotTakenForTraffic(t *testing.T) {
	c := cell{20, 40 * time.Millisecond, "4", false, 0}
	b := c.bench()
	s := newScene(b, governor.Limits{})
	s.blur = 12 * time.Millisecond
	b.run(warmUp)
	at := s.ours.acked
	b.run(idle)
	if use := s.shareSince(at, idle-warmUp); use < 0.85 {
		t.Errorf("an idle line is used to %.3f, want 0.85", use)
	}
	foreground, at := b.tcp(2, false, -1), s.ours.acked
	b.run(idle + beside)
	if share, theirs := s.shareSince(at, beside), float64(foreground.acked)/(b.rate*beside.Seconds()); share > 0.1 || theirs < 0.85 {
		t.Errorf("beside others the download has %.3f of the line, and they %.3f, want a tenth at most and 0.85", share, theirs)
	}
}
