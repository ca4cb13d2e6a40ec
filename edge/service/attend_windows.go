package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kardianos/service"
)

const (
	logName = "agent.log"
	// maxLog is how long the log grows until a start begins another; the one before is
	// kept.
	maxLog = 16 << 20
)

// Attend runs the agent. Where Windows started it as a service it ends when Windows says
// so, and writes its log to a file in the data folder.
func Attend(ctx context.Context, data string, run func(context.Context) error) error {
	if service.Interactive() {
		return run(ctx)
	}
	log, err := openLog(data)
	if err != nil {
		return err
	}
	defer log.Close() // what was written is there
	os.Stderr = log
	p := &attended{ctx: ctx, run: run}
	s, err := service.New(p, &service.Config{Name: name})
	if err != nil {
		return fmt.Errorf("meet what runs services: %w", err)
	}
	return errors.Join(s.Run(), p.err)
}

func openLog(data string) (*os.File, error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	path := filepath.Join(data, logName)
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, fmt.Errorf("begin another log: %w", err)
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// attended is the agent as Windows sees it.
type attended struct {
	ctx  context.Context
	run  func(context.Context) error
	stop context.CancelFunc
	done chan struct{}
	err  error // once done is closed
}

func (a *attended) Start(service.Service) error {
	ctx, stop := context.WithCancel(a.ctx)
	a.stop, a.done = stop, make(chan struct{})
	go func() {
		defer close(a.done)
		if a.err = a.run(ctx); a.err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "sitecast:", a.err)
			os.Exit(1) // Windows starts a service anew that ended without a word
		}
	}()
	return nil
}

func (a *attended) Stop(service.Service) error {
	a.stop()
	<-a.done
	return nil
}
