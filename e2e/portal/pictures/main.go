//go:build linux

// Command pictures takes a picture of every page of the operators' portal, in both themes
// and on a wide and a narrow screen, from a server that runs: for looking at, and for the
// README.
//
//	go run ./e2e/portal/pictures -invite LINK -out DIR [-site NAME] [-content NAME]
//
// LINK is the one-time link that a server prints at its first start, or `sitecast operator
// invite` does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/sitecast/sitecast/e2e/bench/command"
	"github.com/sitecast/sitecast/e2e/browser"
	"github.com/sitecast/sitecast/e2e/portal"
	"github.com/sitecast/sitecast/e2e/rig"
)

// settle is how long a page may move before it is taken: charts have to have something to show.
const settle = 2 * time.Second

// screens are those that pages are looked at on.
var screens = []struct {
	name string
	browser.Screen
}{
	{"light", browser.Screen{Width: 1440, Height: 900}},
	{"dark", browser.Screen{Width: 1440, Height: 900, Dark: true}},
	{"narrow", browser.Screen{Width: 360, Height: 740}},
}

func main() {
	invite := flag.String("invite", "", "link by which an account is made")
	out := flag.String("out", "pictures", "folder for the pictures")
	site := flag.String("site", "site-1", "site to look at")
	content := flag.String("content", "go-tree", "content to look at")
	flag.Parse()
	command.Main("pictures", func(ctx context.Context) error { return pictures(ctx, *invite, *out, *site, *content) })
}

func pictures(ctx context.Context, invite, out, site, content string) (err error) {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	profile, err := os.MkdirTemp("", "sitecast-pictures-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(profile)) }()
	p, err := portal.Open(ctx, invite, profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.End()) }()
	pages := map[string]string{"overview": "", "flows": "flows", "sites": "sites", "site": "sites/" + url.PathEscape(site), "endpoints": "endpoints",
		"contents": "contents", "content": "contents/" + url.PathEscape(content), "publish": "publish", "distribute": "contents/" + url.PathEscape(content) + "/distribute", "rollouts": "rollouts", "reports": "reports", "enrolment": "enrolment", "access": "access", "audit": "audit"}
	then := "?at=" + time.Now().Add(-20*time.Second).UTC().Format(time.RFC3339)
	pages["flows-past"], pages["site-past"] = "flows"+then, "sites/"+url.PathEscape(site)+then
	for _, screen := range screens {
		if err := p.Show(ctx, screen.Screen); err != nil {
			return err
		}
		for name, path := range pages {
			if err := picture(ctx, p, path, filepath.Join(out, name+"-"+screen.name+".png")); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

func picture(ctx context.Context, p *portal.Portal, path, file string) error {
	if err := p.Visit(ctx, path); err != nil {
		return err
	}
	if err := rig.Pause(ctx, settle); err != nil {
		return err
	}
	shot, err := p.Screenshot(ctx)
	if err != nil {
		return err
	}
	return os.WriteFile(file, shot, 0o644)
}
