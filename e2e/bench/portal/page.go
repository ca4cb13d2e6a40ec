//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sitecast/sitecast/e2e/browser"
	"github.com/sitecast/sitecast/e2e/portal"
	"github.com/sitecast/sitecast/e2e/rig"
)

// lookAtPage is how long a page is looked at before the next.
const lookAtPage = 12 * time.Second

// traced is how long the tasks of the page are noted one by one.
const traced = 10 * time.Second

// observe has the page note its long tasks: a browser calls those so that take 50 ms.
const observe = `window.tasks = []; new PerformanceObserver((all) => { for (const t of all.getEntries()) tasks.push(t.duration) }).observe({ type: 'longtask', buffered: true })`

// bench is a page under measurement.
type bench struct {
	options
	stage  *stage
	page   *portal.Portal
	worker *browser.Worker
	out    figures
}

// run goes through the pages, and then uses that of flows for as long as is asked for.
func (b *bench) run(ctx context.Context) error {
	if err := b.page.Show(ctx, browser.Screen{Width: 1440, Height: 900}); err != nil {
		return err
	}
	if err := b.page.First(ctx, observe); err != nil {
		return err
	}
	for _, at := range []struct{ name, path, shows string }{
		{"overview", "", `document.querySelector('.figure-card') !== null`},
		{"sites", "sites", b.rows(min(b.sites+1, 5000))},
		{"one site", "sites/" + realSite, `document.body?.innerText.includes('till-3') === true`},
		{"all flows", "flows", b.rows(b.sites*b.flows + 1)},
	} {
		if err := b.phase(ctx, at.name, func() error {
			begun := time.Now()
			if err := b.page.Go(ctx, b.page.Base+at.path); err != nil {
				return err
			}
			if err := b.page.Until(ctx, at.name, at.shows); err != nil {
				return err
			}
			b.out.Loads = append(b.out.Loads, load{at.name, time.Since(begun).Seconds()})
			return rig.Pause(ctx, lookAtPage)
		}); err != nil {
			return err
		}
	}
	var err error
	if b.worker, err = b.page.Browser().Shared(ctx); err != nil {
		return err
	}
	if err := b.profiled(ctx); err != nil {
		return err
	}
	before, begun := b.worker.Received(), time.Now()
	cpu, err := b.cpu(ctx)
	if err != nil {
		return err
	}
	for next := begun.Add(b.every); ; next = next.Add(b.every) {
		if err := b.use(ctx); err != nil {
			return err
		}
		if err := rig.Pause(ctx, max(time.Until(next), 0)); err != nil {
			return err
		}
		if err := b.held(ctx, time.Since(begun)); err != nil {
			return err
		}
		if time.Since(begun) >= b.length {
			break
		}
	}
	b.out.Seconds = time.Since(begun).Seconds()
	b.out.Stream = float64(b.worker.Received()-before) / b.out.Seconds
	after, err := b.cpu(ctx)
	if err != nil {
		return err
	}
	b.out.Browser, b.out.Server = (after[0]-cpu[0]).Seconds()/b.out.Seconds, (after[1]-cpu[1]).Seconds()/b.out.Seconds
	b.out.Active, err = b.stage.active(ctx)
	return err
}

// cpu is what browser and server took of the processors so far.
func (b *bench) cpu(ctx context.Context) (took [2]time.Duration, err error) {
	if took[0], err = b.page.Browser().CPU(ctx); err != nil {
		return took, err
	}
	took[1], err = b.stage.stand.Server().CPU()
	return took, err
}

// rows is true when a table has so many rows.
func (b *bench) rows(n int) string {
	return fmt.Sprintf(`Number(document.querySelector('table[aria-rowcount]')?.getAttribute('aria-rowcount')) > %d`, n)
}

// phase does something, and notes the page's long tasks meanwhile.
func (b *bench) phase(ctx context.Context, name string, do func() error) error {
	if err := b.page.Eval(ctx, `(window.tasks ?? []).length = 0`, nil); err != nil {
		return err
	}
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var long []float64
	if err := b.page.Eval(ctx, `window.tasks`, &long); err != nil {
		return err
	}
	b.out.note(name, long)
	return nil
}

// profiled notes each task for a while, and what the script spends it with where that is
// wanted.
func (b *bench) profiled(ctx context.Context) error {
	keep := func(context.Context, string) error { return nil }
	if b.profile != "" {
		if err := os.MkdirAll(b.profile, 0o755); err != nil {
			return err
		}
		shot, err := b.page.Screenshot(ctx)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(b.profile, "flows.png"), shot, 0o600); err != nil {
			return err
		}
		if keep, err = b.page.Profile(ctx); err != nil {
			return err
		}
	}
	tasks, err := b.page.Browser().Trace(ctx, func() error { return rig.Pause(ctx, traced) })
	if b.profile != "" { // what scrolling takes is the most of it
		err = errors.Join(err, b.page.Eval(ctx, b.uses()[0].script, nil))
	}
	if err != nil {
		return err
	}
	b.out.Traced, b.out.TracedCPU, b.out.Tasks = milli(tasks.Longest), milli(tasks.CPU), tasks.Count
	return keep(ctx, filepath.Join(b.profile, "flows.cpuprofile"))
}

// uses are what somebody does at the page of flows, each with what it shows then.
func (b *bench) uses() []struct{ name, script, shows string } {
	choose := func(i int, value string) string {
		return fmt.Sprintf(`(() => { const s = document.querySelectorAll('.filters select')[%d]; s.value = %q; s.dispatchEvent(new Event('change', { bubbles: true })) })()`, i, value)
	}
	order := func(title string) string {
		return fmt.Sprintf(`[...document.querySelectorAll('th button.sort')].find((b) => b.textContent.startsWith(%q)).click()`, title)
	}
	all := b.sites * b.flows
	return []struct{ name, script, shows string }{
		{"scroll", `new Promise((done) => { const at = document.querySelector('.table'), all = at.scrollHeight; let n = 0; const step = () => { at.scrollTop = all * (n % 30) / 30; n++ < 60 ? requestAnimationFrame(step) : done() }; step() })`, "true"},
		{"sort by rate", order("WAN") + ";" + order("WAN"), `location.search.includes('sort=wan')`},
		{"sort by content", order("Content"), `location.search.includes('sort=content')`},
		{"sort by site", order("Site"), `!location.search.includes('sort=')`},
		{"filter by state", choose(0, "paused"), b.fewer(all / 2)},
		{"any state", choose(0, ""), b.rows(all)},
		{"group by content", choose(1, "content"), b.fewer(b.flows + 10)},
		{"each flow", choose(1, "flat"), b.rows(all)},
	}
}

// fewer is true when a table has fewer rows, or none.
func (b *bench) fewer(n int) string {
	return fmt.Sprintf(`(Number(document.querySelector('table[aria-rowcount]')?.getAttribute('aria-rowcount')) || 0) < %d`, n)
}

// use does each thing once at the page of flows, then searches by typing, and sees a change.
func (b *bench) use(ctx context.Context) error {
	for _, u := range b.uses() {
		if err := b.phase(ctx, u.name, func() error {
			if err := b.page.Eval(ctx, u.script, nil); err != nil {
				return err
			}
			return b.page.Until(ctx, u.name, u.shows)
		}); err != nil {
			return err
		}
	}
	if err := b.phase(ctx, "search", func() error { return b.search(ctx) }); err != nil {
		return err
	}
	for _, command := range []string{"pause", "resume"} {
		if err := b.phase(ctx, "see a change", func() error { return b.seen(ctx, command) }); err != nil {
			return err
		}
	}
	return b.phase(ctx, "watch", func() error { return rig.Pause(ctx, b.every/4) })
}

// search types a site's name, and takes it back.
func (b *bench) search(ctx context.Context) error {
	if err := b.page.Eval(ctx, `document.querySelector('.filters input[type="search"]').focus()`, nil); err != nil {
		return err
	}
	for _, letter := range "fleet-00 con" {
		if err := b.page.Type(ctx, string(letter)); err != nil {
			return err
		}
		if err := rig.Pause(ctx, 80*time.Millisecond); err != nil { // a quick typist
			return err
		}
	}
	clear := `(() => { const i = document.querySelector('.filters input[type="search"]'); Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(i, ''); i.dispatchEvent(new Event('input', { bubbles: true })) })()`
	if err := b.page.Eval(ctx, clear, nil); err != nil {
		return err
	}
	return b.page.Until(ctx, "all flows again", b.rows(b.sites*b.flows))
}

// seen has somebody else pause or resume a flow, and notes how long it took from the start
// of their command, and from its end, until the row says so.
func (b *bench) seen(ctx context.Context, command string) error {
	at := b.stage.plan.Place(0).Name
	shown := fmt.Sprintf(`document.querySelector('.table').scrollTop = 0; new Promise((done) => { const look = () => {
		const row = [...document.querySelectorAll('tbody tr')].find((r) => r.innerText.includes(%q) && r.innerText.includes(%q))
		row && (row.querySelector('.state.paused') !== null) === %v ? done(true) : setTimeout(look, 10)
	}; look() })`, at, contentName(0), command == "pause")
	saw := make(chan error, 1)
	begun := time.Now()
	var at2 time.Time
	go func() {
		err := b.page.Eval(ctx, shown, nil)
		at2 = time.Now()
		saw <- err
	}()
	_, err := b.stage.stand.Run(ctx, command, "--site", at, "--content", contentName(0))
	ended := time.Now()
	if saw := <-saw; err == nil {
		err = saw
	}
	b.out.Seen = append(b.out.Seen, seen{command, at2.Sub(begun).Seconds(), max(at2.Sub(ended).Seconds(), 0)})
	return err
}

// held notes what the page holds, and how large it is.
func (b *bench) held(ctx context.Context, at time.Duration) error {
	if err := b.page.Collect(ctx); err != nil {
		return err
	}
	if err := b.worker.Collect(ctx); err != nil {
		return err
	}
	page, err := b.page.Memory(ctx)
	if err != nil {
		return err
	}
	worker, err := b.worker.Memory(ctx)
	if err != nil {
		return err
	}
	nodes, err := b.page.Nodes(ctx)
	if err != nil {
		return err
	}
	h := heap{at.Seconds(), float64(page.All()) / 1e6, float64(worker.All()) / 1e6, nodes}
	b.out.Heap = append(b.out.Heap, h)
	fmt.Printf("%6.0f s  page %.1f MB, worker %.1f MB, %d nodes, longest task so far %.0f ms\n", h.At, h.Page, h.Worker, h.Nodes, b.out.longest())
	return nil
}
