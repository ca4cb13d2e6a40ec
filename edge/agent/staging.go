package agent

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/sitecast/sitecast/edge/clock"
	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/edge/staging"
	"github.com/sitecast/sitecast/storage/durable"
)

// Files in the data folder: what is not to be used yet, and what time it was by the server.
const (
	stagedName = "staged.json"
	clockName  = "clock.json"
)

// lookInterval is how often what is kept of the time follows the clocks of the device.
const lookInterval = time.Minute

// newStaging joins what is staged to its file. One that can't be read is as if nothing was
// held: the server says it again.
func newStaging(cfg Config) *engine.Staging {
	path := filepath.Join(cfg.Data, stagedName)
	out := &engine.Staging{Save: func(m staging.Memory) error {
		text, err := m.Encode()
		if err != nil {
			return err
		}
		return durable.WriteFile(path, text, 0o600)
	}}
	text, err := durable.ReadFile(path, staging.MaxMemoryBytes)
	if err == nil {
		out.Memory, err = staging.Parse(text)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		cfg.Log.Error("which versions are held is not known until the server says so", "err", err)
	}
	return out
}

// newClock joins the server's time to its file.
func newClock(cfg Config) *clock.Clock {
	path := filepath.Join(cfg.Data, clockName)
	var kept clock.Mark
	text, err := durable.ReadFile(path, clock.MaxMarkBytes)
	if err == nil {
		kept, err = clock.Parse(text)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		cfg.Log.Warn("what time it is by the server is not known until it is heard", "err", err)
	}
	read := cfg.Clock
	if read == nil {
		read = clock.Device
	}
	return clock.New(kept, read, func(m clock.Mark) error {
		text, err := json.Marshal(m)
		if err != nil {
			return err
		}
		return durable.WriteFile(path, text, 0o600)
	})
}

// heard takes in the server's time, as the socket that was just opened told it.
func (a *agent) heard() { warnOf(a.cfg.Log, a.clock.Heard(a.link.Now())) }

// keepTime follows the clocks of the device until ctx ends.
func (a *agent) keepTime(ctx context.Context) error {
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			warnOf(a.cfg.Log, a.clock.Look())
		}
	}
}

func warnOf(log *slog.Logger, err error) {
	if err != nil {
		log.Warn("what time it is by the server is not kept", "err", err)
	}
}
