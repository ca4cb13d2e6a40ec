//go:build linux

// Package browser drives Chromium over its debugging pipe (package devtools): it opens
// pages and asks what they show. Stories stand real pages on a network of namespaces with it.
package browser

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sitecast/sitecast/kiosk/devtools"
)

// flags keep Chromium from everything but the page.
var flags = []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
	"--disable-component-update", "--disable-sync", devtools.Flag}

// loadStep is how often a page that is being loaded is asked again.
const loadStep = 50 * time.Millisecond

// killAfter is how long a browser may take to end.
const killAfter = 5 * time.Second

// Program is the name of the browser.
const Program = "chromium"

// Chromium is one browser with a profile of its own.
type Chromium struct {
	cmd  *exec.Cmd
	pipe *devtools.Pipe

	// mu guards the rest.
	mu        sync.Mutex
	workers   map[string][]string             // sessions of the workers that a page has, by the page's
	listeners map[string]func(devtools.Event) // by session
}

// Launch starts a browser. Command makes the process, on whatever network it is for;
// profile is the folder in which it keeps what pages store; pins are digests, in base64,
// of the keys of certificates that it takes though no authority it knows vouches for them;
// further flags go to the browser.
func Launch(command func(name string, args ...string) *exec.Cmd, profile, pins string, more ...string) (*Chromium, error) {
	args := append(append([]string{}, flags...), "--user-data-dir="+profile, "--ignore-certificate-errors-spki-list="+pins)
	args = append(append(args, more...), "about:blank")
	c := &Chromium{cmd: command(Program, args...), workers: map[string][]string{}, listeners: map[string]func(devtools.Event){}}
	var err error
	c.pipe, err = devtools.Start(c.cmd, c.heard)
	return c, err
}

// listen has events of a session told to somebody; nil ends that.
func (c *Chromium) listen(session string, heard func(devtools.Event)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listeners[session] = heard
}

// heard notes which workers pages have, and tells who listens.
func (c *Chromium) heard(e devtools.Event) {
	c.mu.Lock()
	told := c.listeners[e.Session]
	c.mu.Unlock()
	if told != nil {
		told(e)
	}
	var of struct{ SessionID string }
	if json.Unmarshal(e.Params, &of) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e.Method {
	case "Target.attachedToTarget":
		c.workers[e.Session] = append(c.workers[e.Session], of.SessionID)
	case "Target.detachedFromTarget":
		c.workers[e.Session] = slices.DeleteFunc(c.workers[e.Session], func(s string) bool { return s == of.SessionID })
	}
}

// Close ends the browser, politely at first so that it keeps what its pages stored.
func (c *Chromium) Close() error {
	ctx, stop := context.WithTimeout(context.Background(), killAfter)
	defer stop()
	err := c.pipe.Call(ctx, "", "Browser.close", map[string]any{}, nil)
	select {
	case <-c.pipe.Done():
		err = nil
	case <-ctx.Done():
	}
	if err != nil {
		_ = c.cmd.Process.Kill()
	}
	_ = c.pipe.Close()
	_ = c.cmd.Wait() // how it ended does not matter
	<-c.pipe.Done()
	return err
}

// SaveTo has the browser keep in a folder what pages offer to be saved, without asking.
func (c *Chromium) SaveTo(ctx context.Context, folder string) error {
	return c.pipe.Call(ctx, "", "Browser.setDownloadBehavior", map[string]any{"behavior": "allow", "downloadPath": folder}, nil)
}

// Page is one tab.
type Page struct {
	c               *Chromium
	session, target string
}

// Open opens a tab at an address.
func (c *Chromium) Open(ctx context.Context, url string) (*Page, error) {
	return c.open(ctx, map[string]any{"url": url})
}

// Apart is Open as for somebody else: the tab shares no cookies, stores and workers with
// those that were opened before.
func (c *Chromium) Apart(ctx context.Context, url string) (*Page, error) {
	var made struct{ BrowserContextID string }
	if err := c.pipe.Call(ctx, "", "Target.createBrowserContext", map[string]any{}, &made); err != nil {
		return nil, err
	}
	return c.open(ctx, map[string]any{"url": url, "browserContextId": made.BrowserContextID})
}

func (c *Chromium) open(ctx context.Context, how map[string]any) (*Page, error) {
	var made struct{ TargetID string }
	if err := c.pipe.Call(ctx, "", "Target.createTarget", how, &made); err != nil {
		return nil, err
	}
	var attached struct{ SessionID string }
	err := c.pipe.Call(ctx, "", "Target.attachToTarget", map[string]any{"targetId": made.TargetID, "flatten": true}, &attached)
	return &Page{c: c, session: attached.SessionID, target: made.TargetID}, err
}

// Eval runs an expression in the page, waits if it is a promise, and reads its value. A
// page that is just being loaded is asked again.
func (p *Page) Eval(ctx context.Context, expression string, value any) error {
	for {
		err := p.eval(ctx, expression, value)
		if err == nil || !strings.Contains(err.Error(), "context") || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(loadStep):
		case <-ctx.Done():
		}
	}
}

func (p *Page) eval(ctx context.Context, expression string, value any) error {
	var got struct {
		Result    struct{ Value json.RawMessage }
		Exception *struct {
			Text      string
			Exception struct{ Description string }
		} `json:"exceptionDetails"`
	}
	err := p.c.pipe.Call(ctx, p.session, "Runtime.evaluate",
		map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &got)
	switch {
	case err != nil:
		return err
	case got.Exception != nil:
		return fmt.Errorf("in the page: %s %s", got.Exception.Text, got.Exception.Exception.Description)
	case value == nil || got.Result.Value == nil:
		return nil
	}
	return json.Unmarshal(got.Result.Value, value)
}

// Reload loads the page anew.
func (p *Page) Reload(ctx context.Context) error {
	return p.c.pipe.Call(ctx, p.session, "Page.reload", map[string]any{}, nil)
}

// Go loads an address in the tab, as a link on the page would.
func (p *Page) Go(ctx context.Context, url string) error {
	return p.c.pipe.Call(ctx, p.session, "Page.navigate", map[string]any{"url": url}, nil)
}

// SetQuota bounds what pages of a web origin may store, bytes; 0 takes the bound away.
func (p *Page) SetQuota(ctx context.Context, origin string, bytes int64) error {
	params := map[string]any{"origin": origin}
	if bytes > 0 {
		params["quotaSize"] = bytes
	}
	return p.c.pipe.Call(ctx, p.session, "Storage.overrideQuotaForOrigin", params, nil)
}

// Evict removes all that pages of a web origin have stored, while they are open.
func (p *Page) Evict(ctx context.Context, origin string) error {
	return p.c.pipe.Call(ctx, p.session, "Storage.clearDataForOrigin", map[string]any{"origin": origin, "storageTypes": "all"}, nil)
}

// Close closes the tab.
func (p *Page) Close(ctx context.Context) error {
	return p.c.pipe.Call(ctx, "", "Target.closeTarget", map[string]any{"targetId": p.target}, nil)
}

// Screenshot is the page as a PNG.
func (p *Page) Screenshot(ctx context.Context) ([]byte, error) {
	var shot struct{ Data string }
	if err := p.c.pipe.Call(ctx, p.session, "Page.captureScreenshot", map[string]any{"format": "png"}, &shot); err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(shot.Data)
}

// Screen is what a page is told of the screen it is on.
type Screen struct {
	Width, Height int // CSS pixels
	Dark          bool
	Calm          bool // its user wants reduced motion
}

// Show has the page on another screen.
func (p *Page) Show(ctx context.Context, s Screen) error {
	size := map[string]any{"width": s.Width, "height": s.Height, "deviceScaleFactor": 1, "mobile": false}
	if err := p.c.pipe.Call(ctx, p.session, "Emulation.setDeviceMetricsOverride", size, nil); err != nil {
		return err
	}
	feature := func(name, value string) map[string]string { return map[string]string{"name": name, "value": value} }
	features := []map[string]string{feature("prefers-color-scheme", "light"), feature("prefers-reduced-motion", "no-preference")}
	if s.Dark {
		features[0]["value"] = "dark"
	}
	if s.Calm {
		features[1]["value"] = "reduce"
	}
	return p.c.pipe.Call(ctx, p.session, "Emulation.setEmulatedMedia", map[string]any{"features": features}, nil)
}

// Type writes text where the focus is, as by keyboard.
func (p *Page) Type(ctx context.Context, text string) error {
	return p.c.pipe.Call(ctx, p.session, "Input.insertText", map[string]any{"text": text}, nil)
}

// First runs a script in every page that the tab loads from now on, before the page's own.
func (p *Page) First(ctx context.Context, script string) error {
	if err := p.c.pipe.Call(ctx, p.session, "Page.enable", map[string]any{}, nil); err != nil {
		return err
	}
	return p.c.pipe.Call(ctx, p.session, "Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": script}, nil)
}

// Press presses a key, such as Enter or k, held with Ctrl where that is asked for.
func (p *Page) Press(ctx context.Context, key string, ctrl bool) error {
	held := 0
	if ctrl {
		held = 2
	}
	for _, kind := range []string{"keyDown", "keyUp"} {
		event := map[string]any{"type": kind, "key": key, "modifiers": held}
		if kind == "keyDown" && key == "Enter" {
			event["text"] = "\r"
		}
		if err := p.c.pipe.Call(ctx, p.session, "Input.dispatchKeyEvent", event, nil); err != nil {
			return err
		}
	}
	return nil
}
