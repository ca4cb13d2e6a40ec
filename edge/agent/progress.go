package agent

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// plainEvery is how often progress is told where there is no terminal.
const plainEvery = 5 * time.Second

// progress shows how far a check has come: a bar on a terminal, now and then a line
// elsewhere. It is safe for use by several goroutines.
type progress struct {
	// Set by newProgress, then constant.
	name  string
	out   io.Writer
	bars  *mpb.Progress // nil where there is no terminal
	begun time.Time

	// mu guards the rest.
	mu          sync.Mutex
	bar         *mpb.Bar // nil until the total is known
	done, total int64
	told        time.Time
}

func newProgress(ctx context.Context, out io.Writer, name string) *progress {
	now := time.Now()
	p := &progress{name: name, out: out, begun: now, told: now}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.bars = mpb.NewWithContext(ctx, mpb.WithOutput(out), mpb.WithRefreshRate(100*time.Millisecond))
	}
	return p
}

// set says how much is done, of how much.
func (p *progress) set(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total = total
	if p.bars != nil && p.bar == nil {
		p.bar = p.bars.New(total, mpb.BarStyle().Lbound("").Filler("█").Tip("█").Padding("░").Rbound(""),
			mpb.PrependDecorators(decor.Name(p.name, decor.WC{W: 10, C: decor.DindentRight})),
			mpb.AppendDecorators(decor.Percentage(decor.WC{W: 5}), decor.Name("  "),
				decor.CountersKiloByte("% .1f / % .1f", decor.WC{W: 20}), decor.Name("  "),
				decor.AverageSpeed(decor.SizeB1000(0), "% .1f", decor.WC{W: 11}), decor.Name("  "),
				decor.OnComplete(decor.AverageETA(decor.ET_STYLE_GO, decor.WC{W: 6}), "done")))
	}
	if done <= p.done {
		return // another goroutine was faster
	}
	p.done = done
	if p.bar != nil {
		p.bar.SetCurrent(done)
		return
	}
	if now := time.Now(); now.Sub(p.told) >= plainEvery {
		p.told = now
		p.line(now)
	}
}

// line prints how far the check has come. mu is held.
func (p *progress) line(now time.Time) {
	rate := float64(p.done) / max(now.Sub(p.begun).Seconds(), 0.001)
	left := time.Duration(float64(p.total-p.done) / rate * float64(time.Second)).Round(time.Second)
	fmt.Fprintf(p.out, "%s %3.0f%%  %s of %s  %s/s  ETA %s\n", p.name, 100*float64(p.done)/float64(max(p.total, 1)),
		megabytes(float64(p.done)), megabytes(float64(p.total)), megabytes(rate), left)
}

// end closes the bar.
func (p *progress) end(complete bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.bar != nil && complete:
		p.bar.SetTotal(p.total, true)
	case p.bar != nil:
		p.bar.Abort(false)
	case p.bars == nil && complete && p.total > 0:
		took := max(time.Since(p.begun).Seconds(), 0.001)
		fmt.Fprintf(p.out, "%s 100%%  %s in %.1f s (%s/s)\n", p.name, megabytes(float64(p.total)), took, megabytes(float64(p.total)/took))
	}
	if p.bars != nil {
		p.bars.Wait()
	}
}

func megabytes(n float64) string { return fmt.Sprintf("%.1f MB", n/1e6) }
