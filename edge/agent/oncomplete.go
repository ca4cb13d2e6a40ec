package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/edge/hook"
	"github.com/sitecast/sitecast/edge/loopback"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/durable"
)

const (
	// completedName is the file in the data folder that says for which versions the
	// command ran.
	completedName = "completed.json"
	// maxCompleted is how many it names, the newest: more than an endpoint holds.
	maxCompleted      = 512
	maxCompletedBytes = 64 << 10
)

// OnComplete are commands by the content whose versions they are for, as this computer's
// own configuration has them. What is delivered has no say in it.
type OnComplete struct {
	Commands map[string]string
	Time     time.Duration // that one may take
}

// parseOnComplete reads NAME=COMMAND.
func parseOnComplete(given []string, limit time.Duration) (OnComplete, error) {
	out := OnComplete{map[string]string{}, limit}
	for _, g := range given {
		name, command, _ := strings.Cut(g, "=")
		switch err := content.CheckName(name); {
		case err != nil:
			return out, fmt.Errorf("--on-complete %.60q: %w", g, err)
		case strings.TrimSpace(command) == "":
			return out, fmt.Errorf("--on-complete %.60q: it is NAME=COMMAND", g)
		case out.Commands[name] != "":
			return out, fmt.Errorf("--on-complete names %s twice: put both commands into a script", name)
		}
		out.Commands[name] = command
	}
	if len(given) > 0 && limit <= 0 {
		return out, fmt.Errorf("--on-complete-time %v: it has to be more than nothing", limit)
	}
	return out, nil
}

// hooks runs them, one at a time, once for each version that is complete: the file says
// afterwards that it did, so that a command which a crash or a stop cut short runs again.
type hooks struct {
	cfg  OnComplete
	dir  string // of the delivered content; empty where it is encrypted
	base string // URL of the same; empty where it is not served
	path string
	log  *slog.Logger
	wake chan struct{}

	// mu guards the rest.
	mu      sync.Mutex
	waiting []completed
	done    []content.VersionID // the newest last
	staged  []staged            // that wait for their instant
}

type completed struct {
	id   content.VersionID
	head content.Head
}

// newHooks is given the address at which content is served; empty: at none.
func newHooks(cfg Config, served string) *hooks {
	h := &hooks{cfg: cfg.OnComplete, path: filepath.Join(cfg.Data, completedName), log: cfg.Log, wake: make(chan struct{}, 1)}
	if cfg.StoreKey == nil {
		h.dir = filepath.Join(cfg.Data, "content")
	}
	if served != "" {
		h.base = "http://" + loopback.Reach(served) + "/c/"
	}
	if len(h.cfg.Commands) == 0 {
		return h
	}
	text, err := durable.ReadFile(h.path, maxCompletedBytes)
	if err == nil {
		h.done, err = parseCompleted(text)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		cfg.Log.Warn("for which versions a command ran is not known: it runs again", "err", err)
	}
	return h
}

// parseCompleted reads which versions are done.
func parseCompleted(text []byte) (ids []content.VersionID, err error) {
	if len(text) > maxCompletedBytes {
		return nil, fmt.Errorf("%s has more than %d bytes", completedName, maxCompletedBytes)
	}
	if err := json.Unmarshal(text, &ids); err != nil {
		return nil, fmt.Errorf("read %s: %w", completedName, err)
	}
	return ids[max(len(ids)-maxCompleted, 0):], nil
}

// complete takes in that a version is complete, also one that was so before this start.
// It does not block.
func (h *hooks) complete(id content.VersionID, head content.Head) {
	if h.cfg.Commands[head.Name] == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if slices.Contains(h.done, id) || slices.ContainsFunc(h.waiting, func(c completed) bool { return c.id == id }) {
		return
	}
	h.waiting = append(h.waiting, completed{id, head})
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// run runs what waits until ctx ends.
func (h *hooks) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.wake:
		case <-timer.C:
		}
		timer.Reset(h.ripen(time.Now()))
		for h.next(ctx) {
		}
	}
}

// next runs one command, and reports whether there may be more.
func (h *hooks) next(ctx context.Context) bool {
	h.mu.Lock()
	if len(h.waiting) == 0 || ctx.Err() != nil {
		h.mu.Unlock()
		return false
	}
	c := h.waiting[0]
	h.mu.Unlock()
	h.command(ctx, c.head)
	if ctx.Err() != nil {
		return false // it was cut short
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting = h.waiting[1:]
	h.done = append(h.done, c.id)
	h.done = h.done[max(len(h.done)-maxCompleted, 0):]
	text, err := json.Marshal(h.done)
	if err == nil {
		err = durable.WriteFile(h.path, text, 0o600)
	}
	if err != nil {
		h.log.Error("that a command ran is not written down: after a restart it runs again", "content", c.head.Ref().String(), "err", err)
	}
	return true
}

// command runs the command for a version; what became of it is in the log.
func (h *hooks) command(ctx context.Context, head content.Head) {
	begun := time.Now()
	out, err := hook.Run(ctx, h.cfg.Commands[head.Name], h.cfg.Time, h.about(head)...)
	log := h.log.With("content", head.Ref().String(), "took", time.Since(begun).Round(time.Millisecond), "output", out)
	if err != nil {
		log.Error("command failed", "err", err)
		return
	}
	log.Info("command ran")
}

// about says in variables what is complete.
func (h *hooks) about(head content.Head) []string {
	env := []string{"SITECAST_CONTENT=" + head.Name, "SITECAST_VERSION=" + head.Version}
	if h.dir != "" {
		env = append(env, "SITECAST_PATH="+filepath.Join(h.dir, head.Name, head.Version))
	}
	if h.base != "" {
		env = append(env, "SITECAST_URL="+h.base+head.Name+"/"+head.Version+"/")
	}
	return env
}

// user has the hooks told what is delivered, beside who uses it, if anybody does.
func (h *hooks) user(of engine.User) engine.User {
	switch {
	case len(h.cfg.Commands) == 0:
		return of
	case of == nil:
		of = nobody{}
	}
	return listener{of, h}
}

type listener struct {
	engine.User
	hooks *hooks
}

func (l listener) Delivered(d engine.Delivered) {
	l.hooks.delivered(d, time.Now())
	l.User.Delivered(d)
}

// nobody uses what is delivered.
type nobody struct{}

func (nobody) Delivered(engine.Delivered) {}
func (nobody) Uses() engine.Uses          { return engine.Uses{} }
func (nobody) Changed() <-chan struct{}   { return nil }
