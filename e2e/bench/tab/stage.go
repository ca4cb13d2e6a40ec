//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/sitecast/sitecast/e2e/browser"
	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/edge/engine"
)

// Who stands on which endpoint of the site: two agents and two browsers.
const (
	firstAgent = iota
	firstTab
	secondAgent
	secondTab
	endpoints
)

// patience bounds how long content may take.
const patience = 3 * time.Minute

// wan is fast enough to be waited for.
const wan = 800_000_000

// stage is one round: an installation, and two browsers with empty profiles.
type stage struct {
	*rig.Rig
	o        options
	dir      string
	tabs     [endpoints]*browser.Chromium // where one stands
	cleaning []func() error
	seen     map[string]figures
}

// round measures every row once.
func (o options) round(ctx context.Context) (seen map[string]figures, err error) {
	s := &stage{o: o, seen: map[string]figures{}}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	return s.seen, errors.Join(s.bareRows(ctx), s.ourRows(ctx))
}

func (s *stage) later(clean func() error) { s.cleaning = append(s.cleaning, clean) }

// close takes down what was built, the last first.
func (s *stage) close() (err error) {
	for i := len(s.cleaning) - 1; i >= 0; i-- {
		err = errors.Join(err, s.cleaning[i]())
	}
	return err
}

func (s *stage) open(ctx context.Context) (err error) {
	if s.dir, err = os.MkdirTemp("", "sitecast-bench-"); err != nil {
		return err
	}
	s.later(func() error { return os.RemoveAll(s.dir) })
	lab, err := netlab.Start(netlab.Plan{Sites: []netlab.SitePlan{{Endpoints: endpoints, WAN: netlab.Both(netlab.Link{Rate: wan})}}})
	if err != nil {
		return err
	}
	s.later(lab.Close)
	if s.Rig, err = rig.Start(ctx, lab, s.o.program, s.dir, rig.TLS); err != nil {
		return err
	}
	s.later(s.Close)
	if s.o.keep != "" {
		s.later(func() error { return s.KeepLogs(s.o.keep) })
	}
	if err := s.publish(ctx, content); err != nil {
		return err
	}
	for _, k := range []int{firstTab, secondTab} {
		if err := s.browse(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// Names of what is published.
const (
	content = "content"
	another = "another"
)

func (s *stage) publish(ctx context.Context, name string) error {
	file := filepath.Join(s.dir, name)
	seed := [32]byte{}
	copy(seed[:], name)
	if _, err := rig.Random(file, s.o.size<<20, seed); err != nil {
		return err
	}
	return s.Publish(ctx, file, name, "1")
}

// browse starts a browser on an endpoint.
func (s *stage) browse(ctx context.Context, k int) error {
	_, pin, err := s.Link(ctx, 0, content)
	if err != nil {
		return err
	}
	host := s.Lab.Sites[0].Endpoints[k]
	s.tabs[k], err = browser.Launch(func(name string, args ...string) *exec.Cmd { return host.Command(context.Background(), name, args...) },
		filepath.Join(s.dir, "profile-"+strconv.Itoa(k)), pin)
	if err == nil {
		s.later(s.tabs[k].Close)
	}
	return err
}

// row measures one row, if it was asked for.
func (s *stage) row(name string, measure func() (figures, error)) error {
	if !s.o.only.MatchString(name) {
		return nil
	}
	f, err := measure()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Fprintf(os.Stderr, "%s: %.1f MB/s, %.1f ms/MB\n", name, f.rate/1e6, 1e9*f.cost)
	s.seen[name] = f
	return nil
}

// bareRows measures channels alone.
func (s *stage) bareRows(ctx context.Context) error {
	hosts := s.Lab.Sites[0].Endpoints
	return errors.Join(
		s.row(rawTabs, func() (f figures, err error) {
			from, err := newPage(ctx, s.tabs[firstTab])
			if err != nil {
				return f, err
			}
			to, err := newPage(ctx, s.tabs[secondTab])
			if err != nil {
				return f, err
			}
			return bare(ctx, from, to)
		}),
		s.row(rawToTab, func() (f figures, err error) {
			from, to, err := s.mixed(ctx, hosts[firstAgent])
			if err != nil {
				return f, err
			}
			return bare(ctx, from, to)
		}),
		s.row(rawFrom, func() (f figures, err error) {
			to, from, err := s.mixed(ctx, hosts[firstAgent])
			if err != nil {
				return f, err
			}
			return bare(ctx, from, to)
		}))
}

// mixed are pion on a host, and a page.
func (s *stage) mixed(ctx context.Context, h *netlab.Host) (*peer, page, error) {
	p, err := newPage(ctx, s.tabs[firstTab])
	if err != nil {
		return nil, p, err
	}
	e, err := newPeer(h)
	return e, p, err
}

// asked reports whether one of some rows was asked for.
func (s *stage) asked(names ...string) bool {
	return slices.ContainsFunc(names, s.o.only.MatchString)
}

// ourRows measures Sitecast, beginning with an agent that has the content.
func (s *stage) ourRows(ctx context.Context) error {
	if !s.asked(toTab, fromTab, tabs, hiddenTab) {
		return nil
	}
	first, err := s.seed(ctx)
	if err == nil && s.asked(toTab, fromTab, tabs) {
		err = s.exchange(ctx, first)
	}
	if err != nil {
		return err
	}
	return s.row(hiddenTab, func() (f figures, err error) {
		if err := s.publish(ctx, another); err != nil {
			return f, err
		}
		if _, err := s.Sitecast(ctx, "distribute", another+"@1", "--all", "--wait"); err != nil {
			return f, err
		}
		_, f, err = s.take(ctx, another, firstTab, first.CPU, true)
		return f, err
	})
}

// exchange has a tab take from the first agent, and, while that one is away, give to the
// next agent and to another tab.
func (s *stage) exchange(ctx context.Context, first *rig.Agent) error {
	tab, f, err := s.take(ctx, content, firstTab, first.CPU, false)
	if err != nil {
		return err
	}
	err = errors.Join(s.row(toTab, func() (figures, error) { return f, nil }), first.Stop())
	if err != nil {
		return err
	}
	return errors.Join(
		s.row(fromTab, func() (figures, error) { return s.give(ctx, secondAgent) }),
		s.row(tabs, func() (figures, error) {
			other, f, err := s.take(ctx, content, secondTab, func() (time.Duration, error) { return s.tabs[firstTab].CPU(ctx) }, false)
			if other != nil {
				err = errors.Join(err, other.Close(ctx))
			}
			return f, err
		}),
		tab.Close(ctx), first.Restart())
}

// seed starts an agent that has the content.
func (s *stage) seed(ctx context.Context) (*rig.Agent, error) {
	a, err := s.StartAgent(ctx, 0, firstAgent)
	if err == nil {
		err = s.Online(ctx)
	}
	if err == nil {
		_, err = s.Sitecast(ctx, "distribute", content+"@1", "--all", "--wait")
	}
	return a, err
}

// take measures how content comes to a tab from one other, whose processor time counts.
func (s *stage) take(ctx context.Context, name string, k int, other func() (time.Duration, error), hidden bool) (p *browser.Page, f figures, err error) {
	link, _, err := s.Link(ctx, 0, name)
	if err != nil {
		return nil, f, err
	}
	if p, err = s.tabs[k].Open(ctx, link); err != nil {
		return nil, f, err
	}
	if hidden {
		if err := hide(ctx, s.tabs[k], p); err != nil {
			return p, f, err
		}
	}
	f, err = s.arrive(ctx, func() (n sample, err error) {
		var shown struct{ Peer, Origin, State string }
		err = p.Eval(ctx, "(({bytesPeer, bytesOrigin, state}) => ({peer: bytesPeer, origin: bytesOrigin, state}))(document.documentElement?.dataset ?? {})", &shown)
		n.at = time.Now()
		n.bytes, _ = strconv.ParseInt(shown.Peer, 10, 64) // nothing before the first byte
		if shown.State == "failed" || err == nil && shown.Origin != "" && shown.Origin != "0" {
			return n, fmt.Errorf("the page shows %+v", shown)
		}
		used, cerr := s.tabs[k].CPU(ctx)
		gave, oerr := other()
		n.cpu = used + gave
		return n, errors.Join(err, cerr, oerr)
	})
	return p, f, err
}

// hide brings another tab before one.
func hide(ctx context.Context, c *browser.Chromium, p *browser.Page) error {
	front, err := c.Open(ctx, "about:blank")
	if err != nil {
		return err
	}
	if err := front.Front(ctx); err != nil {
		return err
	}
	state := ""
	if err := p.Eval(ctx, "document.visibilityState", &state); err != nil || state != "hidden" {
		return fmt.Errorf("the tab behind another is %q: %w", state, err)
	}
	return nil
}

// give measures how content comes from the first tab to an agent.
func (s *stage) give(ctx context.Context, k int) (f figures, err error) {
	a, err := s.StartAgent(ctx, 0, k)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, a.Stop()) }()
	return s.arrive(ctx, func() (n sample, err error) {
		var st engine.Status
		if a.Status(ctx, &st) == nil { // it may just begin
			for _, f := range st.Flows {
				n.bytes += f.Bytes.Peer
			}
		}
		n.at = time.Now()
		used, err := a.CPU()
		gave, gerr := s.tabs[firstTab].CPU(ctx)
		n.cpu = used + gave
		return n, errors.Join(err, gerr)
	})
}

// arrive measures content from its first bytes to its last.
func (s *stage) arrive(ctx context.Context, look func() (sample, error)) (f figures, err error) {
	first, err := until(ctx, patience, look, func(n sample) bool { return n.bytes > 0 })
	if err != nil {
		return f, err
	}
	last, err := until(ctx, patience, look, func(n sample) bool { return n.bytes >= s.o.size<<20 })
	return last.since(first), err
}
