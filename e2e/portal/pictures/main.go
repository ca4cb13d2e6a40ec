//go:build linux

// Command pictures takes a picture of every page of the operators' portal, in both themes
// and on a wide and a narrow screen, from a server that runs: for looking at, and for the
// README. It also says what pages wrote to the console, and which policy they broke.
//
//	go run ./e2e/portal/pictures -invite LINK -out DIR [-site NAME] [-content NAME]
//
// LINK is the one-time link that a server prints at its first start, or `sitecast operator
// invite` does.
package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/sitecast/sitecast/e2e/bench/command"
	"github.com/sitecast/sitecast/e2e/browser"
)

const (
	// settle is how long a page may take to show what it asks for.
	settle = 2 * time.Second
	// password is that of the account that is made.
	password = "four words in a row"
)

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
	link, err := url.Parse(invite)
	if err != nil || link.Host == "" {
		return fmt.Errorf("-invite %q is no link", invite)
	}
	pin, err := pinOf(link)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	profile, err := os.MkdirTemp("", "sitecast-pictures-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(profile)) }()
	chromium, err := browser.Launch(func(name string, args ...string) *exec.Cmd { return exec.CommandContext(ctx, name, args...) }, profile, pin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, chromium.Close()) }()
	page, err := enter(ctx, chromium, invite)
	if err != nil {
		return err
	}
	base := link.Scheme + "://" + link.Host + "/portal/"
	pages := map[string]string{"overview": "", "flows": "flows", "sites": "sites", "site": "sites/" + url.PathEscape(site), "endpoints": "endpoints",
		"contents": "contents", "content": "contents/" + url.PathEscape(content), "audit": "audit"}
	for _, screen := range screens {
		if err := page.Show(ctx, screen.Screen); err != nil {
			return err
		}
		for name, path := range pages {
			if err := picture(ctx, page, base+path, filepath.Join(out, name+"-"+screen.name+".png")); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// enter accepts an invitation, as its person would.
func enter(ctx context.Context, chromium *browser.Chromium, invite string) (*browser.Page, error) {
	page, err := chromium.Open(ctx, invite)
	if err != nil {
		return nil, err
	}
	if err := wait(ctx, settle); err != nil {
		return nil, err
	}
	for _, field := range []struct{ name, text string }{{"name", "anna"}, {"password", password}} {
		if err := page.Eval(ctx, fmt.Sprintf(`document.querySelector('input[name="%s"]').focus()`, field.name), nil); err != nil {
			return nil, err
		}
		if err := page.Type(ctx, field.text); err != nil {
			return nil, err
		}
	}
	if err := page.Eval(ctx, `document.querySelector('main form button').click()`, nil); err != nil {
		return nil, err
	}
	return page, wait(ctx, settle)
}

func picture(ctx context.Context, page *browser.Page, at, file string) error {
	if err := page.Go(ctx, at); err != nil {
		return err
	}
	if err := wait(ctx, settle); err != nil {
		return err
	}
	var wide bool
	if err := page.Eval(ctx, `document.documentElement.scrollWidth > document.documentElement.clientWidth`, &wide); err != nil {
		return err
	}
	if wide {
		fmt.Printf("%s: wider than its screen\n", file)
	}
	shot, err := page.Screenshot(ctx)
	if err != nil {
		return err
	}
	return os.WriteFile(file, shot, 0o644)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pinOf is the digest of the key of a server's certificate, which the browser takes then.
func pinOf(link *url.URL) (string, error) {
	if link.Scheme != "https" {
		return "", nil
	}
	conn, err := tls.Dial("tcp", link.Host, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // its key is what is asked for
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(conn.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:]), conn.Close()
}
