package operator

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// plainEvery is how often progress is told where there is no terminal.
const plainEvery = 5 * time.Second

// progress shows how far work has come: bars on a terminal, now and then a line
// elsewhere.
type progress struct {
	out  io.Writer
	bars *mpb.Progress // nil where there is no terminal
}

func newProgress(ctx context.Context, out io.Writer) *progress {
	p := &progress{out: out}
	if newScreen(out).term {
		p.bars = mpb.NewWithContext(ctx, mpb.WithOutput(out), mpb.WithRefreshRate(100*time.Millisecond))
	}
	return p
}

// wait returns when the bars are drawn for the last time.
func (p *progress) wait() {
	if p.bars != nil {
		p.bars.Wait()
	}
}

// stage is one piece of work. It is safe for use by several goroutines.
type stage struct {
	// Set by begin, then constant.
	name  string
	total int64
	out   io.Writer
	bar   *mpb.Bar // nil where there is no terminal
	begun time.Time

	// mu guards the rest.
	mu   sync.Mutex
	done int64
	told time.Time
}

// begin starts a stage of total bytes.
func (p *progress) begin(name string, total int64) *stage {
	now := time.Now()
	s := &stage{name: name, total: total, out: p.out, begun: now, told: now}
	if p.bars != nil {
		s.bar = p.bars.New(total, mpb.BarStyle().Lbound("").Filler("█").Tip("█").Padding("░").Rbound(""),
			mpb.PrependDecorators(decor.Name(name, decor.WC{W: 10, C: decor.DindentRight})),
			mpb.AppendDecorators(decor.Percentage(decor.WC{W: 5}), decor.Name("  "),
				decor.CountersKiloByte("% .1f / % .1f", decor.WC{W: 20}), decor.Name("  "),
				decor.AverageSpeed(decor.SizeB1000(0), "% .1f", decor.WC{W: 11}), decor.Name("  "),
				decor.OnComplete(decor.AverageETA(decor.ET_STYLE_GO, decor.WC{W: 6}), "done")))
	}
	return s
}

// set says how much is done in all.
func (s *stage) set(done int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if done <= s.done {
		return // another goroutine was faster
	}
	s.done = done
	if s.bar != nil {
		s.bar.SetCurrent(done)
		return
	}
	if now := time.Now(); now.Sub(s.told) >= plainEvery {
		s.told = now
		s.line(now)
	}
}

// line prints how far the stage has come. mu is held.
func (s *stage) line(now time.Time) {
	rate := float64(s.done) / max(now.Sub(s.begun).Seconds(), 0.001)
	left := "-"
	if rate > 0 {
		left = time.Duration(float64(s.total-s.done) / rate * float64(time.Second)).Round(time.Second).String()
	}
	fmt.Fprintf(s.out, "%-10s %3.0f%%  %s of %s  %s/s  ETA %s\n", s.name, 100*float64(s.done)/float64(max(s.total, 1)),
		bytesText(s.done), bytesText(s.total), bytesText(int64(rate)), left)
}

// end closes the stage.
func (s *stage) end(complete bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.bar != nil && complete:
		s.bar.SetTotal(s.total, true)
	case s.bar != nil:
		s.bar.Abort(false)
	case complete:
		took := max(time.Since(s.begun).Seconds(), 0.001)
		fmt.Fprintf(s.out, "%-10s 100%%  %s in %.1f s (%s/s)\n", s.name, bytesText(s.total), took, bytesText(int64(float64(s.total)/took)))
	}
}
