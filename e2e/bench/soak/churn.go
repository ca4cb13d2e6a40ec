//go:build linux

package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sitecast/sitecast/e2e/rig"
)

// Between two breaks passes up to maxGap, and what broke is mended within maxAway.
const (
	minGap, maxGap   = 2 * time.Second, 8 * time.Second
	minAway, maxAway = time.Second, 10 * time.Second
)

// mend is the end of a break.
type mend struct {
	at   time.Time
	what string
	do   func() error
}

// churn breaks things at random until the end, and mends them all.
func (s *soak) churn(ctx context.Context, rng *rand.Rand) error {
	var broken []mend
	between := func(a, b time.Duration) time.Duration { return a + time.Duration(rng.Int64N(int64(b-a))) }
	for !s.over() {
		err := mendUntil(ctx, &broken, time.Now().Add(between(minGap, maxGap)))
		if err != nil {
			return err
		}
		m, err := s.smash(ctx, rng, broken)
		if err != nil {
			return err
		}
		if m.do != nil {
			m.at = time.Now().Add(between(minAway, maxAway))
			broken = append(broken, m)
			s.breaks++
		}
	}
	return mendAll(broken)
}

// mendUntil mends what is due, until a time.
func mendUntil(ctx context.Context, broken *[]mend, until time.Time) error {
	for {
		slices.SortFunc(*broken, func(a, b mend) int { return a.at.Compare(b.at) })
		if len(*broken) == 0 || (*broken)[0].at.After(until) {
			return rig.Pause(ctx, time.Until(until))
		}
		first := (*broken)[0]
		if err := rig.Pause(ctx, time.Until(first.at)); err != nil {
			return err
		}
		*broken = (*broken)[1:]
		if err := first.do(); err != nil {
			return err
		}
	}
}

func mendAll(broken []mend) (err error) {
	for _, m := range broken {
		err = errors.Join(err, m.do())
	}
	return err
}

// smash breaks one thing, unless it is broken already.
func (s *soak) smash(ctx context.Context, rng *rand.Rand, broken []mend) (m mend, err error) {
	free := func(what string) bool {
		return !slices.ContainsFunc(broken, func(m mend) bool { return m.what == what })
	}
	k := rng.IntN(endpoints)
	a := s.Agents[0][k]
	switch n := rng.IntN(10); {
	case n < 4:
		a = s.Agents[0][spared+k%(endpoints-spared)]
		if !free(a.Name) {
			return mend{}, nil
		}
		return mend{what: a.Name, do: func() error { return a.Restart() }}, s.endAgent(a, n%2 == 0)
	case n < 8:
		cable := "the cable of " + a.Name
		if !free(cable) {
			return mend{}, nil
		}
		s.did("%s is pulled", cable)
		return mend{what: cable, do: func() error { return s.site.Plug(k) }}, s.site.Unplug(k)
	case n < 9 || time.Now().After(s.calm):
		if !free("the WAN") {
			return mend{}, nil
		}
		s.did("the WAN is cut")
		return mend{what: "the WAN", do: s.site.MendWAN}, s.site.CutWAN()
	}
	// The server is back before anything else happens: whoever needs it waits.
	s.server.Lock()
	defer s.server.Unlock()
	s.did("the server is killed")
	s.breaks++
	if err := s.KillServer(ctx); err != nil {
		return mend{}, err
	}
	if err := rig.Pause(ctx, minAway+time.Duration(rng.Int64N(int64(maxAway-minAway)))); err != nil {
		return mend{}, err
	}
	return mend{}, s.RestartServer(ctx)
}

// endAgent ends an agent at once or in order.
func (s *soak) endAgent(a *rig.Agent, atOnce bool) error {
	s.did("%s ends", a.Name)
	if atOnce {
		a.Kill()
		return nil
	}
	return a.Stop()
}
