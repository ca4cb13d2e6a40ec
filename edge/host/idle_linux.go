package host

import (
	"errors"
	"fmt"
	"os"
	"strconv"

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
//
// The class is that of a thread, and a new thread has that of the one which made
// it. The Go runtime makes them whenever it likes, from any other: so all there are
// get it, again until no new one was found. From then on every thread has it.
func IdleIO() error {
	done := map[int]bool{}
	for range maxRounds {
		threads, err := os.ReadDir("/proc/self/task")
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
			_, _, errno := unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, uintptr(id), ioprioIdle)
			if errno != 0 && errno != unix.ESRCH { // it ended meanwhile
				return fmt.Errorf("set the idle I/O class: %w", errno)
			}
		}
		if !fresh {
			return nil
		}
	}
	return errors.New("set the idle I/O class: threads come faster than they are found")
}
