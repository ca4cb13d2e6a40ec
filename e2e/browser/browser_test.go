//go:build linux

package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/browser"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// launch starts a browser that ends with the test.
func launch(t *testing.T) *browser.Chromium {
	t.Helper()
	if _, err := exec.LookPath(browser.Program); err != nil {
		t.Skip("no Chromium here: .ci/install installs it")
	}
	c, err := browser.Launch(exec.Command, t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestPageIsOpenedAskedAndClosed(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<!doctype html><title>till</title>"))
	}))
	defer srv.Close()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	c := launch(t)
	p, err := c.Open(ctx, srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	title := ""
	script := "new Promise((r) => { const look = () => document.title ? r(document.title) : setTimeout(look, 10); look() })"
	if err := p.Eval(ctx, script, &title); err != nil || title != "till" {
		t.Fatalf("the page is called %q, %v", title, err)
	}
	if err := p.Eval(ctx, "none.such()", nil); err == nil || !strings.Contains(err.Error(), "none is not defined") {
		t.Errorf("a mistake in the page was told as %v", err)
	}
	if shot, err := p.Screenshot(ctx); err != nil || len(shot) < 100 {
		t.Errorf("screenshot of %d bytes, %v", len(shot), err)
	}
	if err := p.Reload(ctx); err != nil {
		t.Error(err)
	}
	if err := p.Close(ctx); err != nil {
		t.Error(err)
	}
}

// The page's worker holds memory that is none of the page's own script.
func TestMemoryOfWorkersCountsAndATabBehindAnotherIsHidden(t *testing.T) {
	const held = 8 << 20
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/worker.js" {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = fmt.Fprintf(w, "self.kept = new Uint8Array(%d).fill(1); postMessage(0)", held)
			return
		}
		_, _ = w.Write([]byte("<!doctype html><script>globalThis.up = new Promise((r) => { new Worker('/worker.js').onmessage = r }).then(() => true)</script>"))
	}))
	defer srv.Close()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	c := launch(t)
	p, err := c.Open(ctx, srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	up := false
	script := "new Promise((r) => { const look = () => globalThis.up ? r(up) : setTimeout(look, 10); look() })"
	if err := p.Eval(ctx, script, &up); err != nil || !up {
		t.Fatalf("the worker is up: %v, %v", up, err)
	}
	if m, err := p.Memory(ctx); err != nil || m.Buffers < held || m.Objects == 0 {
		t.Errorf("page and worker hold %+v, %v", m, err)
	}
	front, err := c.Open(ctx, srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := front.Front(ctx); err != nil {
		t.Error(err)
	}
	state := ""
	if err := p.Eval(ctx, "document.visibilityState", &state); err != nil || state != "hidden" {
		t.Errorf("the tab behind is %q, %v", state, err)
	}
	if used, err := c.CPU(ctx); err != nil || used == 0 {
		t.Errorf("the browser used %v, %v", used, err)
	}
}
