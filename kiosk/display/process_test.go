//go:build linux

package display_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/kiosk/display"
	"github.com/sitecast/sitecast/kiosk/serve"
)

// real runs a display with a command of the shell; said hears its states.
func real(t *testing.T, profile, command string, source serve.Source) (said chan display.State, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	said, done := make(chan display.State, 100), make(chan error)
	go func() {
		done <- display.Run(ctx, display.Options{Command: command, URL: "http://127.0.0.1:8088/", Profile: profile, Source: source,
			Log: slog.New(slog.DiscardHandler), OnChange: func(s display.State) { said <- s }})
	}()
	return said, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// pipe is one that a command writes to; line reads the next line.
func pipe(t *testing.T) (path string, line func() string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "pipe")
	if out, err := exec.Command("mkfifo", path).CombinedOutput(); err != nil {
		t.Skipf("no pipes here: %s", out)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return path, func() string {
		text := ""
		if _, err := fmt.Fscanln(f, &text); err != nil {
			t.Fatal(err)
		}
		return text
	}
}

// gone waits for a process to end: who was orphaned is still to be collected by somebody.
func gone(t *testing.T, pid string) {
	t.Helper()
	for range 500 {
		text, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(text), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %s is still there", pid)
}

func TestNothingOfAProgramIsLeftWhenTheKioskStops(t *testing.T) {
	path, line := pipe(t)
	// A child in the group that hears no signal, and one that left the group.
	command := fmt.Sprintf(`sh -c 'trap "" TERM; echo $$ >%[1]s; while :; do sleep 1; done' & setsid sh -c 'echo $$ >%[1]s; while :; do sleep 1; done' & exec sleep 60`, path)
	_, stop := real(t, t.TempDir(), command, &serve.Slot{})
	first, second := line(), line()
	stop()
	gone(t, first)
	gone(t, second)
}

func TestWhatAnEndByForceLeftBehindIsEndedAtTheNextStart(t *testing.T) {
	path, line := pipe(t)
	profile := t.TempDir()
	left := exec.Command("setsid", "sh", "-c", "echo $$ >"+path+"; exec sleep 60")
	left.Env = append(os.Environ(), "SITECAST_DISPLAY="+profile)
	if err := left.Start(); err != nil {
		t.Skip(err)
	}
	defer func() { _ = left.Wait() }() // it was killed
	pid := line()
	_, stop := real(t, profile, "exec sleep 60", &serve.Slot{})
	gone(t, pid)
	stop()
}

// The kernel ends a program whose kiosk was killed, without anybody's help.
func TestAProgramEndsWithTheKioskThatIsKilled(t *testing.T) {
	if profile := os.Getenv("DISPLAY_TEST_PROFILE"); profile != "" { // the kiosk
		_, _ = real(t, profile, os.Getenv("DISPLAY_TEST_COMMAND"), &serve.Slot{})
		select {}
	}
	path, line := pipe(t)
	kiosk := exec.Command(os.Args[0], "-test.run", "^TestAProgramEndsWithTheKioskThatIsKilled$")
	kiosk.Env = append(os.Environ(), "DISPLAY_TEST_PROFILE="+t.TempDir(), "DISPLAY_TEST_COMMAND=echo $$ >"+path+"; exec sleep 60")
	if err := kiosk.Start(); err != nil {
		t.Fatal(err)
	}
	pid := line()
	_ = kiosk.Process.Kill()
	_ = kiosk.Wait() // it was killed
	gone(t, pid)
}

func TestAProgramIsToldWhatItShowsAndItsLastWordIsKept(t *testing.T) {
	t.Setenv("SITECAST_TOKEN", "secret")
	path, line := pipe(t)
	slot := &serve.Slot{}
	slot.Show(serve.Version{Name: "menu", Version: "7", Root: "/srv/menu"})
	said, stop := real(t, t.TempDir(), "echo $SITECAST_TOKEN$SITECAST_URL,$SITECAST_CONTENT,$SITECAST_VERSION,$SITECAST_PATH >"+path+"; echo; echo no screen here; exit 3", slot)
	if got := line(); got != "http://127.0.0.1:8088/,menu,7,/srv/menu" {
		t.Errorf("told %s", got)
	}
	for s := range said {
		if s.Phase == display.Waiting {
			if s.Why != "exit status 3: no screen here" {
				t.Errorf("ended as %q", s.Why)
			}
			break
		}
	}
	stop()
}

func TestWhatIsKeptOfAWordyProgramIsBounded(t *testing.T) {
	said, stop := real(t, t.TempDir(), "head -c 3000000 /dev/zero | tr '\\0' x; exit 1", &serve.Slot{})
	for s := range said {
		if s.Phase == display.Waiting {
			if len(s.Why) > 400 {
				t.Errorf("%d bytes: %.50s", len(s.Why), s.Why)
			}
			break
		}
	}
	stop()
}
