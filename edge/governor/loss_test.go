package governor_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/edge/governor"
)

const noQueue = 3 * time.Millisecond

// send sends probes by their fates: '.' comes back, 'q' comes back after a queue, and
// 'x' is lost.
func send(l *governor.Losses, from uint64, fates string, times int) uint64 {
	for range times {
		for _, f := range fates {
			if from++; f != 'x' {
				l.Came(from, map[rune]time.Duration{'.': 0, 'q': 2 * noQueue}[f], noQueue)
			}
		}
	}
	return from
}

func TestLossesOfTheLineAreToldFromThoseInAQueue(t *testing.T) {
	for name, c := range map[string]struct {
		fates string
		times int
		want  float64 // share; the probe after a loss, and three more, must have come
	}{
		"None":             {"..........", 40, 0},
		"OneInTen":         {".....x....", 40, 0.1},
		"OneInFifty":       {"..........x.......................................", 8, 0.02},
		"HalfOfAll":        {"x..x.xx.x.", 40, 0.5},
		"TooFewToTell":     {"..x..x..x.....", 1, 0},
		"FullQueue":        {"..qqqxqqq.", 40, 0},
		"QueueBefore":      {"....qx....", 40, 0},
		"QueueAfter":       {".....xq...", 40, 0},
		"Outage":           {"...xxxxxxxxxxxx...", 10, 0},
		"MostlyOwn":        {".....x..........x.....qxq.......x.....x..", 10, 4. / 41},
		"AsManyInAQueue":   {".....x...qxq....", 20, 0},
		"EverythingQueues": {"qqqqqqqxqq", 40, 0},
	} {
		var l governor.Losses
		from := send(&l, 0, c.fates, c.times)
		send(&l, from, "....", 1)
		if got := l.Share(); got < 0.8*c.want || got > 1.2*c.want {
			t.Errorf("%s: a share of %.3f is the line's own, want about %.3f", name, got, c.want)
		}
	}
}

func TestLossyLineIsOneUntilItLosesNoMore(t *testing.T) {
	var l governor.Losses
	from := send(&l, 0, ".....x....", 20)
	if l.Share() == 0 {
		t.Fatal("a line that loses one in ten is not lossy")
	}
	from = send(&l, from, ".....x...qxq....", 15)
	if l.Share() == 0 {
		t.Error("as many losses in a queue as without change the mind")
	}
	from = send(&l, from, "qqqxqq", 60)
	if l.Share() != 0 {
		t.Error("losses in a queue alone leave it lossy")
	}
	from = send(&l, from, ".....x....", 60)
	if l.Share() == 0 {
		t.Error("it is not lossy again")
	}
	if send(&l, from, "..........", 40); l.Share() != 0 {
		t.Error("it is lossy though it loses none any more")
	}
}

// Packets that overtake others a little are not lost, and what was given up may come.
func TestProbesThatOvertakeAreNotLost(t *testing.T) {
	var l governor.Losses
	for i := uint64(1); i < 400; i += 3 {
		for _, number := range []uint64{i + 2, i, i + 1, i} {
			l.Came(number, 0, noQueue)
		}
	}
	if l.Share() != 0 {
		t.Errorf("a line that changes the order loses a share of %.3f", l.Share())
	}
}

func TestShareIsOneWhateverComes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l governor.Losses
		number := uint64(0)
		for range rapid.IntRange(0, 300).Draw(t, "probes") {
			number += rapid.SampledFrom([]uint64{0, 1, 1, 1, 2, 3, 20, 5000}).Draw(t, "step")
			l.Came(number-min(number, rapid.SampledFrom([]uint64{0, 0, 1, 4}).Draw(t, "late")), time.Duration(rapid.IntRange(0, 9).Draw(t, "queue"))*time.Millisecond, noQueue)
			if s := l.Share(); s < 0 || s > 1 {
				t.Fatalf("a share of %v", s)
			}
		}
	})
}

// A download beside others on a line that is full is no sign that it loses packets by
// itself, though it came last and never saw the line empty.
func TestFullLineIsNotTakenForALossyOne(t *testing.T) {
	for _, c := range []cell{
		{5, 10 * time.Millisecond, "0.5", true, 0},
		{5, 10 * time.Millisecond, "0.5", false, 0},
		{20, 40 * time.Millisecond, "0.5", false, 0},
		{20, 40 * time.Millisecond, "0.5", true, 0},
		{20, 120 * time.Millisecond, "1", false, 0},
		{20, 40 * time.Millisecond, "codel", false, 0},
		{5, 40 * time.Millisecond, "fair", true, 0},
	} {
		t.Run(c.String(), func(t *testing.T) {
			if (c.queue != "0.5" || c.mbit > 5) && os.Getenv("SITECAST_LONG") == "" {
				t.Skip("it takes long: make test-long")
			}
			t.Parallel()
			b := c.bench()
			b.tcp(2, c.bbr, -1)
			b.tcp(3, c.bbr, -1)
			b.run(2 * time.Second)
			s := newScene(b, governor.Limits{})
			b.run(30 * time.Second)
			if s.lossy > 0 {
				t.Errorf("it is taken for one in %d steps", s.lossy)
			}
		})
	}
}

// On a line that loses packets by itself most of what it carries is used, and others
// keep theirs.
func TestLossyLineIsUsedAndLeft(t *testing.T) {
	for _, c := range []struct {
		cell
		use float64 // of what the losses leave
	}{
		{cell{20, 40 * time.Millisecond, "1", true, 0.01}, 0.85},
		{cell{20, 40 * time.Millisecond, "1", true, 0.1}, 0.75},
		{cell{20, 150 * time.Millisecond, "1", true, 0.05}, 0.6},
	} {
		t.Run(fmt.Sprint(c.cell), func(t *testing.T) {
			if c.loss < 0.1 && os.Getenv("SITECAST_LONG") == "" {
				t.Skip("it takes long: make test-long")
			}
			t.Parallel()
			f := c.measure(nil)
			if f.use < c.use*(1-c.loss) {
				t.Errorf("an idle line is used to %.3f, want %.3f of what it carries", f.use, c.use)
			}
			if f.kept < 0.93 || f.share > 0.1 {
				t.Errorf("the foreground keeps %.3f beside a share of %.3f, want 0.93 and a tenth", f.kept, f.share)
			}
		})
	}
}
