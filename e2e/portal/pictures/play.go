//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"

	"github.com/sitecast/sitecast/e2e/portal"
	"github.com/sitecast/sitecast/e2e/rig"
)

var (
	address    = regexp.MustCompile(`Starting a server on (\S+)`)
	invitation = regexp.MustCompile(`https?://\S+/invite\?token=\S+`)
)

// more is ordered to the demo's sites: something that moves as long as pictures are taken,
// something that stands still, and a rollout.
var more = [][]string{
	{"cap", "--site", "site-1", "--wan", "3mbit"},
	{"cap", "--site", "site-2", "--wan", "2mbit"},
	{"distribute", "till-app@2.1", "--all"},
	{"distribute", "price-list@47", "--all", "--ring", "canary=name:site-1; soak 24h", "--ring", "rest=rest; at-once 50"},
	{"distribute", "film@3", "--site", "site-2"},
	{"pause", "--site", "site-2", "--content", "film"},
}

// patience is how long a demo may take: it makes ten thousand files at each of eight endpoints.
const patience = 5 * time.Minute

// delivered waits until a demo invites to its portal, and returns what it said until then.
func delivered(ctx context.Context, said string) ([]byte, error) {
	ctx, stop := context.WithTimeoutCause(ctx, patience, fmt.Errorf("the demo did not deliver within %v", patience))
	defer stop()
	for {
		text, err := os.ReadFile(said)
		if err != nil || invitation.Match(text) {
			return text, err
		}
		if err := rig.Pause(ctx, time.Second); err != nil {
			return nil, err
		}
	}
}

// play plays the demo, and orders more to its sites. It returns the link of an invitation,
// and what ends the demo, also where there is an error.
func play(ctx context.Context, o options, dir string) (invite string, stop func() error, err error) {
	stop = func() error { return nil }
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", stop, err
	}
	args := []string{"demo", "--dir", dir}
	if o.source != "" {
		args = append(args, "--content", o.source)
	}
	said := filepath.Join(dir, "demo.log")
	demo, err := rig.Launch(exec.Command(o.demo, args...), said)
	if err != nil {
		return "", stop, err
	}
	stop = demo.Stop
	text, err := delivered(ctx, said)
	if err != nil {
		return "", stop, fmt.Errorf("%w\n%s", err, demo.Log())
	}
	at := address.FindSubmatch(text)
	if at == nil {
		return "", stop, errors.New("the demo does not say where its server is")
	}
	stand := &portal.Stand{Exe: o.demo, Dir: dir, Addr: string(at[1])}
	for _, c := range []struct {
		name, version string
		bytes         int64
	}{{"till-app", "2.1", 96 << 20}, {"price-list", "47", 1 << 20}, {"film", "3", 48 << 20}} {
		if err := stand.Publish(ctx, c.name, c.version, c.bytes); err != nil {
			return "", stop, err
		}
	}
	for _, command := range more {
		if _, err := stand.Run(ctx, command...); err != nil {
			return "", stop, err
		}
	}
	return string(invitation.Find(text)), stop, nil
}
