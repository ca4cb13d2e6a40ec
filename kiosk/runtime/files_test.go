//go:build unix

package runtime_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/agent"
	"github.com/sitecast/sitecast/kiosk/activation"
	"github.com/sitecast/sitecast/kiosk/runtime"
)

func TestJournalIsKeptInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "kiosk-app.json")
	f := runtime.JournalFile(path)
	j, err := f.Load("app")
	if err != nil || j.App != "app" {
		t.Fatalf("%+v, %v", j, err)
	}
	j.Failed = []activation.Failure{{Reason: "bad"}}
	if err := f.Save(j); err != nil {
		t.Fatal(err)
	}
	got, err := f.Load("app")
	if j.Good, j.History = got.Good, got.History; err != nil || !reflect.DeepEqual(got, j) {
		t.Errorf("%+v, %v; want %+v", got, err, j)
	}
	for _, text := range []string{"{", strings.Repeat(" ", activation.MaxJournalBytes+1)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Load("app"); err == nil {
			t.Errorf("%.10q was read", text)
		}
	}
}

func TestProbesAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/good" {
			http.Error(w, "no", http.StatusNotFound)
		}
	}))
	defer server.Close()
	for text, want := range map[string]string{
		"http:/good": "", "http:/bad": "answers 404", "alive": "",
		"exec:test -n \"$SITECAST_URL\"": "", "exec:echo it is broken; exit 1": "exit status 1: it is broken",
	} {
		var p runtime.Probing
		if err := p.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		err := runtime.AskIt(t.Context(), p, server.URL)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{"", "http:", "http:x", "exec:", "exec: ", "alive:x", "ftp:/"} {
		if err := new(runtime.Probing).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken for a probe", text)
		}
	}
}

func TestHookThatSaysNotNowIsToldFromOneThatFails(t *testing.T) {
	for line, want := range map[string]activation.HookEnded{
		"echo yes":           {Output: "yes"},
		"echo busy; exit 75": {Output: "busy", Err: "exit status 75", Later: true},
		"exit 1":             {Err: "exit status 1"},
	} {
		want.Hook = activation.HookBefore
		if got := runtime.Asked(t.Context(), runtime.Config{Before: line, HookTime: time.Minute}); got != want {
			t.Errorf("%s: %+v, want %+v", line, got, want)
		}
	}
}

func TestCommandLinesThatCanNotBeAreRefused(t *testing.T) {
	good := runtime.Command{App: "app", Listen: "127.0.0.1:0", HookTime: time.Minute, Keep: 2,
		Agent: agent.Command{Server: "http://127.0.0.1:1", Data: t.TempDir(), Name: "till", LogLevel: "info"}}
	if cfg, err := good.Configure(); err != nil || cfg.Agent.Device != "kiosk" || cfg.Agent.Cache.Floor.Percent != 2 {
		t.Errorf("%+v, %v", cfg, err)
	}
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, bytes.Repeat([]byte{7}, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(c *runtime.Command){
		"--app":            func(c *runtime.Command) { c.App = "../x" },
		"--listen":         func(c *runtime.Command) { c.Listen = ":8088" },
		"--keep":           func(c *runtime.Command) { c.Keep = 0 },
		"--probe-time":     func(c *runtime.Command) { c.ProbeTime = -1 },
		"--watch-every":    func(c *runtime.Command) { c.Watch, c.Failures = "tell", 3 },
		"--hook-time":      func(c *runtime.Command) { c.HookTime = 0 },
		"--server":         func(c *runtime.Command) { c.Agent.Server = "sitecast" },
		"encrypt the disk": func(c *runtime.Command) { c.Agent.StoreKey.File = key },
	} {
		c := good
		change(&c)
		if _, err := c.Configure(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
