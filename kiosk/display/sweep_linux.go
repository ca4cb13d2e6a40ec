package display

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	// environBytes bounds what is read of the environment of a process.
	environBytes = 1 << 20
	// sweepTries is how often is looked for what is left; sweepStep apart.
	sweepTries = 50
	sweepStep  = 20 * time.Millisecond
)

// diesWithUs has the kernel end a program with the thread that starts it.
func diesWithUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// sweep ends all processes that have a variable in the environment they were started
// with: those that left their group, and those that outlived the kiosk. Numbers are used
// again, environments are not.
func sweep(mark string) {
	for range sweepTries {
		left := marked(mark)
		if len(left) == 0 {
			return
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
		time.Sleep(sweepStep)
	}
}

// marked lists the processes of others that carry the mark and have not ended.
func marked(mark string) (pids []int) {
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil // the pattern is a constant
	}
	for _, path := range all {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && pid != os.Getpid() && carries(path, mark) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// carries reads the environment of a process. What belongs to others can't be read, and
// what has ended has none.
func carries(path, mark string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, environBytes))
	return err == nil && bytes.Contains(append([]byte{0}, text...), []byte("\x00"+mark+"\x00"))
}
