//go:build linux

package netlab

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// tick is how long a busy emulator waits between looks: the error of every
	// delay, and the batch that makes it cheap.
	tick = 500 * time.Microsecond
	// maxWaiting bounds the packets in a pipe where no rate bounds them.
	maxWaiting = 1 << 16
)

// Stats tells what became of the packets of an emulated link: carried to the far
// end, dropped by the queue, lost by chance, or dropped by the policer.
type Stats struct {
	Carried, Dropped, Lost, Policed int64
}

// EmulatorStats tells of both directions, and of the CPU time that both took,
// which includes what the kernel does to route what is put in. The numbers are
// zero where the kernel shapes.
func (s *Site) EmulatorStats() (down, up Stats, cpu time.Duration) {
	if s.emulator == nil {
		return Stats{}, Stats{}, 0
	}
	return s.emulator.down.stats(), s.emulator.up.stats(), s.emulator.cpu()
}

// emulator carries packets between two TUN devices, on a thread of its own.
type emulator struct {
	down, up *pipe
	nudge    int // an eventfd that becomes readable when there are orders, or at the end
	orders   chan order
	closing  atomic.Bool
	wg       sync.WaitGroup
	ended    chan struct{}
	thread   atomic.Int32
}

// order is a change of a running link; done is closed when it is made.
type order struct {
	wan  WAN
	done chan struct{}
}

func (s *Site) connectByEmulator() error {
	far, err := openTUN(s.transit, s.uplink)
	if err != nil {
		return err
	}
	near, err := openTUN(s.Router, wanInterface)
	if err != nil {
		return errors.Join(err, unix.Close(far))
	}
	nudge, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return errors.Join(fmt.Errorf("make eventfd: %w", err), unix.Close(far), unix.Close(near))
	}
	makeRoom()
	epoch := time.Now()
	e := &emulator{nudge: nudge, orders: make(chan order, 1), ended: make(chan struct{}),
		down: newPipe(far, near, epoch, s.plan.WAN.Down, 1),
		up:   newPipe(near, far, epoch, s.plan.WAN.Up, 2)}
	e.wg.Go(e.run)
	s.emulator = e
	return nil
}

func (e *emulator) close() {
	e.closing.Store(true)
	e.wake()
	e.wg.Wait()
	for _, fd := range []int{e.nudge, e.down.from, e.down.to} {
		_ = unix.Close(fd) // nothing is buffered in them
	}
}

// wake makes the thread look at what it is told.
func (e *emulator) wake() {
	one := [8]byte{1}
	_, _ = unix.Write(e.nudge, one[:]) // it fails only when it is readable anyway
}

// change has the thread change both links, and returns when it has. It must not be
// called beside itself or close.
func (e *emulator) change(wan WAN) error {
	if e.closing.Load() {
		return errors.New("the network is closed")
	}
	o := order{wan: wan, done: make(chan struct{})}
	e.orders <- o // the last one was taken
	e.wake()
	select {
	case <-o.done:
		return nil
	case <-e.ended:
		return errors.New("the emulator has ended: its devices failed")
	}
}

// obey does what is ordered, and returns false at the end.
func (e *emulator) obey() bool {
	var count [8]byte
	_, _ = unix.Read(e.nudge, count[:]) // only so that it is readable no more
	select {
	case o := <-e.orders:
		e.down.shaper.set(e.down.now(), o.wan.Down)
		e.up.shaper.set(e.up.now(), o.wan.Up)
		close(o.done)
	default:
	}
	return !e.closing.Load()
}

// run carries packets until the emulator is closed. It sleeps until a packet comes
// or is due; but where packets follow one another within two ticks it looks once
// a tick, so that many move at each look.
func (e *emulator) run() {
	defer close(e.ended)
	runtime.LockOSThread() // and never back: the thread ends with its priority
	beFirst()
	e.thread.Store(int32(unix.Gettid()))
	var last time.Time // when a packet moved
	for busy := false; e.wait(busy); {
		moved := e.down.take()
		moved = e.up.take() || moved
		moved = e.down.put() || moved
		moved = e.up.put() || moved
		busy = moved && time.Since(last) < 2*tick
		if moved {
			last = time.Now()
		}
	}
}

// wait returns false at the end.
func (e *emulator) wait(busy bool) bool {
	fds := []unix.PollFd{
		{Fd: int32(e.nudge), Events: unix.POLLIN},
		{Fd: int32(e.down.from), Events: unix.POLLIN},
		{Fd: int32(e.up.from), Events: unix.POLLIN},
	}
	pause := min(e.down.untilDue(), e.up.untilDue())
	if busy {
		fds, pause = fds[:1], tick
	}
	var timeout *unix.Timespec
	if pause < forever {
		t := unix.NsecToTimespec(pause.Nanoseconds())
		timeout = &t
	}
	_, err := unix.Ppoll(fds, timeout, nil)
	if err != nil {
		return errors.Is(err, unix.EINTR)
	}
	return fds[0].Revents == 0 || e.obey()
}

// spareProcessors is how many more threads may run Go at once than the machine has
// processors.
const spareProcessors = 6

// makeRoom lets an emulator's thread run Go as soon as the kernel wakes it. It would
// else wait, in spite of its priority, for the process's other threads where the
// kernel has put those aside in the middle of something: on a busy machine that
// is several milliseconds.
var makeRoom = sync.OnceFunc(func() {
	runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), runtime.NumCPU()+spareProcessors))
})

// beFirst asks the scheduler to run this thread before others, so that a machine
// busy with what is measured still has a steady WAN. The thread's share is small.
func beFirst() {
	attr := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1, Flags: unix.SCHED_FLAG_RESET_ON_FORK}
	_ = unix.SchedSetAttr(0, attr, 0) // without it the emulator is only less steady
}

// cpu reads the CPU clock of the emulator's thread.
func (e *emulator) cpu() time.Duration {
	const perThread, scheduled = 4, 2 // how the kernel numbers such clocks
	var t unix.Timespec
	id := e.thread.Load()
	if id == 0 || unix.ClockGettime(^id<<3|perThread|scheduled, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// openTUN makes a TUN device on a host. It lives until its descriptor is closed.
func openTUN(h *Host, name string) (fd int, err error) {
	err = h.Do(func() error {
		fd, err = unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		request, err := unix.NewIfreq(name)
		if err != nil {
			return errors.Join(err, unix.Close(fd))
		}
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
			return errors.Join(err, unix.Close(fd))
		}
		return nil
	})
	if err != nil {
		return -1, fmt.Errorf("make TUN device %s on %s: %w", name, h.name, err)
	}
	// The device's own queue must hold what arrives within a few ticks.
	if err := h.ip("link set " + name + " txqueuelen 10000"); err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}
