// Package demo shows Sitecast doing its main job on one machine: a server and
// two sites of four endpoints, every one a process of its own, receive the Go
// toolchain's source tree. It drives the same program and commands that an
// operator would, and ends by comparing every delivered tree with the original.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	sites       = 2
	endpoints   = 4 // at each site
	contentName = "go-tree"
	startWithin = 30 * time.Second
)

// Command is `sitecast demo`.
type Command struct {
	Content string `help:"File or folder to deliver (default: the Go toolchain's src folder)." type:"path" placeholder:"PATH"`
	Dir     string `help:"Folder for everything the demo makes (default: a temporary one, removed at the end)." type:"path" placeholder:"DIR"`
	Exit    bool   `help:"Exit when both sites are complete and correct instead of waiting for Ctrl-C." env:"DEMO_EXIT"`
}

// Help is the long help with an example.
func (Command) Help() string {
	return "Example:\n  sitecast demo --content ./my-app"
}

// demo is one run.
type demo struct {
	exe, dir, content string
	url               string
	out               io.Writer
	wg                sync.WaitGroup
	endpoints         []endpoint
}

type endpoint struct {
	site, name, data, status string
}

// Run plays the demo and fails unless every endpoint got exactly the content.
func (c Command) Run(ctx context.Context) (err error) {
	d := &demo{dir: c.Dir, content: c.Content, out: os.Stdout}
	if d.exe, err = os.Executable(); err != nil {
		return fmt.Errorf("find the sitecast program: %w", err)
	}
	if d.dir == "" {
		if d.dir, err = os.MkdirTemp("", "sitecast-demo-"); err != nil {
			return err
		}
		defer os.RemoveAll(d.dir)
	}
	if d.content == "" {
		if d.content, err = goSource(ctx); err != nil {
			return err
		}
	}
	ctx, stop := context.WithCancel(ctx)
	defer d.wg.Wait()
	defer stop()
	if err := d.start(ctx); err != nil {
		return err
	}
	if err := d.deliver(ctx); err != nil {
		return err
	}
	if c.Exit {
		return nil
	}
	if err := d.explain(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func goSource(ctx context.Context) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("find the Go toolchain to use as content (or name some with --content): %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(root)), "src"), nil
}

// start brings up the server, the sites and their endpoints.
func (d *demo) start(ctx context.Context) error {
	addr, err := freePort()
	if err != nil {
		return err
	}
	d.say("Starting a server on %s", addr)
	server := filepath.Join(d.dir, "server")
	if err := d.spawn(ctx, "server", "server", "--data", server, "--listen", addr, "--turn-listen", "none"); err != nil {
		return err
	}
	if d.url, err = d.waitForServer(ctx, server, addr); err != nil {
		return err
	}
	for s := range sites {
		site := fmt.Sprintf("site-%d", s+1)
		if _, err := d.sitecast(ctx, "site", "create", site); err != nil {
			return err
		}
		token, err := d.sitecast(ctx, "enrol", "--site", site, "--uses", fmt.Sprint(endpoints))
		if err != nil {
			return err
		}
		file := filepath.Join(d.dir, site+".token")
		if err := os.WriteFile(file, token, 0o600); err != nil {
			return err
		}
		for n := range endpoints {
			if err := d.startEndpoint(ctx, site, fmt.Sprintf("%s-till-%d", site, n+1), file); err != nil {
				return err
			}
		}
		d.say("Started %s with %d endpoints", site, endpoints)
	}
	return d.waitForEndpoints(ctx)
}

func (d *demo) startEndpoint(ctx context.Context, site, name, token string) error {
	status, err := freePort()
	if err != nil {
		return err
	}
	ep := endpoint{site, name, filepath.Join(d.dir, name), status}
	d.endpoints = append(d.endpoints, ep)
	// All endpoints of the demo are on one disk, and would yield to each other.
	return d.spawn(ctx, name, "agent", "--server", d.url, "--enrol-token-file", token, "--data", ep.data, "--no-polite",
		"--name", name, "--rtc-listen", "127.0.0.1:0", "--status-listen", status)
}

// deliver publishes the content, distributes it and checks the outcome.
func (d *demo) deliver(ctx context.Context) error {
	d.say("\n$ sitecast publish %s --name %s --version 1", d.content, contentName)
	key := filepath.Join(d.dir, "publisher.key")
	if err := d.show(ctx, "publish", d.content, "--name", contentName, "--version", "1", "--key", key); err != nil {
		return err
	}
	d.say("\n$ sitecast distribute %s@1 --all --wait", contentName)
	begun := time.Now()
	if err := d.show(ctx, "distribute", contentName+"@1", "--all", "--wait"); err != nil {
		return err
	}
	took := time.Since(begun)
	d.say("\nChecking every delivered tree against the original ...")
	if err := d.verify(ctx); err != nil {
		return err
	}
	d.say("All %d trees are identical to the original.\n", len(d.endpoints))
	return d.table(ctx, took)
}

// flow is what the table needs of `sitecast flows --json`.
type flow struct {
	Site        string  `json:"site"`
	Endpoints   int     `json:"endpoints"`
	Complete    int     `json:"complete"`
	UniqueBytes int64   `json:"unique_bytes"`
	Origin      int64   `json:"bytes_origin"`
	Peer        int64   `json:"bytes_peer"`
	Relay       int64   `json:"bytes_relay"`
	Reused      int64   `json:"bytes_reused"`
	WANBytes    int64   `json:"wan_bytes"`
	Seconds     float64 `json:"seconds"`
}

func (d *demo) table(ctx context.Context, took time.Duration) error {
	text, err := d.sitecast(ctx, "flows", "--json")
	if err != nil {
		return err
	}
	var flows []flow
	if err := json.Unmarshal(text, &flows); err != nil {
		return fmt.Errorf("read flows: %w", err)
	}
	if len(flows) != sites {
		return fmt.Errorf("the server tells of %d flows, want %d", len(flows), sites)
	}
	const row = "%-8s %10s %12s %12s %12s %12s %11s %8s\n"
	fmt.Fprintf(d.out, row, "SITE", "ENDPOINTS", "ORIGIN", "PEERS", "RELAY", "ON THE WIRE", "WAN COPIES", "TIME")
	for _, f := range flows {
		copies := float64(f.Origin) / float64(f.UniqueBytes)
		seconds := f.Seconds
		if seconds == 0 {
			seconds = took.Seconds()
		}
		fmt.Fprintf(d.out, row, f.Site, fmt.Sprintf("%d/%d", f.Complete, f.Endpoints), mb(f.Origin), mb(f.Peer), mb(f.Relay),
			mb(f.WANBytes), fmt.Sprintf("%.3f", copies), fmt.Sprintf("%.1f s", seconds))
		if f.Complete != endpoints || copies > 1.01 {
			err = errors.Join(err, fmt.Errorf("%s: %d of %d endpoints complete, %.3f WAN copies (want <= 1.01)",
				f.Site, f.Complete, endpoints, copies))
		}
	}
	fmt.Fprintln(d.out, "\nORIGIN crossed the WAN, once a site; PEERS crossed only the site's own LAN. ON THE WIRE is ORIGIN as compressed.")
	return err
}

func mb(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

func (d *demo) explain(ctx context.Context) error {
	invite, err := d.sitecast(ctx, "operator", "invite", "demo", "--role", "admin")
	if err != nil {
		return err
	}
	server := filepath.Join(d.dir, "server")
	ca := ""
	if strings.HasPrefix(d.url, "https:") {
		ca = " SITECAST_CA_FILE=" + filepath.Join(server, "ca.pem")
	}
	_, err = fmt.Fprintf(d.out, `
The demo stays up until Ctrl-C. The operators' portal begins with an account, in a browser, which does not know the demo's own authority and asks whether to go on:

  %s

In another terminal:

  export SITECAST_SERVER=%s SITECAST_TOKEN_FILE=%s%s
  %s flows --watch
  %s endpoints
  curl -s http://%s/status
  ls %s

`, strings.TrimSpace(string(invite)), d.url, filepath.Join(server, "admin.token"), ca, d.exe, d.exe, d.endpoints[0].status,
		filepath.Join(d.endpoints[0].data, "content", contentName, "1"))
	return err
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

// freePort finds a loopback TCP address nobody listens on.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
