// Package runtime is a kiosk: an agent, what decides which version of a content is
// active (package activation), what serves it to the screen, and the screen. One loop
// owns the state of the activation; hooks, probes, files and the agent come to it as
// events. Before it does anything its journal is on the disk, and from that a kiosk
// begins: without a network, and before the agent has said a word, the screen shows what
// it showed last.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sitecast/sitecast/edge/agent"
	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/edge/loopback"
	"github.com/sitecast/sitecast/kiosk/activation"
	"github.com/sitecast/sitecast/kiosk/display"
	"github.com/sitecast/sitecast/kiosk/serve"
)

// Config is what a kiosk is made of.
type Config struct {
	App      string // the content
	Policy   activation.Policy
	Before   string        // command asked before a version becomes active; empty: nobody is
	After    string        // command told when one was kept or taken back; empty: nobody is
	HookTime time.Duration // that a hook may take
	Probe    Probing
	Listen   string   // address of the page, on loopback
	Hosts    []string // further names of this host that may be asked for
	Display  string   // what is on the screen, as package display has it
	Agent    agent.Config
	Log      *slog.Logger
}

// agentAgain is when an agent that could not go on is started again, while the screen
// shows what there is.
const agentAgain = time.Minute

// Run runs the kiosk until ctx ends; then everything it started has returned.
func Run(ctx context.Context, cfg Config) error {
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen for the screen (choose another --listen): %w", err)
	}
	url := "http://" + l.Addr().String()
	k := New(Parts{Config: cfg, Journal: journalFile{journalPath(cfg)}, Content: filepath.Join(cfg.Agent.Data, "content"), URL: url})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return k.Run(ctx) })
	group.Go(func() error {
		return loopback.Serve(ctx, l, serve.Handler(serve.Options{Source: k.Slot(), Hosts: cfg.Hosts, Status: k, Progress: k.progress, Log: cfg.Log}))
	})
	group.Go(func() error {
		return display.Run(ctx, display.Options{Command: cfg.Display, URL: url + "/", Profile: filepath.Join(cfg.Agent.Data, "display"),
			Source: k.Slot(), Log: cfg.Log, OnChange: k.displayed, Anew: k.anew})
	})
	group.Go(func() error { return runAgent(ctx, cfg, k) })
	cfg.Log.Info("kiosk runs", "content", cfg.App, "url", url)
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// runAgent keeps an agent running: what is active is shown also where none can.
func runAgent(ctx context.Context, cfg Config, k *Kiosk) error {
	cfg.Agent.User = k
	for {
		err := agent.Run(ctx, cfg.Agent)
		if ctx.Err() != nil {
			return nil
		}
		if _, active := k.Slot().Active(); !active {
			return err
		}
		cfg.Log.Error("the agent ended; what is active stays on the screen", "err", err, "again_in", agentAgain)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(agentAgain):
		}
	}
}

var _ engine.User = (*Kiosk)(nil)
