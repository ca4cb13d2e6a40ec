package operator

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/sitecast/sitecast/signaling/site"
)

// progress shows flows while somebody waits for them: live on a terminal, a line
// now and then elsewhere.
type progress struct {
	screen  screen
	printed time.Time
	last    string
}

const plainInterval = 2 * time.Second

func newProgress() *progress {
	return &progress{screen: screen{out: os.Stdout, live: onTerminal()}}
}

func (p *progress) show(flows []site.FlowView) {
	if p.screen.live {
		p.screen.draw(flowBars(flows))
		return
	}
	p.last = flowBars(flows)
	if time.Since(p.printed) >= plainInterval {
		p.printed = time.Now()
		fmt.Fprint(os.Stdout, p.last)
		p.last = ""
	}
}

// end prints the last state that was not printed yet.
func (p *progress) end() {
	if p.last != "" {
		fmt.Fprint(os.Stdout, p.last)
		p.last = ""
	}
}

// flowBars draws one line for each flow.
func flowBars(flows []site.FlowView) string {
	var b strings.Builder
	for _, f := range flows {
		got := f.BytesOrigin + f.BytesPeer + f.BytesRelay + f.BytesReused
		rest := "WAN " + rateText(f.WANBPS) + ", peers " + rateText(f.PeerBPS)
		if eta := timeText(f.ETASeconds); eta != "" {
			rest += ", " + eta + " left"
		}
		if f.State == site.StateComplete {
			rest = fmt.Sprintf("complete after %.1f s: %s from the origin, %s from peers", f.Seconds, sizeText(f.BytesOrigin), sizeText(f.BytesPeer))
		}
		if f.Reason != "" {
			rest = f.State + ": " + f.Reason
		}
		fmt.Fprintf(&b, "%-14s %s %d/%d endpoints  %s\n", clip(f.Site, 14), bar(got, f.BytesTotal, 24), f.Complete, f.Endpoints, rest)
	}
	return b.String()
}

// transferBar follows bytes of a known total: a bar with rate and ETA on a
// terminal, a line at the end elsewhere.
type transferBar struct {
	name  string
	total int64
	begun time.Time
	pool  *mpb.Progress
	bar   *mpb.Bar
}

func newTransferBar(name string, total int64) *transferBar {
	t := &transferBar{name: name, total: total, begun: time.Now()}
	if !onTerminal() || total == 0 {
		return t
	}
	t.pool = mpb.New(mpb.WithWidth(32), mpb.WithOutput(os.Stdout))
	t.bar = t.pool.AddBar(total, mpb.PrependDecorators(decor.Name(fmt.Sprintf("%-9s", name))),
		mpb.AppendDecorators(decor.Counters(decor.SizeB1000(0), "% .1f / % .1f"), decor.Name("  "),
			decor.AverageSpeed(decor.SizeB1000(0), "% .1f"), decor.Name("  "), decor.AverageETA(decor.ET_STYLE_GO)))
	return t
}

func (t *transferBar) set(done int64) {
	if t.bar != nil {
		t.bar.SetCurrent(min(done, t.total))
	}
}

// finish ends the bar; what was not done stays open in it.
func (t *transferBar) finish() {
	if t.bar != nil {
		t.bar.SetTotal(-1, true)
		t.pool.Wait()
		return
	}
	span := time.Since(t.begun).Seconds()
	fmt.Printf("%s %s in %.1f s (%s/s)\n", t.name, sizeText(t.total), span, sizeText(int64(float64(t.total)/max(span, 1e-3))))
}
