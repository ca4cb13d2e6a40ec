//go:build linux

package portal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sitecast/sitecast/e2e/rig"
)

// Stand is a server on loopback, and what is started beside it: real processes of one
// program, in a folder of their own.
type Stand struct {
	Exe  string // the program
	Dir  string // the folder
	Addr string // of the server

	server *rig.Process // the one that runs, or ran last
	others []*rig.Process
	starts int
}

// NewStand returns one of which nothing runs yet.
func NewStand(exe, dir string) (*Stand, error) {
	addr, err := rig.Loopback()
	return &Stand{Exe: exe, Dir: dir, Addr: addr}, err
}

// Data is the folder of the server.
func (s *Stand) Data() string { return filepath.Join(s.Dir, "server") }

// URL is where browsers find the server.
func (s *Stand) URL() string { return "https://" + s.Addr }

// Start starts the server, and waits until it answers.
func (s *Stand) Start(ctx context.Context) (err error) {
	s.starts++
	s.server, err = rig.Launch(exec.Command(s.Exe, "server", "--data", s.Data(), "--listen", s.Addr, "--turn-listen", "none"),
		filepath.Join(s.Dir, fmt.Sprintf("server-%d.log", s.starts)))
	if err != nil {
		return err
	}
	return rig.Wait(ctx, "the server to answer", func() bool {
		_, err := os.Stat(s.token())
		return err == nil && s.command(ctx, "site", "list").Run() == nil
	})
}

// Stop stops the server in order.
func (s *Stand) Stop() error { return s.server.Stop() }

// Server is the process of the server.
func (s *Stand) Server() *rig.Process { return s.server }

// Agent starts one that enrols at a site.
func (s *Stand) Agent(ctx context.Context, site, name string) error {
	token, err := s.Run(ctx, "enrol", "--site", site)
	if err != nil {
		return err
	}
	file := filepath.Join(s.Dir, name+".token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		return err
	}
	p, err := rig.Launch(exec.Command(s.Exe, "agent", "--server", s.URL(), "--enrol-token-file", file, "--data", filepath.Join(s.Dir, name), "--name", name,
		"--no-polite", "--rtc-listen", "127.0.0.1:0"), filepath.Join(s.Dir, name+".log"))
	if err == nil {
		s.others = append(s.others, p)
	}
	return err
}

func (s *Stand) token() string { return filepath.Join(s.Data(), "admin.token") }

func (s *Stand) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.Exe, args...)
	cmd.Env = append(os.Environ(), "SITECAST_SERVER="+s.URL(), "SITECAST_TOKEN_FILE="+s.token())
	return cmd
}

// Run runs a command of an admin, and returns what it prints.
func (s *Stand) Run(ctx context.Context, args ...string) (string, error) {
	cmd := s.command(ctx, args...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("sitecast %s: %w\n%s", strings.Join(args, " "), err, &said)
	}
	return string(out), err
}

// Publish publishes random bytes, from a file in the stand's folder.
func (s *Stand) Publish(ctx context.Context, name, version string, bytes int64) error {
	file := filepath.Join(s.Dir, name+"-"+version+".bin")
	var seed [32]byte
	copy(seed[:], name+version)
	if _, err := rig.Random(file, bytes, seed); err != nil {
		return err
	}
	_, err := s.Run(ctx, "publish", file, "--name", name, "--version", version, "--key", filepath.Join(s.Dir, "publisher.key"))
	return err
}

// Invite makes an invitation, and returns its link. What follows is as for `sitecast
// operator invite`.
func (s *Stand) Invite(ctx context.Context, name string, more ...string) (string, error) {
	link, err := s.Run(ctx, append([]string{"operator", "invite", name}, more...)...)
	return strings.TrimSpace(link), err
}

// End stops all that runs, and returns what went wrong with what was printed.
func (s *Stand) End() (err error) {
	for _, p := range append([]*rig.Process{s.server}, s.others...) {
		if p != nil {
			err = errors.Join(err, p.Stop())
		}
	}
	return err
}

// Logs is what all processes printed.
func (s *Stand) Logs() string {
	var out strings.Builder
	for _, p := range append([]*rig.Process{s.server}, s.others...) {
		if p != nil {
			out.WriteString(p.Log())
		}
	}
	return out.String()
}
