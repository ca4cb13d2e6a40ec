//go:build linux

package screen

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Tree lists the processes that a process has started, those that these have started, and
// so on, the nearest first. What ended meanwhile is left out.
func Tree(root int) (pids []int, err error) {
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// The name in brackets may hold spaces; the parent is the second field behind it.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil || len(fields) < 2 {
			return nil, fmt.Errorf("%s is not what Linux writes: %q", path, text)
		}
		parent, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, err
		}
		children[parent] = append(children[parent], pid)
	}
	next := []int{root}
	for len(next) > 0 {
		found := children[next[0]]
		pids, next = append(pids, found...), append(next[1:], found...)
	}
	return pids, nil
}
