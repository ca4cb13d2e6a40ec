//go:build linux

// Package portal stands in front of the operators' portal as an operator does: with a real
// browser, at a real server. Its test does what each page is for and has axe look for what
// keeps people out; portal/pictures takes a picture of every page.
package portal

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"time"

	"github.com/sitecast/sitecast/e2e/browser"
	"github.com/sitecast/sitecast/e2e/rig"
)

// Password is that of the account which [Open] makes, and Name its name.
const (
	Name     = "anna" // where the invitation leaves it open
	Password = "four words in a row"
)

// Portal is a browser that is logged in.
type Portal struct {
	*browser.Page
	Base     string // address of the overview
	chromium *browser.Chromium
}

// noting keeps what a page does wrong where it can be asked for.
const noting = `window.wrong = []
addEventListener('error', (e) => wrong.push(String(e.message)))
addEventListener('unhandledrejection', (e) => wrong.push(String(e.reason)))
addEventListener('securitypolicyviolation', (e) => wrong.push(e.violatedDirective + ' ' + e.blockedURI))`

// Open starts a browser with a profile of its own and accepts an invitation, as its person
// would, which leads to the portal.
func Open(ctx context.Context, invite, profile string) (_ *Portal, err error) {
	link, err := url.Parse(invite)
	if err != nil || link.Host == "" {
		return nil, fmt.Errorf("%q is no link of an invitation", invite)
	}
	pin, err := pinOf(link)
	if err != nil {
		return nil, err
	}
	p := &Portal{Base: link.Scheme + "://" + link.Host + "/portal/"}
	p.chromium, err = browser.Launch(func(name string, args ...string) *exec.Cmd { return exec.CommandContext(ctx, name, args...) }, profile, pin)
	if err != nil {
		return nil, err
	}
	if p.Page, err = p.chromium.Open(ctx, invite); err == nil {
		err = p.enter(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.End())
	}
	return p, nil
}

// As accepts an invitation as somebody else, in a tab that knows nothing of the others.
func (p *Portal) As(ctx context.Context, invite string) (*Portal, error) {
	page, err := p.chromium.Apart(ctx, invite)
	if err != nil {
		return nil, err
	}
	other := &Portal{Page: page, Base: p.Base, chromium: p.chromium}
	return other, other.enter(ctx)
}

// Browser is the browser with the portal in it.
func (p *Portal) Browser() *browser.Chromium { return p.chromium }

// Tab opens another tab at a page of the portal.
func (p *Portal) Tab(ctx context.Context, path string) (*Portal, error) {
	page, err := p.chromium.Open(ctx, p.Base+path)
	return &Portal{Page: page, Base: p.Base, chromium: p.chromium}, err
}

// End ends the browser.
func (p *Portal) End() error { return p.chromium.Close() }

// enter makes an account at the page of an invitation.
func (p *Portal) enter(ctx context.Context) error {
	if err := p.First(ctx, noting); err != nil {
		return err
	}
	if err := p.Until(ctx, "the form", `document.querySelector('input[name="password"]') !== null`); err != nil {
		return err
	}
	for _, field := range []struct{ name, text string }{{"name", Name}, {"password", Password}} {
		if err := p.Eval(ctx, fmt.Sprintf(`document.querySelector('input[name="%s"]').focus()`, field.name), nil); err != nil {
			return err
		}
		if err := p.Type(ctx, field.text); err != nil {
			return err
		}
	}
	if err := p.Eval(ctx, `document.querySelector('main form button').click()`, nil); err != nil {
		return err
	}
	return p.Until(ctx, "the portal", `location.pathname === '/portal/' && document.querySelector('h1') !== null`)
}

// Until waits until an expression is true in the page.
func (p *Portal) Until(ctx context.Context, what, expression string) error {
	err := rig.Poll(ctx, what, func() (is bool, err error) { return is, p.Eval(ctx, expression, &is) })
	if err != nil {
		var shown string
		err = errors.Join(err, p.Eval(ctx, `location.href + "\n" + document.body.innerText`, &shown))
		err = fmt.Errorf("%w; the page shows %.2000s", err, shown)
	}
	return err
}

// Visit opens a page of the portal and waits until it shows what it asked for.
func (p *Portal) Visit(ctx context.Context, path string) error {
	if err := p.Go(ctx, p.Base+path); err != nil {
		return err
	}
	return p.Until(ctx, "/portal/"+path, fmt.Sprintf(`location.pathname + location.search === %q && document.querySelector('h1') !== null && document.querySelector('[aria-busy]') === null &&
		!document.body.textContent.includes('Connecting')`, "/portal/"+path))
}

// Wrong lists what went wrong in the page since it was loaded.
func (p *Portal) Wrong(ctx context.Context) (wrong []string, err error) {
	return wrong, p.Eval(ctx, `window.wrong`, &wrong)
}

// patience is how long a server may take to show its certificate.
const patience = 5 * time.Second

// pinOf is the digest of the key of a server's certificate, which the browser takes then.
func pinOf(link *url.URL) (string, error) {
	if link.Scheme != "https" {
		return "", nil
	}
	dialer := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // its key is what is asked for
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	conn, err := dialer.DialContext(ctx, "tcp", link.Host)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(conn.(*tls.Conn).ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:]), conn.Close()
}
