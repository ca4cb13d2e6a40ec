// Package service makes the agent a service of the system it runs on: one that starts
// with the computer, comes back when it fails, has a user of its own and may touch little
// more than its folder. That is a unit of systemd on Linux, a Windows service, or a
// daemon of launchd on macOS. To install one changes as little as can be, says what it
// was, and leaves no secret on a command line; to uninstall takes it back, and keeps what
// was delivered unless told otherwise.
package service

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kardianos/service"

	"github.com/sitecast/sitecast/storage/durable"
)

// name is what the service and its folders are called.
const name = "sitecast-agent"

const (
	tokenFile = "enrol.token"
	// maxTokenBytes is more than any enrolment token has.
	maxTokenBytes = 8 << 10
)

// Install is `sitecast agent install`.
type Install struct {
	Server         string   `help:"URL of the server." required:"" env:"SITECAST_SERVER" placeholder:"URL"`
	EnrolTokenFile string   `help:"File with the enrolment token; the service gets a copy that others can't read." required:"" env:"SITECAST_ENROL_TOKEN_FILE" placeholder:"FILE"`
	StatusListen   string   `help:"Address of the local status page." default:"127.0.0.1:8099" env:"SITECAST_STATUS_LISTEN" placeholder:"ADDR"`
	Print          bool     `help:"Print the unit for systemd and change nothing."`
	More           []string `arg:"" optional:"" help:"Further flags for the agent, after --."`
}

// Help is the long help with examples.
func (Install) Help() string {
	return `Makes the agent a service that starts with the computer. On Linux that is a unit of
systemd with a user of its own, which may write to its own folder only; elsewhere a
Windows service or a daemon of launchd. Run it as root or Administrator, from where the
program shall stay, such as /usr/local/bin.

Secrets, such as a proxy's password, belong in the file that it names
(SITECAST_PROXY=http://USER:PASSWORD@HOST:PORT), not into the flags.

Examples:
  sudo sitecast agent install --server https://sitecast.example:8443 --enrol-token-file shop-12.token
  sudo sitecast agent install --server https://sitecast.example:8443 --enrol-token-file token -- --wan-allowance 20GB
  sudo sitecast agent uninstall`
}

// Uninstall is `sitecast agent uninstall`.
type Uninstall struct {
	Purge bool `help:"Delete identity, settings and all delivered content, too."`
}

// Help is the long help with an example.
func (Uninstall) Help() string {
	return `Stops the service and removes it. What was delivered and the endpoint's identity stay,
for another install, unless --purge says otherwise.

Example:
  sudo sitecast agent uninstall --purge`
}

// place is where things are on a system.
type place struct {
	data     string // identity, store and content
	settings string // the token's copy and the environment
	token    string // the token's copy as the service is told of it
}

// computer is what is changed.
type computer struct {
	root    string // before every path; empty but in tests
	out     io.Writer
	manager func(*service.Config) (service.Service, error)
}

func this() computer {
	return computer{out: os.Stdout, manager: func(c *service.Config) (service.Service, error) { return service.New(idle{}, c) }}
}

// idle stands for the program where the service is only managed.
type idle struct{}

func (idle) Start(service.Service) error { return nil }
func (idle) Stop(service.Service) error  { return nil }

// Run installs and starts the service.
func (c Install) Run() error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	if c.Print {
		text, err := unit(program, c.arguments(systemdPlace))
		if err != nil {
			return err
		}
		fmt.Print(text)
		return nil
	}
	return c.install(this(), program)
}

// arguments are those that the service runs with.
func (c Install) arguments(p place) []string {
	return append([]string{"agent", "run", "--server", c.Server, "--enrol-token-file", p.token, "--data", p.data,
		"--status-listen", c.StatusListen}, c.More...)
}

// check refuses what would not work, or tell a secret.
func (c Install) check(program string) error {
	for _, arg := range c.More {
		if _, rest, ok := strings.Cut(arg, "://"); ok && strings.Contains(rest, "@") {
			return errors.New("a flag holds a user and password, which everybody on this computer could read: put it into the settings file that `sitecast agent install` names")
		}
	}
	for _, dir := range shortLived {
		if rest, err := filepath.Rel(dir, program); err == nil && filepath.IsLocal(rest) {
			return fmt.Errorf("the service would not find %s, which is in %s: copy the program to /usr/local/bin and run it from there", program, dir)
		}
	}
	return nil
}

func (c Install) install(h computer, program string) error {
	if err := c.check(program); err != nil {
		return err
	}
	token, err := readToken(c.EnrolTokenFile)
	if err != nil {
		return err
	}
	config, err := configured(program, c.arguments(here))
	if err != nil {
		return err
	}
	s, err := h.manager(config)
	if err != nil {
		return fmt.Errorf("find what runs services on this system (with systemd: is it running?): %w", err)
	}
	settings := filepath.Join(h.root, here.settings)
	if err := os.MkdirAll(settings, 0o700); err != nil {
		return fmt.Errorf("make the settings folder (run this as root or Administrator): %w", err)
	}
	if err := durable.WriteFile(filepath.Join(settings, tokenFile), token, 0o600); err != nil {
		return fmt.Errorf("copy the enrolment token: %w", err)
	}
	if err := prepare(h.root); err != nil {
		return err
	}
	if err := s.Install(); err != nil {
		return fmt.Errorf("install the service (sitecast agent uninstall removes an earlier one): %w", err)
	}
	if err := s.Start(); err != nil {
		return errors.Join(fmt.Errorf("start the service: %w", err), s.Uninstall())
	}
	fmt.Fprintf(h.out, `installed and started the service %s
  content and identity  %s
  enrolment token       a copy in %s, which others can't read
  further settings      %s
  status page           http://%s/
  log                   %s
to undo it: sitecast agent uninstall (keeps content and identity), or with --purge
`, name, here.data, filepath.Join(here.settings, tokenFile), hint, c.StatusListen, logs)
	return nil
}

// readToken reads the enrolment token, which is checked when it is used.
func readToken(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the enrolment token (make one with `sitecast enrol --site NAME`): %w", err)
	}
	defer f.Close() // it is only read from
	text, err := io.ReadAll(io.LimitReader(f, maxTokenBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the enrolment token: %w", err)
	case len(text) > maxTokenBytes || strings.TrimSpace(string(text)) == "":
		return nil, fmt.Errorf("%s holds no enrolment token: it has %d bytes or more", path, len(text))
	}
	return text, nil
}

// Run stops and removes the service.
func (c Uninstall) Run() error { return c.uninstall(this()) }

func (c Uninstall) uninstall(h computer) error {
	s, err := h.manager(&service.Config{Name: name})
	if err != nil {
		return fmt.Errorf("find what runs services on this system: %w", err)
	}
	if status, err := s.Status(); errors.Is(err, service.ErrNotInstalled) {
		fmt.Fprintf(h.out, "the service %s is not installed\n", name)
	} else {
		if status == service.StatusRunning {
			if err := s.Stop(); err != nil {
				return fmt.Errorf("stop the service: %w", err)
			}
		}
		if err := s.Uninstall(); err != nil {
			return fmt.Errorf("remove the service (run this as root or Administrator): %w", err)
		}
		fmt.Fprintf(h.out, "stopped and removed the service %s\n", name)
	}
	secret := filepath.Join(here.settings, tokenFile)
	if err := os.Remove(filepath.Join(h.root, secret)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete the enrolment token: %w", err)
	}
	if !c.Purge {
		fmt.Fprintf(h.out, "kept %s and %s; sitecast agent uninstall --purge deletes them\n", here.data, here.settings)
		return nil
	}
	for _, dir := range append([]string{here.settings, here.data}, hidden...) {
		if err := os.RemoveAll(filepath.Join(h.root, dir)); err != nil {
			return fmt.Errorf("delete: %w", err)
		}
	}
	fmt.Fprintf(h.out, "deleted %s and %s\n", here.data, here.settings)
	return nil
}
