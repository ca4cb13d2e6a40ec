package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Of ioprio_set(2): which of its "who" is a thread, and the idle class, whose
// requests a disk serves when there are no others.
const (
	ioprioWhoProcess = 1
	ioprioIdle       = 3 << 13
)

// maxRounds bounds how often the threads are looked through anew.
const maxRounds = 10

// IdleIO has the disk serve this process when it has nothing else to do. The I/O
// schedulers bfq and mq-deadline heed it; kyber and none, which fast disks are
// often used with, do not.
func IdleIO() error {
	return eachThread("set the idle I/O class", func(id int) error {
		_, _, errno := unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, uintptr(id), ioprioIdle)
		if errno != 0 {
			return errno
		}
		return nil
	})
}

// IdleCPU has the processor run this process when nothing else wants it: its threads
// are of the scheduler's idle policy. They get a little all the same.
func IdleCPU() error {
	return eachThread("set the idle scheduling policy", func(id int) error {
		return unix.SchedSetAttr(id, &unix.SchedAttr{Policy: unix.SCHED_IDLE}, 0)
	})
}

// eachThread does something with all threads of this process. What is set of a thread a
// new one has from the one which made it. The Go runtime makes them whenever it likes,
// from any other: so all there are get it, again until no new one was found. From then
// on every thread has it.
func eachThread(what string, do func(id int) error) error {
	done := map[int]bool{}
	for range maxRounds {
		threads, err := os.ReadDir(ownThreads)
		if err != nil {
			return fmt.Errorf("list own threads: %w", err)
		}
		fresh := false
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err != nil || done[id] {
				continue
			}
			done[id], fresh = true, true
			if err := do(id); err != nil && !errors.Is(err, unix.ESRCH) { // it ended meanwhile
				return fmt.Errorf("%s: %w", what, err)
			}
		}
		if !fresh {
			return nil
		}
	}
	return fmt.Errorf("%s: threads come faster than they are found", what)
}

const ownThreads = "/proc/self/task"

// OwnWaitForCPU is for how long the threads of this process together were ready to run
// and had no processor. It falls when one ends.
func OwnWaitForCPU() (waited time.Duration) {
	threads, err := os.ReadDir(ownThreads)
	if err != nil {
		return 0
	}
	for _, t := range threads {
		fields := strings.Fields(word(filepath.Join(ownThreads, t.Name(), "schedstat"))) // ran, waited, turns
		if len(fields) < 2 {
			continue
		}
		if ns, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
			waited += time.Duration(max(ns, 0))
		}
	}
	return waited
}
