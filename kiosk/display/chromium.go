package display

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/sitecast/sitecast/kiosk/devtools"
)

// chromiumName is what the command is called.
const chromiumName = "chromium"

const (
	// askTimeout bounds how long the browser may take to answer.
	askTimeout = 10 * time.Second
	// pageStep is how often a browser that starts is asked for its page.
	pageStep = 100 * time.Millisecond
)

// chromiumPrograms are where one is looked for.
var chromiumPrograms = []string{
	"chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome",
	"/Applications/Chromium.app/Contents/MacOS/Chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	`C:\Program Files\Google\Chrome\Application\chrome.exe`, `C:\Program Files (x86)\Google\Chrome\Application\chrome.exe`,
}

// chromiumFlags keep everything off the screen but the page: no first run, no questions,
// no bubbles after a crash, no gestures that leave the page; and nothing slows it down
// when the browser takes the screen for covered. What browsers fetch for themselves would
// go over the WAN.
var chromiumFlags = []string{
	"--kiosk", "--no-first-run", "--no-default-browser-check", "--noerrdialogs", "--disable-infobars",
	"--hide-crash-restore-bubble", "--disable-session-crashed-bubble", // one of them, as the browser is of before 2023 or not
	"--deny-permission-prompts", "--password-store=basic", "--use-mock-keychain", "--disable-features=Translate",
	"--disable-pinch", "--overscroll-history-navigation=0", "--autoplay-policy=no-user-gesture-required",
	"--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
	"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-breakpad",
	"--disk-cache-size=67108864", // what it shows is on this disk already
	// A debugging pipe would have pages take who stands before the screen for a robot.
	"--disable-blink-features=AutomationControlled",
}

// chromium is the browser, which shows one page.
type chromium struct {
	*process
	url     string
	pipe    *devtools.Pipe // nil where there is none
	crashed atomic.Bool
}

// launchChromium starts a browser with a profile of its own.
func launchChromium(o *Options, mark string, more []string) (screen, error) {
	program, err := findChromium()
	if err != nil {
		return nil, err
	}
	// A browser that was killed leaves its lock; on a computer that has another name since
	// then the next one would ask what to do.
	for _, left := range []string{"SingletonLock", "SingletonCookie", "SingletonSocket"} {
		if err := os.Remove(filepath.Join(o.Profile, left)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("free the browser's profile: %w", err)
		}
	}
	args := append(append([]string{"--user-data-dir=" + o.Profile}, chromiumFlags...), more...)
	c := &chromium{url: o.URL}
	if runtime.GOOS == "windows" { // hands no files down by number
		cmd := exec.Command(program, append(args, o.URL)...)
		cmd.Env = o.environment(mark)
		c.process, err = run(cmd, mark, cmd.Start)
		return c, err
	}
	cmd := exec.Command(program, append(args, devtools.Flag, o.URL)...)
	cmd.Env = o.environment(mark)
	heard := func(e devtools.Event) { c.heard(cmd, e) }
	c.process, err = run(cmd, mark, func() (err error) {
		c.pipe, err = devtools.Start(cmd, heard)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := c.watch(); err != nil {
		o.Log.Warn("crashes of the page will not be noticed", "err", err)
	}
	return c, nil
}

func findChromium() (string, error) {
	for _, name := range chromiumPrograms {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no Chromium or Chrome on this computer: install one, or name another program with --display")
}

// watch asks to be told of pages.
func (c *chromium) watch() error {
	ctx, stop := context.WithTimeout(context.Background(), askTimeout)
	defer stop()
	return c.pipe.Call(ctx, "", "Target.setDiscoverTargets", map[string]any{"discover": true}, nil)
}

// heard ends a browser whose page has crashed: it would show that, and go on.
func (c *chromium) heard(cmd *exec.Cmd, e devtools.Event) {
	if e.Method == "Target.targetCrashed" && c.crashed.CompareAndSwap(false, true) {
		kill(cmd)
	}
}

// Why implements [screen].
func (c *chromium) Why() string {
	if c.crashed.Load() {
		return "its page crashed"
	}
	return c.process.Why()
}

// Refresh implements [screen].
func (c *chromium) Refresh(ctx context.Context) bool {
	if c.pipe == nil {
		return false
	}
	ctx, stop := context.WithTimeout(ctx, askTimeout)
	defer stop()
	return c.open(ctx) == nil
}

// open has the page go to where the screen begins.
func (c *chromium) open(ctx context.Context) error {
	page, err := c.page(ctx)
	if err != nil {
		return err
	}
	var attached struct{ SessionID string }
	err = c.pipe.Call(ctx, "", "Target.attachToTarget", map[string]any{"targetId": page, "flatten": true}, &attached)
	if err != nil {
		return err
	}
	var gone struct{ ErrorText string }
	if err := c.pipe.Call(ctx, attached.SessionID, "Page.navigate", map[string]any{"url": c.url}, &gone); err != nil {
		return err
	}
	if gone.ErrorText != "" {
		return errors.New(gone.ErrorText)
	}
	return c.pipe.Call(ctx, "", "Target.detachFromTarget", map[string]any{"sessionId": attached.SessionID}, nil)
}

// page is the browser's only page, which a browser that starts has soon. One that has
// more is better started anew.
func (c *chromium) page(ctx context.Context) (id string, err error) {
	for {
		var all struct {
			TargetInfos []struct{ TargetID, Type string }
		}
		if err := c.pipe.Call(ctx, "", "Target.getTargets", map[string]any{}, &all); err != nil {
			return "", err
		}
		for _, t := range all.TargetInfos {
			switch {
			case t.Type == "page" && id != "":
				return "", errors.New("the browser has several pages")
			case t.Type == "page":
				id = t.TargetID
			}
		}
		if id != "" {
			return id, nil
		}
		select {
		case <-time.After(pageStep):
		case <-ctx.Done():
			return "", fmt.Errorf("wait for the browser's page: %w", ctx.Err())
		}
	}
}

// Stop implements [screen].
func (c *chromium) Stop() {
	c.process.Stop()
	if c.pipe != nil {
		_ = c.pipe.Close()
		<-c.pipe.Done()
	}
}
