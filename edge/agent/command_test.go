package agent_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/edge/agent"
)

// start runs the command with flags that can't work out beyond a point: with no
// token file the agent stops where it would enrol.
func start(t *testing.T, bend func(*agent.Command)) error {
	t.Helper()
	c := agent.Command{Server: "https://sitecast.example:8443", Data: filepath.Join(t.TempDir(), "data"), RTCListen: "127.0.0.1:0", LogLevel: "error"}
	bend(&c)
	return c.Run(t.Context())
}

const notEnrolled = "--enrol-token-file"

func TestPlainHTTPNeedsLoopbackOrConsent(t *testing.T) {
	for _, c := range []struct {
		server   string
		insecure bool
		want     string
	}{
		{"https://sitecast.example:8443", false, notEnrolled},
		{"http://127.0.0.1:8443", false, notEnrolled},
		{"http://127.9.9.9", false, notEnrolled},
		{"http://localhost:8443", false, notEnrolled},
		{"http://[::1]:8443", false, notEnrolled},
		{"http://sitecast.example", true, notEnrolled},
		{"http://sitecast.example", false, "plain http"},
		{"HTTP://sitecast.example", false, "plain http"},
		{"http://192.168.1.4:8443", false, "plain http"},
		{"http://0.0.0.0:8443", false, "plain http"},
		{"http://localhost.sitecast.example", false, "plain http"},
		{"http://127.0.0.1@sitecast.example", false, "plain http"},
		{"http://127.0.0.1.sitecast.example", false, "plain http"},
		{"http://[fe80::1]:8443", false, "plain http"},
		{"sitecast.example:8443", false, "is not a URL"},
		{"sitecast.example", false, "is not a URL"},
		{"", false, "is not a URL"},
		{"https://", false, "is not a URL"},
		{"ws://sitecast.example", true, "is not a URL"},
		{"https://sitecast.example:port", false, "is not a URL"},
		{"https://:8443", false, "is not a URL"},
	} {
		err := start(t, func(cmd *agent.Command) { cmd.Server, cmd.InsecureHTTP = c.server, c.insecure })
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q (insecure %v): got %v, want %q", c.server, c.insecure, err, c.want)
		}
	}
}

func TestWrongFlagsAreNamed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("hello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		bend func(*agent.Command)
		want string
	}{
		{"log level", func(c *agent.Command) { c.LogLevel = "loud" }, "--log-level"},
		{"long name", func(c *agent.Command) { c.Name = strings.Repeat("n", 129) }, "--name"},
		{"name that is no text", func(c *agent.Command) { c.Name = "till\xff" }, "--name"},
		{"data that is a file", func(c *agent.Command) { c.Data = file }, file},
		{"versions to keep", func(c *agent.Command) { n := -1; c.Cache.Keep = &n }, "--cache-keep"},
		{"no token file", func(c *agent.Command) { c.EnrolTokenFile = filepath.Join(dir, "none") }, "read the enrolment token"},
		{"no token in it", func(c *agent.Command) { c.EnrolTokenFile = file }, "not an enrolment token"},
	} {
		if err := start(t, c.bend); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", c.name, err, c.want)
		}
	}
}

func TestTwoAgentsDoNotShareAFolder(t *testing.T) {
	dir := t.TempDir()
	inside := make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	s := newServer(t)
	cfg := s.config(dir)
	cfg.EnrolToken = func() (string, error) { close(inside); <-ctx.Done(); return "", ctx.Err() }
	ended := make(chan error, 1)
	go func() { ended <- agent.Run(ctx, cfg) }()
	<-inside
	err := start(t, func(c *agent.Command) { c.Data = dir })
	if err == nil || strings.Contains(err.Error(), notEnrolled) {
		t.Errorf("a second agent got %v, want to be told that the folder is in use", err)
	}
	stop()
	<-ended
}

func TestHelpShowsAnExample(t *testing.T) {
	if help := (agent.Command{}).Help(); !bytes.Contains([]byte(help), []byte("sitecast agent --server")) {
		t.Errorf("help is %q, want an example in it", help)
	}
}
