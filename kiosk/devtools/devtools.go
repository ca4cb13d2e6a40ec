// Package devtools speaks with a Chromium over its debugging pipe: the DevTools protocol,
// one JSON message after the other, each ended by a zero byte. The pipe belongs to who
// started the browser, so nobody else can steer it, as over a port. What is said is for
// the caller to know.
package devtools

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
)

// Flag has a browser listen on the pipe.
const Flag = "--remote-debugging-pipe"

// maxMessageBytes bounds what the browser may say at once.
const maxMessageBytes = 64 << 20

// Event is what the browser says by itself.
type Event struct {
	Session string // of the page it is about; empty: the browser
	Method  string
	Params  json.RawMessage
}

// Pipe is one browser's.
type Pipe struct {
	write *os.File
	heard func(Event)
	done  chan struct{}

	// mu guards the rest, and keeps messages apart.
	mu    sync.Mutex
	last  int
	calls map[int]chan answer
}

type message struct {
	ID      int             `json:"id"`
	Session string          `json:"sessionId"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
	answer
}

type answer struct {
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// Start starts a browser that was given [Flag], on an operating system that hands files
// down by number. heard, which may be nil, is told of events, one at a time, and keeps
// answers waiting meanwhile. The caller waits for the command, and closes the pipe.
func Start(cmd *exec.Cmd, heard func(Event)) (*Pipe, error) {
	theirs, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	read, theirOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, theirs.Close(), write.Close())
	}
	cmd.ExtraFiles = []*os.File{theirs, theirOut} // 3 and 4
	err = cmd.Start()
	_, _ = theirs.Close(), theirOut.Close() // the browser has its own
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", cmd.Path, err), write.Close(), read.Close())
	}
	p := &Pipe{write: write, heard: heard, done: make(chan struct{}), calls: map[int]chan answer{}}
	go p.hear(read)
	return p, nil
}

// hear hands out what the browser says, until it ends.
func (p *Pipe) hear(read io.ReadCloser) {
	defer close(p.done)
	defer read.Close()
	in := bufio.NewScanner(read)
	in.Buffer(nil, maxMessageBytes)
	in.Split(untilZero)
	for in.Scan() {
		var m message
		if json.Unmarshal(in.Bytes(), &m) != nil {
			continue // nothing that is known
		}
		if m.ID == 0 {
			if p.heard != nil {
				p.heard(Event{m.Session, m.Method, m.Params})
			}
			continue
		}
		p.mu.Lock()
		if wait := p.calls[m.ID]; wait != nil {
			wait <- m.answer
			delete(p.calls, m.ID)
		}
		p.mu.Unlock()
	}
}

// untilZero cuts what ends with a zero byte.
func untilZero(data []byte, _ bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return i + 1, data[:i], nil
	}
	return 0, nil, nil
}

// Call asks the browser, or a page of it by its session, and reads the answer into result
// unless that is nil.
func (p *Pipe) Call(ctx context.Context, session, method string, params, result any) error {
	wait := make(chan answer, 1)
	id, err := p.ask(session, method, params, wait)
	if err != nil {
		return fmt.Errorf("ask the browser for %s: %w", method, err)
	}
	select {
	case a := <-wait:
		if a.Error != nil {
			return fmt.Errorf("%s: %s", method, a.Error.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(a.Result, result)
	case <-p.done:
		return fmt.Errorf("%s: the browser has ended", method)
	case <-ctx.Done():
		p.mu.Lock()
		delete(p.calls, id)
		p.mu.Unlock()
		return fmt.Errorf("%s: %w", method, ctx.Err())
	}
}

// ask sends a question.
func (p *Pipe) ask(session, method string, params any, wait chan answer) (id int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	question := map[string]any{"id": p.last, "method": method, "params": params}
	if session != "" {
		question["sessionId"] = session
	}
	text, err := json.Marshal(question)
	if err != nil {
		return 0, err
	}
	p.calls[p.last] = wait
	if _, err = p.write.Write(append(text, 0)); err != nil {
		delete(p.calls, p.last)
	}
	return p.last, err
}

// Done is closed when nothing more is heard of the browser.
func (p *Pipe) Done() <-chan struct{} { return p.done }

// Close lets go of the pipe once the browser has ended, or is to notice that nobody
// speaks with it any more.
func (p *Pipe) Close() error { return p.write.Close() }
