//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// What is promised.
const (
	taskBound = 100.0 // milliseconds that the main thread may be busy at a time
	seenBound = 1.0   // seconds from a command's end until its effect is seen
	// heapBound is how much more a page may hold in the last third than in the first, as a
	// share, and heapSlack in MB: one look at all sites is in the heap or it is not.
	heapBound = 0.05
	heapSlack = 4.0
)

// figures are what was measured.
type figures struct {
	Sites   int     `json:"sites"`
	Flows   int     `json:"flows"`
	Active  int     `json:"flows_active_at_the_end"`
	Report  float64 `json:"report_seconds"`
	Seconds float64 `json:"seconds"`
	Loads   []load  `json:"loads"`
	Phases  []phase `json:"phases"`
	Seen    []seen  `json:"seen"`
	Heap    []heap  `json:"heap"`
	Stream  float64 `json:"stream_bytes_per_second"`
	Browser float64 `json:"browser_cores"`
	Server  float64 `json:"server_cores"`
	// Of a trace of some seconds while the page of all flows was only looked at.
	Traced    float64 `json:"traced_longest_ms"`
	TracedCPU float64 `json:"traced_longest_cpu_ms"`
	Tasks     int     `json:"traced_tasks"`
}

// load is how long a page took until it showed what it is for.
type load struct {
	Page    string  `json:"page"`
	Seconds float64 `json:"seconds"`
}

// phase is what the main thread did while something was done: tasks of 50 ms and more.
type phase struct {
	Name    string  `json:"name"`
	Times   int     `json:"times"`
	Long    int     `json:"long_tasks"`
	Beyond  int     `json:"beyond_bound"`
	Longest float64 `json:"longest_ms"`
}

// seen is how long it took to see a change, from the start and from the end of the command
// that made it.
type seen struct {
	Command string  `json:"command"`
	Start   float64 `json:"from_start_seconds"`
	End     float64 `json:"from_end_seconds"`
}

// heap is what the script holds after what nobody needs was collected, in MB.
type heap struct {
	At     float64 `json:"at_seconds"`
	Page   float64 `json:"page_mb"`
	Worker float64 `json:"worker_mb"`
	Nodes  int     `json:"nodes"`
}

func milli(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// note adds the long tasks, in milliseconds, of something that was done.
func (f *figures) note(name string, tasks []float64) {
	i := slices.IndexFunc(f.Phases, func(p phase) bool { return p.Name == name })
	if i < 0 {
		i, f.Phases = len(f.Phases), append(f.Phases, phase{Name: name})
	}
	p := &f.Phases[i]
	p.Times++
	p.Long += len(tasks)
	for _, t := range tasks {
		p.Longest = max(p.Longest, t)
		if t > taskBound {
			p.Beyond++
		}
	}
}

func (f *figures) longest() (most float64) {
	for _, p := range f.Phases {
		most = max(most, p.Longest)
	}
	return most
}

// late are the times to see changes, from the end of commands, in order.
func (f *figures) late() (all []float64) {
	for _, s := range f.Seen {
		all = append(all, s.End)
	}
	slices.Sort(all)
	return all
}

// growth compares what was held in the last third with the first, in MB: medians, so that
// one look does not decide.
func growth(all []heap, of func(heap) float64) (first, last float64) {
	third := max(len(all)/3, 1)
	if len(all) == 0 {
		return 0, 0
	}
	middle := func(some []heap) float64 {
		var values []float64
		for _, h := range some {
			values = append(values, of(h))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return middle(all[:third]), middle(all[len(all)-third:])
}

func (f *figures) print() {
	fmt.Printf("\n%d flows at %d sites, %d of them active at the end, reports each %.0f s, %.0f s long\n", f.Flows, f.Sites, f.Active, f.Report, f.Seconds)
	for _, l := range f.Loads {
		fmt.Printf("  %-18s shown after %.1f s\n", l.Page, l.Seconds)
	}
	fmt.Printf("\n%-20s %6s %12s %10s %12s\n", "main thread", "times", "over 50 ms", "over 100", "longest ms")
	for _, p := range f.Phases {
		fmt.Printf("%-20s %6d %12d %10d %12.0f\n", p.Name, p.Times, p.Long, p.Beyond, p.Longest)
	}
	fmt.Printf("%-20s %6d %12s %10s %12.0f (%.0f of the processor)\n", "traced, all tasks", f.Tasks, "", "", f.Traced, f.TracedCPU)
	if late := f.late(); len(late) > 0 {
		fmt.Printf("\na change is seen %.2f s after its command (median of %d; %.2f at most)\n", late[len(late)/2], len(late), late[len(late)-1])
	}
	for name, of := range map[string]func(heap) float64{"page": pageOf, "worker": workerOf} {
		first, last := growth(f.Heap, of)
		fmt.Printf("the %s holds %.1f MB in the first third, %.1f in the last\n", name, first, last)
	}
	fmt.Printf("events %.0f kB/s; browser %.2f cores, server %.2f\n", f.Stream/1000, f.Browser, f.Server)
}

func pageOf(h heap) float64   { return h.Page }
func workerOf(h heap) float64 { return h.Worker }

// write writes the figures to a file, where one is named.
func (f *figures) write(file string) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644) //nolint:gosec // for others to read
}

// verdict fails where a figure is beyond its bound.
func (f *figures) verdict() error {
	var wrong []string
	beyond := func(is bool, format string, args ...any) {
		if is {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	for _, p := range f.Phases {
		beyond(p.Longest > taskBound, "%s: %d tasks over %.0f ms, the longest %.0f", p.Name, p.Beyond, taskBound, p.Longest)
	}
	if late := f.late(); len(late) > 0 {
		beyond(late[len(late)-1] > seenBound, "a change was seen after %.2f s, bound %.0f", late[len(late)-1], seenBound)
	}
	for name, of := range map[string]func(heap) float64{"page": pageOf, "worker": workerOf} {
		first, last := growth(f.Heap, of)
		beyond(last > first*(1+heapBound)+heapSlack, "the %s grew from %.1f to %.1f MB", name, first, last)
	}
	beyond(f.Active < f.Flows, "only %d of %d flows were active at the end", f.Active, f.Flows)
	if wrong == nil {
		return nil
	}
	return errors.New("beyond its bound: " + strings.Join(wrong, "; "))
}
