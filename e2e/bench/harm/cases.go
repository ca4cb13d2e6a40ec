//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
)

// finding is one line of a case other than the cells.
type finding struct {
	Case   string   `json:"case"`
	Value  float64  `json:"value"`
	Limit  float64  `json:"limit"`
	Met    bool     `json:"met"`
	Detail []string `json:"detail"`
}

// findings prints them, and fails unless all are good.
func (b *bench) findings(all []finding) error {
	bad := 0
	for _, f := range all {
		if !f.Met {
			bad++
		}
	}
	if b.json {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(all); err != nil {
			return err
		}
	} else {
		fmt.Printf("Sitecast %s; senders use %s\n\n| case | value | bound | met | |\n|---|--:|--:|---|---|\n", b.build, b.sender)
		for _, f := range all {
			word := "**NO**"
			if f.Met {
				word = "yes"
			}
			fmt.Printf("| %s | %.3f | %.2f | %s | %s |\n", f.Case, f.Value, f.Limit, word, strings.Join(f.Detail, "; "))
		}
	}
	if bad > 0 {
		return errors.New("bounds are missed")
	}
	return nil
}

// openBare builds a network for a case that has no bystander.
func openBare(ctx context.Context, sender string, sites ...netlab.SitePlan) (s *stage, err error) {
	s = &stage{ctx: ctx, sender: sender}
	if s.dir, err = os.MkdirTemp("", "sitecast-harm-case-"); err != nil {
		return nil, err
	}
	s.close = func() error { return os.RemoveAll(s.dir) }
	if s.lab, err = netlab.Start(netlab.Plan{Sites: sites, Sysctls: settings(sender)}); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.site = s.lab.Sites[0]
	s.close = func() error { return errors.Join(s.lab.Close(), os.RemoveAll(s.dir)) }
	return s, nil
}

// installed runs a case on a network and an installation of its own.
func (b *bench) installed(ctx context.Context, name string, sites []netlab.SitePlan, content []good, flags []string,
	run func(s *stage, in *rig.Rig) (finding, error)) (f finding, err error) {
	from, err := b.publish(ctx, content)
	if err != nil {
		return f, err
	}
	s, err := openBare(ctx, b.sender, sites...)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	in, err := s.install(from, flags...)
	if err != nil {
		return f, err
	}
	defer func() {
		err = errors.Join(err, in.Close())
		if b.keep != "" {
			err = errors.Join(err, in.KeepLogs(filepath.Join(b.keep, strings.ReplaceAll(name, " ", "-"))))
		}
	}()
	b.Progress("%s", name)
	f, err = run(s, in)
	f.Case = name
	return f, err
}

const (
	// lateBy is how much later than the first the latecomer starts, and together for
	// how long their shares are then compared.
	lateBy      = 20 * time.Second
	togetherFor = 150 * time.Second
	shareEvery  = 30 * time.Second
	// leastOfLarger is what "within 25 %" is: the smaller share in parts of the larger.
	leastOfLarger = 0.75
)

// fairCell is the WAN that they share.
var fairCell = cell{20, 40 * time.Millisecond, oneBDP, "cubic"}

// fairness lets two distributions run at one site, and at two sites behind one
// link, the second later than the first.
func (b *bench) fairness(ctx context.Context) error {
	c := fairCell
	size := int64(netlab.Backlog(c.rate(), lateBy+togetherFor+5*time.Second))
	content := []good{{"first", size}, {"late", size}}
	front := netlab.SitePlan{Endpoints: 6, WAN: netlab.Both(c.link()), LAN: c.cable()}
	one, err := b.installed(ctx, "two distributions at one site", []netlab.SitePlan{front}, content, nil,
		func(s *stage, in *rig.Rig) (finding, error) {
			return b.share(s, in, []string{"--all", "--all"}, func() (first, late float64, err error) {
				flows, err := in.Flows(ctx)
				for _, f := range flows {
					if f.Content == "first" {
						first = float64(f.WANBytes)
					} else {
						late = float64(f.WANBytes)
					}
				}
				return first, late, err
			})
		})
	if err != nil {
		return err
	}
	front.Endpoints, front.NAT = 3, true // one public address, as most have
	behind := netlab.SitePlan{Endpoints: 3, LAN: c.cable(), Behind: 1}
	two, err := b.installed(ctx, "two sites behind one link", []netlab.SitePlan{front, behind}, content, nil,
		func(s *stage, in *rig.Rig) (finding, error) {
			return b.share(s, in, []string{"--site=" + rig.SiteName(0), "--site=" + rig.SiteName(1)}, func() (first, late float64, err error) {
				all, err := s.lab.Sites[0].WAN()
				if err != nil {
					return 0, 0, err
				}
				own, err := s.lab.Sites[1].WAN()
				return float64(all.ReceivedBytes - own.ReceivedBytes), float64(own.ReceivedBytes), err
			})
		})
	if err != nil {
		return err
	}
	return b.findings([]finding{one, two})
}

// share orders the two contents and compares how many bytes each got since the
// second was ordered.
func (b *bench) share(s *stage, in *rig.Rig, where []string, count func() (first, late float64, err error)) (f finding, err error) {
	if _, err := in.Sitecast(s.ctx, "distribute", "first@1", where[0]); err != nil {
		return f, err
	}
	if err := rig.Pause(s.ctx, lateBy); err != nil {
		return f, err
	}
	if _, err := in.Sitecast(s.ctx, "distribute", "late@1", where[1]); err != nil {
		return f, err
	}
	firstAt, lateAt, err := count()
	if err != nil {
		return f, err
	}
	var firstGot, lateGot float64
	for range togetherFor / shareEvery {
		if err := rig.Pause(s.ctx, shareEvery); err != nil {
			return f, err
		}
		first, late, err := count()
		if err != nil {
			return f, err
		}
		was := [2]float64{firstGot, lateGot}
		firstGot, lateGot = first-firstAt, late-lateAt
		text := fmt.Sprintf("%.0f:%.0f %%", percent(firstGot-was[0], lateGot-was[1]), percent(lateGot-was[1], firstGot-was[0]))
		f.Detail = append(f.Detail, text)
		b.Progress("first to latecomer %s", text)
	}
	use := (firstGot + lateGot) / float64(netlab.Backlog(fairCell.rate(), togetherFor))
	f.Detail = append(f.Detail, fmt.Sprintf("first %.0f MB, latecomer %.0f MB: %.0f %% of the link", firstGot/1e6, lateGot/1e6, 100*use))
	f.Value, f.Limit = min(firstGot, lateGot)/max(firstGot, lateGot, 1), leastOfLarger
	f.Met = f.Value >= f.Limit
	return f, nil
}

// percent is what a is of both.
func percent(a, b float64) float64 { return 100 * a / max(a+b, 1) }
