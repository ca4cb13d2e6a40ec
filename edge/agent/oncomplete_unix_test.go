//go:build unix

package agent

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// The commands are real processes, so this runs in real time.
func TestCommandRunsOnceForEachVersionAndAgainWhenItWasCutShort(t *testing.T) {
	t.Setenv("SITECAST_PROXY", "http://me:secret@proxy:3128")
	var log strings.Builder
	cfg := Config{Data: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))}
	ran, begun := filepath.Join(cfg.Data, "ran"), filepath.Join(cfg.Data, "begun")
	if err := syscall.Mkfifo(begun, 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	cfg.OnComplete, err = parseOnComplete([]string{
		fmt.Sprintf(`app=echo "$SITECAST_CONTENT $SITECAST_VERSION $SITECAST_PATH $SITECAST_URL $SITECAST_PROXY" >> %s; echo done`, ran),
		fmt.Sprintf(`slow=echo begun > %s; sleep 60`, begun), "bad=exit 3"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	one, two := content.Head{Name: "app", Version: "1"}, content.Head{Name: "app", Version: "2"}
	h := newHooks(cfg, "0.0.0.0:8099")
	h.complete(content.VersionID{1}, one)
	h.complete(content.VersionID{1}, one)
	h.complete(content.VersionID{3}, content.Head{Name: "bad", Version: "1"})
	h.complete(content.VersionID{4}, content.Head{Name: "other", Version: "1"})
	for h.next(t.Context()) {
	}
	h = newHooks(cfg, "0.0.0.0:8099") // a restart
	h.complete(content.VersionID{1}, one)
	h.complete(content.VersionID{2}, two)
	h.complete(content.VersionID{3}, content.Head{Name: "bad", Version: "1"})
	for h.next(t.Context()) {
	}
	h.complete(content.VersionID{5}, content.Head{Name: "slow", Version: "1"})
	for range 2 { // the agent stops meanwhile, and runs it again
		ctx, stop := context.WithCancel(t.Context())
		go func() {
			if text, err := os.ReadFile(begun); string(text) != "begun\n" {
				t.Errorf("the command wrote %q, %v", text, err)
			}
			stop()
		}()
		if h.next(ctx) {
			t.Error("what was stopped counts as done")
		}
		h = newHooks(cfg, "0.0.0.0:8099")
		h.complete(content.VersionID{5}, content.Head{Name: "slow", Version: "1"})
	}
	text, err := os.ReadFile(ran)
	if err != nil {
		t.Fatal(err)
	}
	line := func(v string) string {
		return fmt.Sprintf("app %s %s http://127.0.0.1:8099/c/app/%s/ \n", v, filepath.Join(cfg.Data, "content", "app", v), v)
	}
	if got, want := string(text), line("1")+line("2"); got != want {
		t.Errorf("ran %q\nwant %q", got, want)
	}
	if got := log.String(); strings.Count(got, "output=done") != 2 || strings.Count(got, "command failed") != 3 {
		t.Errorf("log:\n%s", got)
	}
}
