package governor_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/governor"
)

// cell is a kind of line and of foreground.
type cell struct {
	mbit  float64
	rtt   time.Duration
	queue string // in bandwidth-delay products, or how it is managed
	bbr   bool   // the foreground's sender, CUBIC otherwise
	loss  float64
}

func (c cell) String() string {
	sender := "cubic"
	if c.bbr {
		sender = "bbr"
	}
	if c.loss > 0 {
		sender += fmt.Sprintf("-loss%g", c.loss)
	}
	return fmt.Sprintf("%gmbit-%v-%s-%s", c.mbit, c.rtt, c.queue, sender)
}

func (c cell) bench() *bench {
	bdp := map[string]float64{"0.5": 0.5, "1": 1, "4": 4, "codel": 4, "fair": 4}[c.queue]
	b := newBench(c.mbit, c.rtt, time.Duration(float64(c.rtt)*bdp))
	if c.queue == "codel" {
		b.codel = &codel{}
	}
	b.fair, b.loss = c.queue == "fair", c.loss
	return b
}

// figures are what the controller did to others in a cell, and they to it.
type figures struct {
	use    float64       // of the idle line
	kept   float64       // by the foreground, of what it has alone
	share  float64       // of the line that the download had beside it
	yield  time.Duration // until it had less than a tenth
	back   time.Duration // until it had nine tenths of the line again; 0 for never
	web    float64       // 95th percentile of requests beside it, of what it is alone
	wanted time.Duration // that percentile alone
	lossy  int           // steps in which the line was taken for one that loses packets by itself
}

const (
	warmUp = 10 * time.Second
	idle   = 20 * time.Second // its end
	beside = 20 * time.Second
	after  = 10 * time.Second
)

// measure plays a download alone, a foreground beside it, and the time after.
func (c cell) measure(trace func(string)) (f figures) {
	alone := c.bench()
	solo := alone.tcp(2, c.bbr, -1)
	alone.run(beside)

	b := c.bench()
	s := newScene(b, governor.Limits{})
	s.trace = trace
	b.run(warmUp)
	at := s.ours.acked
	b.run(idle)
	f.use = s.shareSince(at, idle-warmUp)
	foreground, at := b.tcp(2, c.bbr, -1), s.ours.acked
	f.yield = s.until(idle+beside, 100*time.Millisecond, func(share float64) bool { return share < 0.1 })
	b.run(idle + beside)
	f.kept = float64(foreground.acked) / float64(solo.acked)
	f.share = s.shareSince(at, beside)
	foreground.stop()
	f.lossy = s.lossy
	f.back = s.until(idle+beside+after, 200*time.Millisecond, func(share float64) bool { return share > 0.9*0.95 })
	return f
}

// browse measures requests beside a download.
func (c cell) browse(f *figures) {
	f.wanted = requests(c.bench(), c.bbr)
	s := newScene(c.bench(), governor.Limits{})
	s.bench.run(idle)
	f.web = float64(requests(s.bench, c.bbr)) / float64(f.wanted)
	f.lossy += s.lossy
}

// shareSince is the share of the line that the download had.
func (s *scene) shareSince(acked int64, span time.Duration) float64 {
	return float64(s.ours.acked-acked) * onWire / segment / (s.rate * span.Seconds())
}

// until plays on until the share within a step is as wanted, and returns how long
// that took.
func (s *scene) until(end, step time.Duration, wanted func(share float64) bool) time.Duration {
	for begun := s.now; s.now < end; {
		at := s.ours.acked
		s.bench.run(s.now + step)
		if wanted(s.shareSince(at, step)) {
			return s.now - begun
		}
	}
	return 0
}

// requests makes requests of 100 kB for 20 s and returns the 95th percentile of how
// long they took.
func requests(b *bench, bbr bool) time.Duration {
	random := rand.New(rand.NewPCG(1, 2))
	var took []time.Duration
	flow := 10
	end := b.now + 20*time.Second
	var next func()
	next = func() {
		if b.now > end {
			return
		}
		flow++
		at, mine := b.now, flow
		b.after(2*b.delay, func() { // connect
			f := b.tcp(mine, bbr, 70)
			f.done = func() { took = append(took, b.now-at) }
		})
		b.after(time.Duration(random.ExpFloat64()*float64(500*time.Millisecond)), next)
	}
	next()
	b.run(end + 10*time.Second)
	slices.Sort(took)
	return took[len(took)*95/100]
}

func TestOthersKeepTheirLineAndAnIdleOneIsUsed(t *testing.T) {
	for _, c := range []cell{
		{10, 40 * time.Millisecond, "1", false, 0},
		{5, 120 * time.Millisecond, "1", true, 0},
		{5, 40 * time.Millisecond, "fair", false, 0},
		{5, 40 * time.Millisecond, "codel", false, 0},
		{10, 10 * time.Millisecond, "4", true, 0},
		{100, 120 * time.Millisecond, "1", false, 0}, // CUBIC's start ends at 15 ms of queue, and takes 12 s from there
	} {
		t.Run(c.String(), func(t *testing.T) {
			if (c.queue == "4" || c.mbit == 100) && os.Getenv("SITECAST_LONG") == "" {
				t.Skip("it takes long: make test-long")
			}
			t.Parallel()
			f := c.measure(nil)
			if f.use < 0.93 {
				t.Errorf("an idle line is used to %.3f, want 0.93", f.use)
			}
			// Real senders are measured on real links; these only resemble them.
			if c.queue != "fair" && f.kept < 0.94 {
				t.Errorf("the foreground keeps %.3f, want 0.94", f.kept)
			}
			if f.share > 0.25 {
				t.Errorf("beside it the download has %.3f of the line, want a quarter at most", f.share)
			}
			if limit := max(4*c.rtt, 800*time.Millisecond); f.yield == 0 || f.yield > limit {
				t.Errorf("it stood back after %v, want %v", f.yield, limit)
			}
			if c.queue != "1" && f.back == 0 {
				t.Error("it did not come back within 10 s")
			}
		})
	}
}

// BenchmarkCells prints what happens in all cells, or those that match
// SITECAST_GOVERNOR_CELLS: go test -run '^$' -bench Cells -benchtime 1x ./edge/governor
func BenchmarkCells(b *testing.B) {
	only := regexp.MustCompile(os.Getenv("SITECAST_GOVERNOR_CELLS"))
	for b.Loop() {
		for _, mbit := range []float64{5, 20, 100} {
			for _, rtt := range []time.Duration{10, 40, 120} {
				for _, queue := range []string{"0.5", "1", "4", "codel", "fair"} {
					for _, of := range []struct {
						bbr  bool
						loss float64
					}{{false, 0}, {true, 0}, {true, 0.01}, {true, 0.1}} {
						c := cell{mbit, rtt * time.Millisecond, queue, of.bbr, of.loss}
						if !only.MatchString(c.String()) {
							continue
						}
						f := c.measure(func(line string) { b.Log(line) })
						c.browse(&f)
						fmt.Printf("%-24s idle use %.3f, kept %.3f, our share %.3f, stood back after %.2f s, back after %.2f s, web p95 x %.2f of %v, lossy %d\n",
							c, f.use, f.kept, f.share, f.yield.Seconds(), f.back.Seconds(), f.web, f.wanted.Round(time.Millisecond), f.lossy)
					}
				}
			}
		}
	}
}
