//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
)

// good is content to publish, as version 1.
type good struct {
	name string
	size int64
}

// lasting is how long the content of a cell lasts at the full rate of the link.
const lasting = 85 * time.Second

// content is what a cell distributes.
func (c cell) content() []good {
	return []good{{fmt.Sprintf("harm-%dmbit", c.mbit), int64(netlab.Backlog(c.rate(), lasting))}}
}

// goods is a server's folder with content published in it, for others to clone:
// publishing takes longer than building a network.
type goods struct {
	exe    string
	folder string
}

// publish returns a server's folder in which the content is published. There is one
// for each build and content, made when it is first needed.
func (b *bench) publish(ctx context.Context, content []good) (*goods, error) {
	folder := filepath.Join(temporary(), "goods-"+b.build)
	for _, g := range content {
		folder += fmt.Sprintf("-%s-%d", g.name, g.size)
	}
	g := &goods{b.exe, folder}
	if _, err := os.Stat(folder); err == nil {
		return g, nil
	}
	b.Progress("publishing %d MB, once for this build", content[0].size*int64(len(content))/1e6)
	if err := b.sweep(); err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp(temporary(), "publishing-")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(b.fill(ctx, work, content)); err != nil {
		return nil, errors.Join(err, os.RemoveAll(work))
	}
	return g, os.Rename(work, folder)
}

// sweep removes what was published for other builds, or only half.
func (b *bench) sweep() error {
	var stale []string
	for _, pattern := range []string{"goods-*", "publishing-*"} {
		found, err := filepath.Glob(filepath.Join(temporary(), pattern))
		if err != nil {
			return err
		}
		for _, path := range found {
			if own, _ := filepath.Match("goods-"+b.build+"-*", filepath.Base(path)); !own {
				stale = append(stale, path)
			}
		}
	}
	var err error
	for _, path := range stale {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

// fill publishes content at a server of its own, at the address that every lab's
// server has.
func (b *bench) fill(ctx context.Context, folder string, content []good) (err error) {
	lab, err := netlab.Start(netlab.Plan{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lab.Close()) }()
	in, err := rig.Start(ctx, lab, b.exe, folder, rig.TLS)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	for i, g := range content {
		path := filepath.Join(folder, g.name)
		if _, err := rig.Random(path, g.size, [32]byte{byte(i)}); err != nil {
			return err
		}
		if err := errors.Join(in.Publish(ctx, path, g.name, "1"), os.Remove(path)); err != nil {
			return err
		}
	}
	return nil
}

// clone copies the server's folder. Packs never change and are only linked.
func (g *goods) clone(to string) error {
	return filepath.WalkDir(g.folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(g.folder, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		switch within, _ := filepath.Rel(filepath.Join("server", "packs"), name); {
		case d.IsDir():
			return os.MkdirAll(target, 0o700)
		case filepath.IsLocal(within):
			return os.Link(path, target)
		case filepath.Ext(name) == ".log":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o600)
	})
}
