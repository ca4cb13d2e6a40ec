//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/edge/engine"
)

const (
	site    = "office"
	wanRate = "160mbit"
	// size is more than the line brings while one build lasts.
	size = 768 << 20
	// settle is how long agents transfer before a build begins.
	settle = 4 * time.Second
)

// stage is a server and two agents of one site on this computer.
type stage struct {
	exe, dir string
	url      string
	server   *rig.Process
	agents   []*rig.Process
	data     []string
	status   []string
	serial   int
}

func newStage(ctx context.Context, exe, dir string) (s *stage, err error) {
	s = &stage{exe: exe, dir: dir}
	address, err := rig.Loopback()
	if err != nil {
		return s, err
	}
	s.url = "http://" + address
	// It stands for a machine of its own: the build has the processors before it.
	cmd := exec.Command("chrt", "--idle", "0", exe, "server", "--data", filepath.Join(dir, "server"), "--listen", address)
	if s.server, err = rig.Launch(cmd, filepath.Join(dir, "server.log")); err != nil {
		return s, err
	}
	err = rig.Wait(ctx, "the server", func() bool {
		resp, err := http.Get(s.url + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	})
	file := filepath.Join(dir, "film.bin")
	if err == nil {
		_, err = rig.Random(file, size, [32]byte{1})
	}
	for _, args := range [][]string{{"site", "create", site}, {"cap", "--site", site, "--wan", wanRate},
		{"publish", file, "--name", "film", "--version", "1", "--key", filepath.Join(dir, "key")},
		{"distribute", "film@1", "--site", site}} {
		if err == nil {
			_, err = s.sitecast(ctx, args...)
		}
	}
	return s, errors.Join(err, os.RemoveAll(file))
}

// sitecast runs an operator's command.
func (s *stage) sitecast(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, s.exe, args...)
	cmd.Env = append(os.Environ(), "SITECAST_SERVER="+s.url, "SITECAST_TOKEN_FILE="+filepath.Join(s.dir, "server", "admin.token"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("sitecast %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// start starts two agents that hold nothing, and waits until both get something.
func (s *stage) start(ctx context.Context, flags []string) error {
	token, err := s.sitecast(ctx, "enrol", "--site", site, "--uses", "2")
	if err != nil {
		return err
	}
	file := filepath.Join(s.dir, "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		return err
	}
	s.agents, s.status, s.data = nil, nil, nil
	for range 2 {
		s.serial++
		name := fmt.Sprintf("desk-%d", s.serial)
		status, err := rig.Loopback()
		if err != nil {
			return err
		}
		data := filepath.Join(s.dir, name)
		args := append([]string{"agent", "--server", s.url, "--enrol-token-file", file, "--data", data, "--name", name,
			"--status-listen", status}, flags...)
		p, err := rig.Launch(exec.Command(s.exe, args...), data+".log")
		if err != nil {
			return err
		}
		s.agents, s.status, s.data = append(s.agents, p), append(s.status, status), append(s.data, data)
	}
	if err := rig.Wait(ctx, "both agents to get something", func() bool {
		for _, address := range s.status {
			if n, err := received(ctx, address); err != nil || n < 8<<20 {
				return false
			}
		}
		return true
	}); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(settle):
		return nil
	}
}

// whole is what both have in the end.
func (s *stage) whole() int64 { return size * int64(len(s.agents)) }

// moved is what both agents got so far.
func (s *stage) moved(ctx context.Context) (sum int64, err error) {
	for _, address := range s.status {
		n, err := received(ctx, address)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func received(ctx context.Context, address string) (n int64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/status", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close() // it is only read from
	var status engine.Status
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		return 0, err
	}
	for _, f := range status.Flows {
		n += f.Bytes.Total()
	}
	return n, nil
}

// stop ends the agents and deletes what they have.
func (s *stage) stop() (err error) {
	for i, p := range s.agents {
		err = errors.Join(err, p.Stop(), os.RemoveAll(s.data[i]))
	}
	s.agents = nil
	return err
}

func (s *stage) close() (err error) {
	err = s.stop()
	if s.server != nil {
		err = errors.Join(err, s.server.Stop())
	}
	return err
}
