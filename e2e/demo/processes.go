package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// spawn starts a long-running sitecast process; its output goes to a log file.
// The process gets SIGTERM when ctx ends, and the demo waits for it.
func (d *demo) spawn(ctx context.Context, name string, args ...string) error {
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(d.dir, name+".log"))
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, d.exe, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	// Ctrl-C goes to the demo alone, which then stops its processes in order.
	cmd.SysProcAttr = ownGroup()
	if err := cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", name, err), log.Close())
	}
	d.wg.Go(func() {
		err := cmd.Wait()
		if ctx.Err() == nil {
			d.say("%s stopped: %v\n%s", name, err, tail(log.Name()))
		}
		_ = log.Close() // written by the process; nothing of ours is lost
	})
	return nil
}

func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text[max(0, len(text)-2000):])
}

// command prepares an operator's command against the demo's server.
func (d *demo) command(ctx context.Context, args ...string) *exec.Cmd {
	server := filepath.Join(d.dir, "server")
	cmd := exec.CommandContext(ctx, d.exe, args...)
	cmd.Env = append(os.Environ(), "SITECAST_SERVER="+d.url,
		"SITECAST_TOKEN_FILE="+filepath.Join(server, "admin.token"),
		"SITECAST_CA_FILE="+filepath.Join(server, "ca.pem"))
	cmd.Stderr = os.Stderr
	return cmd
}

// sitecast runs an operator's command and returns what it prints.
func (d *demo) sitecast(ctx context.Context, args ...string) ([]byte, error) {
	out, err := d.command(ctx, args...).Output()
	if err != nil {
		return nil, fmt.Errorf("sitecast %s: %w", args[0], err)
	}
	return out, nil
}

// show runs one with its output on the screen.
func (d *demo) show(ctx context.Context, args ...string) error {
	cmd := d.command(ctx, args...)
	cmd.Stdout = d.out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("sitecast %s: %w", args[0], err)
	}
	return nil
}

// waitForServer returns the server's URL once it answers.
func (d *demo) waitForServer(ctx context.Context, data, addr string) (string, error) {
	ready := func() bool {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return false
		}
		_ = conn.Close()
		_, err = os.Stat(filepath.Join(data, "admin.token"))
		return err == nil
	}
	if err := poll(ctx, "the server to answer", ready); err != nil {
		return "", fmt.Errorf("%w\n%s", err, tail(filepath.Join(d.dir, "server.log")))
	}
	if _, err := os.Stat(filepath.Join(data, "ca.pem")); err == nil {
		return "https://" + addr, nil
	}
	return "http://" + addr, nil
}

// waitForEndpoints returns once the server sees every endpoint online.
func (d *demo) waitForEndpoints(ctx context.Context) error {
	return poll(ctx, "all endpoints to come online", func() bool {
		text, err := d.sitecast(ctx, "endpoints", "--json")
		var list []struct {
			Online bool `json:"online"`
		}
		if err != nil || json.Unmarshal(text, &list) != nil {
			return false
		}
		online := 0
		for _, ep := range list {
			if ep.Online {
				online++
			}
		}
		return online == len(d.endpoints)
	})
}

// poll waits for something outside this process.
func poll(ctx context.Context, what string, done func() bool) error {
	ctx, stop := context.WithTimeout(ctx, startWithin)
	defer stop()
	for !done() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %v for %s", startWithin, what)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}
