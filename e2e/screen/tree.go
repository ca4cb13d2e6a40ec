//go:build linux

package screen

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
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
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			return nil, err
		}
		if _, parent, ok := stat(pid); ok {
			children[parent] = append(children[parent], pid)
		}
	}
	next := []int{root}
	for len(next) > 0 {
		found := children[next[0]]
		pids, next = append(pids, found...), append(next[1:], found...)
	}
	return pids, nil
}

// Alive reports whether a process goes on: one that was not collected yet does not.
func Alive(pid int) bool {
	state, _, ok := stat(pid)
	return ok && state != "Z"
}

// stat reads the state of a process and its parent. The name in brackets before them may
// hold spaces.
func stat(pid int) (state string, parent int, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0, false
	}
	_, err = fmt.Sscan(string(text[bytes.LastIndexByte(text, ')')+1:]), &state, &parent)
	return state, parent, err == nil
}
