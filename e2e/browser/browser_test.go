//go:build linux

package browser_test

import (
	"context"
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

func TestPageIsOpenedAskedAndClosed(t *testing.T) {
	if _, err := exec.LookPath(browser.Program); err != nil {
		t.Skip("no Chromium here: .ci/install installs it")
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<!doctype html><title>till</title>"))
	}))
	defer srv.Close()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	c, err := browser.Launch(exec.Command, t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
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
