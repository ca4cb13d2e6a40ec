//go:build linux

package main

import (
	"fmt"
	"os"
)

// load is the machine's processor time, in the kernel's ticks, over all cores. A
// cell that needs all of it measures the machine and not what runs on it.
type load struct{ busy, all int64 }

// readLoad is zero where the kernel does not tell.
func readLoad() (l load) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return load{}
	}
	var user, nice, system, idle, wait, irq, soft, steal int64
	if _, err := fmt.Sscanf(string(text), "cpu %d %d %d %d %d %d %d %d",
		&user, &nice, &system, &idle, &wait, &irq, &soft, &steal); err != nil {
		return load{}
	}
	l.busy = user + nice + system + irq + soft + steal
	l.all = l.busy + idle + wait
	return l
}

// since is the share of the machine that was busy.
func (l load) since() float64 {
	now := readLoad()
	return float64(now.busy-l.busy) / float64(max(now.all-l.all, 1))
}
