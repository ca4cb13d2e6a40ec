//go:build linux

package browser

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// CPU is the processor time that all processes of the browser have used.
func (c *Chromium) CPU(ctx context.Context) (time.Duration, error) {
	var info struct {
		ProcessInfo []struct {
			CPUTime float64 `json:"cpuTime"` // seconds
		}
	}
	err := c.pipe.Call(ctx, "", "SystemInfo.getProcessInfo", map[string]any{}, &info)
	total := 0.0
	for _, p := range info.ProcessInfo {
		total += p.CPUTime
	}
	return time.Duration(total * float64(time.Second)), err
}

// Front brings the tab before the others of its window, which are hidden then.
func (p *Page) Front(ctx context.Context) error {
	return p.c.pipe.Call(ctx, p.session, "Page.bringToFront", map[string]any{}, nil)
}

// Memory is what the script of a page and of its workers holds, in bytes: objects, and
// what array buffers keep outside of them. What nobody needs any more counts until it is
// collected.
type Memory struct {
	Objects int64
	Buffers int64
}

// All is both together.
func (m Memory) All() int64 { return m.Objects + m.Buffers }

// Memory measures the page with the dedicated workers that it has by now.
func (p *Page) Memory(ctx context.Context) (sum Memory, err error) {
	// Once it is asked for, those that come later are attached to as well.
	err = p.c.pipe.Call(ctx, p.session, "Target.setAutoAttach", map[string]any{"autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true}, nil)
	if err != nil {
		return sum, err
	}
	p.c.mu.Lock()
	sessions := append([]string{p.session}, slices.Clone(p.c.workers[p.session])...)
	p.c.mu.Unlock()
	for _, session := range sessions {
		var heap struct {
			UsedSize             float64 `json:"usedSize"`
			EmbedderHeapUsedSize float64 `json:"embedderHeapUsedSize"`
			BackingStorageSize   float64 `json:"backingStorageSize"`
		}
		if err := p.c.pipe.Call(ctx, session, "Runtime.getHeapUsage", map[string]any{}, &heap); err != nil {
			return sum, fmt.Errorf("measure the heap: %w", err)
		}
		sum.Objects += int64(heap.UsedSize + heap.EmbedderHeapUsedSize)
		sum.Buffers += int64(heap.BackingStorageSize)
	}
	return sum, nil
}
