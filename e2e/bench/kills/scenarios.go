//go:build linux

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/sitecast/sitecast/e2e/rig"
)

// scenario is one way to break things.
type scenario struct {
	name    string
	copies  func(base result) float64 // bound of the kernel's copies; nil: everything has to arrive, no more
	ratio   float64                   // bound of the time, in that of an undisturbed run; 0: none
	several bool                      // it delivers more than an undisturbed run does
	flags   []string                  // of the server
	run     func(s *stage) error
}

// inFlight is what a death may cost, in copies of the content: 250 ms of the rate
// and a chunk.
const inFlight = headers * (float64(rate)/8/4 + maxChunk) / size

func atMost(copies float64) func(result) float64 { return func(result) float64 { return copies } }

var scenarios = []scenario{
	{name: "undisturbed", copies: atMost(1.06), run: (*stage).undisturbed},
	{name: "only fetcher killed at 50 %", copies: atMost(1.10), ratio: 1.35, run: killFetchersAt(0.5)},
	{name: "one of four fetchers killed at 50 %", copies: atMost(1.08),
		flags: []string{"--fetchers", "4"}, run: (*stage).killOneOfFour},
	{name: "fetchers killed at 20, 40, 60 and 80 %, never to return", copies: atMost(headers*1.01 + 4*inFlight),
		run: killFetchersAt(0.2, 0.4, 0.6, 0.8)},
	{name: "server killed for 10 s at 50 %", copies: func(base result) float64 { return base.copies() + inFlight },
		run: (*stage).killServer},
	{name: "router without power for 15 s at 50 %", run: reboot(false)},
	{name: "router and switch without power for 15 s at 50 %", run: reboot(true)},
	{name: fmt.Sprintf("%d random kills", kills), copies: atMost(1.10), several: true, run: (*stage).killAtRandom},
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func (s *stage) undisturbed() error { return s.order() }

// killFetchersAt kills whoever fetches, each time so much of the content has
// crossed the WAN. Who was killed returns when all others are done.
func killFetchersAt(shares ...float64) func(*stage) error {
	return func(s *stage) error {
		if err := s.order(); err != nil {
			return err
		}
		for _, share := range shares {
			if err := s.crossed(share); err != nil {
				return err
			}
			who, err := s.fetchers(1)
			if err != nil {
				return err
			}
			s.killForGood(who[0])
		}
		return nil
	}
}

// killOneOfFour kills one of four that fetch at once.
func (s *stage) killOneOfFour() error {
	if err := s.order(); err != nil {
		return err
	}
	if err := s.crossed(0.5); err != nil {
		return err
	}
	who, err := s.fetchers(1)
	if err != nil {
		return err
	}
	if len(who) != 4 {
		return fmt.Errorf("the site has %d fetchers, want 4", len(who))
	}
	s.killForGood(who[0])
	return nil
}

func (s *stage) killServer() error {
	if err := s.order(); err != nil {
		return err
	}
	if err := s.crossed(0.5); err != nil {
		return err
	}
	s.did("the server is killed")
	if err := s.KillServer(s.ctx); err != nil {
		return err
	}
	if err := rig.Pause(s.ctx, 10*time.Second); err != nil {
		return err
	}
	s.did("the server is back")
	return s.RestartServer(s.ctx)
}

// reboot takes the router away, and the switch with it if lan is true.
func reboot(lan bool) func(*stage) error {
	return func(s *stage) error {
		if err := s.order(); err != nil {
			return err
		}
		if err := s.crossed(0.5); err != nil {
			return err
		}
		s.did("the router is off")
		err := s.site.Reboot(lan, func() error { return rig.Pause(s.ctx, 15*time.Second) })
		s.did("the router is on")
		return err
	}
}
