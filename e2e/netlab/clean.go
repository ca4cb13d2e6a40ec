//go:build linux

package netlab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// namePrefix begins the name of every namespace of ours; the owner's process id
// follows, so that anybody can tell whether it is still wanted.
const namePrefix = "sitecast-"

// Clean removes the networks of processes that are gone, with everything that
// still runs on their hosts. Networks of living processes stay.
func Clean() error {
	entries, err := os.ReadDir(netnsDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list namespaces: %w", err)
	}
	var stale []string
	for _, e := range entries {
		if pid, ours := owner(e.Name()); ours && !alive(pid) {
			stale = append(stale, e.Name())
		}
	}
	return remove(stale)
}

// owner says which process made a namespace of ours.
func owner(name string) (pid int, ours bool) {
	rest, ours := strings.CutPrefix(name, namePrefix)
	if !ours {
		return 0, false
	}
	digits, _, _ := strings.Cut(rest, "-")
	pid, err := strconv.Atoi(digits)
	return pid, err == nil
}

func alive(pid int) bool {
	return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// remove kills what runs in namespaces of ours, waits until it is gone, and
// deletes their names; the kernel then frees devices and addresses.
func remove(names []string) error {
	deadline := time.Now().Add(5 * time.Second)
	for {
		pids, err := inhabitants(names)
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %v on hosts of %s do not end", pids, names[0])
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
		}
		time.Sleep(5 * time.Millisecond)
	}
	var lines []string
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(hostsDir, name)); err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(netnsDir, name)); err == nil {
			lines = append(lines, "netns del "+name)
		}
	}
	return batch("ip", nil, lines)
}

// inhabitants are the living processes, other than this one, in the namespaces.
func inhabitants(names []string) ([]int, error) {
	if len(names) == 0 {
		return nil, nil
	}
	ours := map[string]bool{}
	for _, name := range names {
		var st syscall.Stat_t
		if err := syscall.Stat(filepath.Join(netnsDir, name), &st); err == nil {
			ours[fmt.Sprintf("net:[%d]", st.Ino)] = true
		}
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		// Unreadable for a zombie, which is in no namespace any more.
		if ns, err := os.Readlink(filepath.Join("/proc", e.Name(), "ns/net")); err == nil && ours[ns] {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
