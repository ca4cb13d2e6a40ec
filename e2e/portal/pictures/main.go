//go:build linux

// Command pictures takes a picture of every page of the operators' portal, in both themes
// and on a wide and a narrow screen: for looking at, and for the README.
//
//	go run ./e2e/portal/pictures -demo bin/sitecast -out DIR [-readme web/portal/docs]
//	go run ./e2e/portal/pictures -invite LINK -out DIR [-site NAME] [-content NAME]
//
// With -demo it plays `sitecast demo` in a folder of its own, orders some more to its sites,
// so that there is something to see, and ends it. LINK is of a server that runs: the
// one-time link that it prints at its first start, or `sitecast operator invite` does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
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

// linger is how long the overview is looked at before it is taken for the README.
const linger = 20 * time.Second

// screens are those that pages are looked at on.
var screens = []struct {
	name string
	browser.Screen
}{
	{"light", browser.Screen{Width: 1440, Height: 900}},
	{"dark", browser.Screen{Width: 1440, Height: 900, Dark: true}},
	{"narrow", browser.Screen{Width: 360, Height: 740}},
}

// forReadme are the pictures that the README has.
var forReadme = []string{"overview-dark", "flows-light", "site-dark"}

// options are the flags.
type options struct {
	demo, source, invite, out, readme string
	site, content                     string
}

func main() {
	var o options
	flag.StringVar(&o.demo, "demo", "", "the program whose demo is played (in place of -invite)")
	flag.StringVar(&o.source, "source", "", "file or folder that the demo delivers (empty: its own choice)")
	flag.StringVar(&o.invite, "invite", "", "link by which an account is made at a server that runs")
	flag.StringVar(&o.out, "out", "pictures", "folder for the pictures")
	flag.StringVar(&o.readme, "readme", "", "folder for those that the README has, made small (empty: none)")
	flag.StringVar(&o.site, "site", "site-1", "site to look at")
	flag.StringVar(&o.content, "content", "go-tree", "content to look at")
	flag.Parse()
	command.Main("pictures", func(ctx context.Context) error {
		if (o.demo == "") == (o.invite == "") {
			return errors.New("want -demo or -invite: make pictures does the first")
		}
		return pictures(ctx, o)
	})
}

func pictures(ctx context.Context, o options) (err error) {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "sitecast-pictures-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.demo != "" {
		var stop func() error
		if o.invite, stop, err = play(ctx, o, filepath.Join(dir, "demo")); err != nil {
			return errors.Join(err, stop())
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	p, err := portal.Open(ctx, o.invite, filepath.Join(dir, "profile"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.End()) }()
	pages, err := pagesOf(ctx, p, o)
	if err != nil {
		return err
	}
	for _, screen := range screens {
		if err := p.Show(ctx, screen.Screen); err != nil {
			return err
		}
		for _, page := range pages {
			if err := picture(ctx, p, page, filepath.Join(o.out, page.name+"-"+screen.name+".png")); err != nil {
				return fmt.Errorf("%s: %w", page.name, err)
			}
		}
	}
	fmt.Printf("%d pages on %d screens are in %s\n", len(pages), len(screens), o.out)
	return shrinkAll(o)
}

func picture(ctx context.Context, p *portal.Portal, at page, file string) error {
	if err := p.Visit(ctx, at.path); err != nil {
		return err
	}
	wait := settle
	if at.path == "" {
		wait = linger
	}
	if err := rig.Pause(ctx, wait); err != nil {
		return err
	}
	shot, err := p.Screenshot(ctx)
	if err != nil {
		return err
	}
	return os.WriteFile(file, shot, 0o644)
}
