package display

import (
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/sitecast/sitecast/edge/hook"
)

const (
	// stopGrace is how long a program has to end by itself.
	stopGrace = 5 * time.Second
	// outputGrace is how long what a program has left behind may hold on to its output.
	outputGrace = time.Second
)

// process is a program that runs, the leader of a group of its own.
type process struct {
	cmd    *exec.Cmd
	mark   string // in the environment of all that it starts
	output *hook.Tail
	ended  chan struct{}
	err    error // once ended is closed
}

// run starts a program by start, which calls cmd's Start in one way or another. The
// program ends with this process, however that ends, where the system has a way.
func run(cmd *exec.Cmd, mark string, start func() error) (*process, error) {
	p := &process{cmd: cmd, mark: mark, output: &hook.Tail{}, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = p.output, p.output, outputGrace
	own(cmd)
	started := make(chan error)
	go func() {
		// Linux ends the program with the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// Ended implements [screen].
func (p *process) Ended() <-chan struct{} { return p.ended }

// Why implements [screen].
func (p *process) Why() string {
	how := "it ended by itself"
	if p.err != nil {
		how = p.err.Error()
	}
	if last := lastLine(p.output.String()); last != "" {
		how += ": " + last
	}
	return how
}

// Stop implements [screen].
func (p *process) Stop() {
	interrupt(p.cmd)
	select {
	case <-p.ended:
	case <-time.After(stopGrace):
	}
	kill(p.cmd) // also what has outlived its leader
	<-p.ended
	sweep(p.mark)
}

// lastLine is the last line with something in it that a program printed.
func lastLine(text string) string {
	return fmt.Sprintf("%.300s", text[strings.LastIndexByte(text, '\n')+1:])
}
