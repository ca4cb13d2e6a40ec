//go:build linux

package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
)

// Process is one program that runs on a host.
type Process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	err  error // once done is closed
}

// run starts a program on a host; what it prints is appended to a file.
func run(host *netlab.Host, log, name string, args ...string) (*Process, error) {
	p, err := Launch(host.Command(context.Background(), name, args...), log)
	if err != nil {
		return nil, fmt.Errorf("start %s on %s: %w", args[0], host.Name(), err)
	}
	return p, nil
}

// Launch starts a command, on whatever network it is for; what it prints is appended
// to a file.
func Launch(cmd *exec.Cmd, log string) (*Process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the process has its own
	p := &Process{cmd: cmd, log: log, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// First gives the process the processor before others. What stands for a machine of
// its own then answers as one would, however busy this machine is. Call it at once:
// threads that are there already keep their place.
func (p *Process) First() error {
	const nice = -10
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, p.cmd.Process.Pid, nice); err != nil {
		return fmt.Errorf("give %s the processor first: %w", p.log, err)
	}
	return nil
}

func (p *Process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) } // it may have ended

// Kill ends the process at once, as a power cut would.
func (p *Process) Kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// Stop ends the process in order, and reports how it ended if that was wrong.
func (p *Process) Stop() error {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(killAfter):
		p.Kill()
		return fmt.Errorf("%s did not stop within %v\n%s", p.log, killAfter, p.Log())
	}
	var ended *exec.ExitError
	if errors.As(p.err, &ended) && ended.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return nil // by Kill
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w\n%s", p.log, p.err, p.Log())
	}
	return nil
}

// Log returns the end of what the process printed.
func (p *Process) Log() string {
	const most = 4000
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// CPU is the processor time the process has used; the kernel counts in ticks of
// 10 ms.
func (p *Process) CPU() (time.Duration, error) {
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux that Go runs on
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
	if err != nil {
		return 0, err
	}
	// The name in brackets may hold spaces; utime and stime are the 12th and 13th
	// fields behind it.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", p.PID(), len(fields))
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, err
}
