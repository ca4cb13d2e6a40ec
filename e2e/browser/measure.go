//go:build linux

package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// Collect has the page's script let go of what nobody needs any more, so that what it
// holds then can be compared with later.
func (p *Page) Collect(ctx context.Context) error {
	return p.c.pipe.Call(ctx, p.session, "HeapProfiler.collectGarbage", map[string]any{}, nil)
}

// Nodes is how many nodes the page's documents have, those that are in none included.
func (p *Page) Nodes(ctx context.Context) (n int, err error) {
	var counters struct{ Nodes int }
	err = p.c.pipe.Call(ctx, p.session, "Memory.getDOMCounters", map[string]any{}, &counters)
	return counters.Nodes, err
}

// Click presses and lets go of the pointer at the middle of the first element that a
// selector means, as a hand would.
func (p *Page) Click(ctx context.Context, selector string) error {
	var at struct{ X, Y float64 }
	script := fmt.Sprintf(`(() => { const r = document.querySelector(%q).getBoundingClientRect(); return { X: r.x + r.width / 2, Y: r.y + r.height / 2 } })()`, selector)
	if err := p.Eval(ctx, script, &at); err != nil {
		return err
	}
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		event := map[string]any{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1}
		if err := p.c.pipe.Call(ctx, p.session, "Input.dispatchMouseEvent", event, nil); err != nil {
			return err
		}
	}
	return nil
}

// Profile notes what the page's script spends its time with, until what it returns is
// called, which writes it to a file that DevTools opens.
func (p *Page) Profile(ctx context.Context) (stop func(ctx context.Context, file string) error, err error) {
	for _, method := range []string{"Profiler.enable", "Profiler.start"} {
		if err := p.c.pipe.Call(ctx, p.session, method, map[string]any{}, nil); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, file string) error {
		var out struct{ Profile json.RawMessage }
		if err := p.c.pipe.Call(ctx, p.session, "Profiler.stop", map[string]any{}, &out); err != nil {
			return err
		}
		return os.WriteFile(file, out.Profile, 0o600)
	}, nil
}

// Worker is a shared worker, which belongs to no tab.
type Worker struct {
	*Page
	received *counter
}

// Shared attaches to the shared worker that runs now; there has to be one.
func (c *Chromium) Shared(ctx context.Context) (*Worker, error) {
	var all struct {
		TargetInfos []struct {
			TargetID, Type string
		}
	}
	if err := c.pipe.Call(ctx, "", "Target.getTargets", map[string]any{}, &all); err != nil {
		return nil, err
	}
	for _, t := range all.TargetInfos {
		if t.Type != "shared_worker" {
			continue
		}
		var attached struct{ SessionID string }
		err := c.pipe.Call(ctx, "", "Target.attachToTarget", map[string]any{"targetId": t.TargetID, "flatten": true}, &attached)
		if err != nil {
			return nil, err
		}
		w := &Worker{Page: &Page{c: c, session: attached.SessionID, target: t.TargetID}, received: &counter{}}
		c.listen(attached.SessionID, w.received.heard)
		return w, c.pipe.Call(ctx, attached.SessionID, "Network.enable", map[string]any{}, nil)
	}
	return nil, errors.New("no shared worker runs")
}

// Received is how many bytes came to it since it was attached to.
func (w *Worker) Received() int64 { return w.received.n.Load() }

// Trace notes every task of the main threads of pages while do runs.
func (c *Chromium) Trace(ctx context.Context, do func() error) (Tasks, error) {
	t := &tracing{done: make(chan struct{})}
	c.listen("", t.heard)
	defer c.listen("", nil)
	params := map[string]any{"transferMode": "ReportEvents", "traceConfig": map[string]any{"recordMode": "recordUntilFull", "includedCategories": []string{"toplevel", "disabled-by-default-devtools.timeline"}}}
	if err := c.pipe.Call(ctx, "", "Tracing.start", params, nil); err != nil {
		return Tasks{}, err
	}
	failed := do()
	if err := c.pipe.Call(ctx, "", "Tracing.end", map[string]any{}, nil); err != nil {
		return Tasks{}, err
	}
	select {
	case <-t.done:
	case <-ctx.Done():
		return Tasks{}, ctx.Err()
	}
	return t.tasks(), failed
}

// Tasks is what main threads of pages did. Longest is by the clock, CPU the most that a task
// took of the processor: beside other programs the clock counts what they take, too.
type Tasks struct {
	Count        int
	Longest, CPU time.Duration
}
