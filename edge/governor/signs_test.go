package governor_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/governor"
)

// Pings in a tunnel wait for more than the line. That is nobody's traffic, and who is
// there shows in a longer queue. A pace that is told takes a request there, so few are; the
// line is used, and left, as where each change is told.
func TestPingsInATunnelAreNotTakenForTraffic(t *testing.T) {
	told := map[bool]float64{}
	for _, dear := range []bool{false, true} {
		c := cell{20, 40 * time.Millisecond, "4", false, 0}
		b := c.bench()
		s := newScene(b, governor.Limits{})
		s.blur, s.dear = 12*time.Millisecond, dear
		b.run(warmUp)
		at := s.ours.acked
		b.run(idle)
		use := s.shareSince(at, idle-warmUp)
		if use < 0.85 {
			t.Errorf("dear %v: an idle line is used to %.3f, want 0.85", dear, use)
		}
		foreground, at := b.tcp(2, false, -1), s.ours.acked
		b.run(idle + beside)
		share, theirs := s.shareSince(at, beside), float64(foreground.acked)/(b.rate*beside.Seconds())
		if share > 0.1 || theirs < 0.85 {
			t.Errorf("dear %v: beside others the download has %.3f of the line, and they %.3f, want a tenth at most and 0.85", dear, share, theirs)
		}
		told[dear] = float64(s.tells) / (idle + beside).Seconds()
		t.Logf("dear %v: %.1f paces told a second; %.3f of an idle line, %.3f beside others who have %.3f", dear, told[dear], use, share, theirs)
	}
	if told[true] > told[false]*2/3 {
		t.Errorf("%.1f paces are told a second where each takes a request, and %.1f elsewhere, want two thirds at most", told[true], told[false])
	}
}
