//go:build linux

package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sitecast/sitecast/e2e/rig"
)

const (
	kills = 40
	// serverShare is the share of kills that hit the server.
	serverShare = 0.15
	// Between two kills passes up to maxGap, and what was killed is away up to
	// maxAway.
	minGap, maxGap = 500 * time.Millisecond, 3 * time.Second
	maxAway        = 4 * time.Second
	randomSize     = 64 * mib // of each version
	mostVersions   = 12
)

// revival is an agent that starts again at a time.
type revival struct {
	at    time.Time
	agent *rig.Agent
}

// killAtRandom kills agents and the server, forty times, while versions are
// delivered one after another; the last is on its way when the last kill comes.
func (s *stage) killAtRandom() error {
	if err := s.orderVersion("1", randomSize); err != nil {
		return err
	}
	over := make(chan error, 1)
	go func() { over <- s.killMany() }()
	err := s.complete(s.Agents[0])
	for n := 2; err == nil; n++ {
		select {
		case err := <-over:
			return err
		default:
		}
		if n > mostVersions {
			err = fmt.Errorf("%d versions arrived before %d kills were done", mostVersions, kills)
		} else if err = s.orderVersion(fmt.Sprint(n), randomSize); err == nil {
			err = s.complete(s.Agents[0])
		}
	}
	s.stop()
	return errors.Join(err, <-over)
}

// killMany returns when everybody killed runs again.
func (s *stage) killMany() error {
	var away []revival
	for range kills {
		gap := minGap + time.Duration(s.rng.Int64N(int64(maxGap-minGap)))
		var err error
		if away, err = s.revive(away, time.Now().Add(gap)); err != nil {
			return err
		}
		absence := time.Duration(s.rng.Int64N(int64(maxAway)))
		alive := slices.DeleteFunc(slices.Clone(s.Agents[0]), func(a *rig.Agent) bool {
			return slices.ContainsFunc(away, func(r revival) bool { return r.agent == a })
		})
		if s.rng.Float64() < serverShare || len(alive) == 0 {
			if away, err = s.serverAway(away, absence); err != nil {
				return err
			}
			continue
		}
		victim := alive[s.rng.IntN(len(alive))]
		s.did("%s is killed for %v", victim.Name, absence.Round(time.Millisecond))
		victim.Kill()
		away = append(away, revival{time.Now().Add(absence), victim})
	}
	_, err := s.revive(away, time.Now().Add(maxAway))
	return err
}

// revive starts agents as their time comes, until a time.
func (s *stage) revive(away []revival, until time.Time) ([]revival, error) {
	for {
		next := revival{at: until}
		at := -1
		for i, r := range away {
			if r.at.Before(next.at) {
				next, at = r, i
			}
		}
		if err := rig.Pause(s.ctx, time.Until(next.at)); err != nil || at < 0 {
			return away, err
		}
		if err := next.agent.Restart(); err != nil {
			return away, err
		}
		away = slices.Delete(away, at, at+1)
	}
}

// serverAway kills the server and starts it again.
func (s *stage) serverAway(away []revival, absence time.Duration) ([]revival, error) {
	s.operator.Lock() // nobody orders anything meanwhile
	defer s.operator.Unlock()
	s.did("the server is killed for %v", absence.Round(time.Millisecond))
	if err := s.KillServer(s.ctx); err != nil {
		return away, err
	}
	away, err := s.revive(away, time.Now().Add(absence))
	if err != nil {
		return away, err
	}
	return away, s.RestartServer(s.ctx)
}
