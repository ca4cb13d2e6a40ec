//go:build linux

package screen_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image/color"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/screen"
	"github.com/sitecast/sitecast/edge/loopback"
	"github.com/sitecast/sitecast/kiosk/display"
	"github.com/sitecast/sitecast/kiosk/serve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var keep = flag.String("keep", "", "keep pictures of the screen in this folder")

var (
	red   = color.RGBA{200, 30, 40, 255}
	green = color.RGBA{20, 140, 70, 255}
)

// version is a page of one colour that says what it is.
func version(t *testing.T, name string, c color.RGBA) serve.Version {
	t.Helper()
	root := t.TempDir()
	if err := screen.Page(root, "Version "+name, c); err != nil {
		t.Fatal(err)
	}
	return serve.Version{Name: "menu", Version: name, Root: root}
}

// stand is a kiosk without an agent: a screen, what is shown, and who keeps it there.
type stand struct {
	*screen.Screen
	t      *testing.T
	slot   serve.Slot
	states chan display.State
	shots  int
}

func newStand(t *testing.T) *stand {
	for _, name := range []string{screen.Program, "chromium"} {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("CI has no %s: .ci/install installs it", name)
			}
			t.Skipf("no %s here: .ci/install installs it", name)
		}
	}
	s := &stand{t: t, states: make(chan display.State, 100)}
	var err error
	if s.Screen, err = screen.Start(t.TempDir(), 1024, 768); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	t.Setenv("DISPLAY", s.Display())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	ctx, stop := context.WithCancel(context.Background())
	served, shown := make(chan error), make(chan error)
	go func() { served <- loopback.Serve(ctx, l, serve.Handler(serve.Options{Source: &s.slot, Log: log})) }()
	go func() {
		shown <- display.Run(ctx, display.Options{Command: "chromium --no-sandbox --window-position=0,0 --window-size=1025,769", URL: "http://" + l.Addr().String() + "/",
			Profile: t.TempDir(), Source: &s.slot, Log: log, OnChange: func(now display.State) { s.states <- now }})
	}()
	t.Cleanup(func() {
		stop()
		for _, done := range []chan error{served, shown} {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	return s
}

// until waits for the screen to be of a colour.
func (s *stand) until(what string, want color.RGBA) {
	s.t.Helper()
	began := time.Now()
	ctx, stop := context.WithTimeout(s.t.Context(), time.Minute)
	defer stop()
	err := s.Until(ctx, want)
	s.shots++
	if *keep != "" {
		err = errors.Join(err, s.Keep(filepath.Join(*keep, fmt.Sprintf("%d-%s.png", s.shots, strings.ReplaceAll(what, " ", "-")))))
	}
	if err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
	s.t.Logf("%s: after %v", what, time.Since(began).Round(10*time.Millisecond))
}

// renderers lists the processes that draw pages on this screen.
func (s *stand) renderers() (pids []int) {
	s.t.Helper()
	tree, err := screen.Tree(os.Getpid())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, pid := range tree {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && strings.Contains(string(line), "--type=renderer") {
			pids = append(pids, pid)
		}
	}
	if len(pids) == 0 {
		s.t.Fatal("no process draws a page")
	}
	return pids
}

func TestChromiumIsKeptOnTheScreen(t *testing.T) {
	if os.Getenv("SITECAST_LONG") == "" {
		t.Skip("takes long: SITECAST_LONG=1")
	}
	s := newStand(t)
	s.until("being prepared", screen.Preparing)
	s.slot.Show(version(t, "1", red))
	s.until("version 1", red)
	s.slot.Show(version(t, "2", green))
	s.until("version 2", green)

	for _, pid := range s.renderers() {
		_ = syscall.Kill(pid, syscall.SIGSEGV) // it crashes
	}
	s.until("nothing while it starts anew", screen.Black)
	s.until("again after the page crashed", green)
	if running := <-s.states; running.Phase != display.Running {
		t.Errorf("it began as %+v", running)
	}
	if ended := <-s.states; ended.Phase != display.Waiting || ended.Why != "its page crashed" {
		t.Errorf("the crash was told as %+v", ended)
	}
}
