package host_test

import (
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sitecast/sitecast/edge/host"
)

// classes returns how many threads of this process have each I/O class.
func classes(t *testing.T) map[int]int {
	t.Helper()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	n := map[int]int{}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			t.Fatal(err)
		}
		got, _, errno := unix.Syscall(unix.SYS_IOPRIO_GET, 1, uintptr(id), 0)
		if errno == unix.ESRCH {
			continue
		}
		if errno != 0 {
			t.Skipf("ioprio_get: %v", errno)
		}
		n[int(got>>13)]++
	}
	return n
}

// Threads that the runtime makes later have the class, too, whichever thread it
// makes them from.
func TestEveryThreadIsIdleAlsoThoseMadeLater(t *testing.T) {
	if err := host.IdleIO(); err != nil {
		t.Fatal(err)
	}
	const more = 20
	var ready, done sync.WaitGroup
	end := make(chan struct{})
	for range more {
		ready.Add(1)
		done.Go(func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with it
			ready.Done()
			<-end
		})
	}
	ready.Wait()
	n := classes(t)
	close(end)
	done.Wait()
	if n[3] < more || len(n) != 1 {
		t.Errorf("threads by class %v, want all in 3 (idle)", n)
	}
}

func TestEveryThreadYieldsTheProcessorAlsoThoseMadeLater(t *testing.T) {
	if err := host.IdleCPU(); err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with it
		attr, err := unix.SchedGetAttr(0, 0)
		if err != nil || attr.Policy != unix.SCHED_IDLE {
			t.Errorf("a new thread is of policy %+v, %v", attr, err)
		}
	})
	done.Wait()
	if waited := host.OwnWaitForCPU(); waited < 0 {
		t.Errorf("waited %v", waited)
	}
}
