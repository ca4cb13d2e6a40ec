//go:build linux

// Package runbook does what SECURITY.md says is to be done when a key is in wrong hands:
// it reads the commands there and runs them as they stand, against a real server with two
// real agents, on this host's loopback.
package runbook

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/signaling/site"
)

var bin string // the folder with the sitecast binary

func TestMain(m *testing.M) {
	dir, err := rig.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	bin = dir
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir) // a left-over in the system's temporary folder
		os.Exit(code)
	}))
}

// blocks are the commands of SECURITY.md under a heading, by paragraphs.
func blocks(t *testing.T, heading string) (blocks [][]string) {
	t.Helper()
	text, err := os.ReadFile("../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n### "+heading+"\n")
	if !found {
		t.Fatalf("SECURITY.md has no %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n#")
	for part := range strings.SplitSeq(section, "\n\n") {
		var block []string
		for line := range strings.Lines(part) {
			if command, indented := strings.CutPrefix(strings.TrimRight(line, "\n"), "    "); indented {
				command, _, _ = strings.Cut(command, "  #")
				block = append(block, strings.TrimSpace(command))
			}
		}
		if block != nil {
			blocks = append(blocks, block)
		}
	}
	return blocks
}

// stand is an installation as the runbook takes it for granted: alice published
// till-app@2.1, which till-3 and till-4 of shop-12 have.
type stand struct {
	t      *testing.T
	ctx    context.Context
	dir    string
	addr   string
	server *rig.Process
	agents map[string]*rig.Process
}

func begin(ctx context.Context, t *testing.T) *stand {
	s := &stand{t: t, ctx: ctx, dir: t.TempDir(), agents: map[string]*rig.Process{}}
	var err error
	s.addr, err = rig.Loopback()
	s.must(err)
	t.Cleanup(s.end)
	s.serve()
	s.must(os.WriteFile(filepath.Join(s.dir, "till.bin"), make([]byte, 1<<20), 0o600))
	for _, line := range []string{
		"sitecast publisher key alice.key", "sitecast publisher add alice --key alice.key", "sitecast site create shop-12",
		"sitecast publish till.bin --name till-app --version 2.1 --key alice.key", "sitecast distribute till-app@2.1 --all",
		"sitecast enrol --site shop-12 > till-3.token", "sitecast enrol --site shop-12 > till-4.token",
	} {
		s.run(line)
	}
	s.start("till-3")
	s.start("till-4")
	s.until("both tills to have it", func() bool { return s.flow().Complete == 2 })
	return s
}

func (s *stand) end() {
	processes := []*rig.Process{s.server}
	for _, a := range s.agents {
		processes = append(processes, a)
	}
	rig.StopAll(s.t, processes...)
}

func (s *stand) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// command prepares a line for the shell.
func (s *stand) command(line string) *exec.Cmd {
	cmd := exec.CommandContext(s.ctx, "sh", "-c", line)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "SITECAST_SERVER=https://"+s.addr,
		"SITECAST_TOKEN_FILE="+filepath.Join(s.dir, "server", "admin.token"))
	return cmd
}

func (s *stand) run(line string) string {
	s.t.Helper()
	out, err := s.command(line).Output()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		err = fmt.Errorf("%s: %w\n%s", line, err, exit.Stderr)
	}
	s.must(err)
	return string(out)
}

func (s *stand) runAll(lines []string) {
	s.t.Helper()
	for _, line := range lines {
		s.run(line)
	}
}

// launch starts a program that goes on.
func (s *stand) launch(name string, args ...string) *rig.Process {
	s.t.Helper()
	p, err := rig.Launch(exec.Command(filepath.Join(bin, "sitecast"), args...), filepath.Join(s.dir, name+".log"))
	s.must(err)
	return p
}

func (s *stand) serve() {
	s.t.Helper()
	data := filepath.Join(s.dir, "server")
	s.server = s.launch("server", "server", "--data", data, "--listen", s.addr, "--turn-listen", "none")
	s.until("the server to answer", func() bool {
		_, err := os.Stat(filepath.Join(data, "admin.token"))
		return err == nil && s.command("sitecast site list").Run() == nil
	})
}

// start starts an agent, or starts it anew.
func (s *stand) start(name string) {
	s.t.Helper()
	if p := s.agents[name]; p != nil {
		s.must(p.Stop())
	}
	s.agents[name] = s.launch(name, "agent", "--server", "https://"+s.addr, "--enrol-token-file", filepath.Join(s.dir, name+".token"),
		"--data", filepath.Join(s.dir, name), "--name", name, "--no-polite", "--rtc-listen", "127.0.0.1:0")
}

func (s *stand) until(what string, done func() bool) {
	s.t.Helper()
	s.must(rig.Wait(s.ctx, what, done))
}

func (s *stand) flow() (f site.FlowView) {
	s.t.Helper()
	var flows []site.FlowView
	s.must(json.Unmarshal([]byte(s.run("sitecast flows --json")), &flows))
	if len(flows) > 0 {
		f = flows[0]
	}
	return f
}

func (s *stand) endpoints() (list []site.EndpointView) {
	s.t.Helper()
	s.must(json.Unmarshal([]byte(s.run("sitecast endpoints --json")), &list))
	return list
}

// online counts the endpoints of a name that are.
func (s *stand) online(name string) (n int) {
	for _, e := range s.endpoints() {
		if e.Name == name && e.Online {
			n++
		}
	}
	return n
}

// content is the digest of what a till holds.
func (s *stand) content(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name, "content", "till-app", "2.1", "till.bin"))
	s.must(err)
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

func TestTheRunbook(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 4*time.Minute)
	defer stop()
	s := begin(ctx, t)
	before, fetched := s.content("till-3"), s.flow().WANBytes

	publisher := blocks(t, "A publisher's key")[0]
	s.run(publisher[0])
	s.until("the flow to be paused", func() bool {
		f := s.flow()
		return f.State == "paused" && strings.Contains(f.PausedBy, "alice was revoked")
	})
	s.runAll(publisher[1:])
	s.until("the flow to be complete again", func() bool { return s.flow().State == "complete" })

	endpoint := blocks(t, "An endpoint's key")
	id := ""
	for _, e := range s.endpoints() {
		if e.Name == "till-3" {
			id = string(e.ID)
		}
	}
	s.run(endpoint[0][0])
	s.until("till-3 to be offline", func() bool { return s.online("till-3") == 0 })
	s.until("till-4 to have no link", func() bool {
		for _, e := range s.endpoints() {
			if e.Name == "till-4" {
				return e.Links == 0
			}
		}
		return false
	})
	if err := rig.Pause(ctx, 3*time.Second); err != nil || s.online("till-3") > 0 {
		t.Errorf("till-3 came back by itself, or %v", err)
	}
	s.runAll(endpoint[0][1:])
	s.start("till-3")
	s.until("till-3 to be back", func() bool { return s.online("till-3") == 1 && s.flow().State == "complete" })
	for _, line := range endpoint[1] {
		s.run(strings.Replace(line, " ID", " "+id, 1))
	}
	if list := s.endpoints(); len(list) != 2 {
		t.Errorf("endpoints %+v, want two", list)
	}

	if token := blocks(t, "An API token")[0]; s.command("sitecast token --help").Run() == nil {
		s.run("sitecast token create ci --role operator > ci.token")
		s.runAll(token)
	}

	server := blocks(t, "The server, or the root key")
	s.must(s.server.Stop())
	for _, line := range server[0] {
		s.run("cd server && " + line)
	}
	s.serve()
	s.runAll(server[1])
	for _, name := range []string{"till-3", "till-4"} {
		s.run("cp token " + name + ".token")
		s.start(name)
	}
	s.until("both tills to be back", func() bool {
		return s.online("till-3") == 1 && s.online("till-4") == 1 && s.flow().State == "complete"
	})
	if after := s.content("till-3"); after != before {
		t.Errorf("till-3 holds %s, held %s", after, before)
	}
	if f := s.flow(); f.WANBytes > fetched {
		t.Errorf("%d bytes came over the WAN, before %d", f.WANBytes, fetched)
	}
}
