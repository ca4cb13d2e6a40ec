//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/edge/engine"
)

const (
	content = "bench"
	// limit bounds one run.
	limit = 9 * time.Minute
	// step is how often the harness looks whether something has happened.
	step = 5 * time.Millisecond
)

// stage is the installation that one run has for itself.
type stage struct {
	*rig.Rig
	ctx   context.Context
	stop  context.CancelFunc
	dir   string
	site  *netlab.Site
	rng   *rand.Rand
	begun time.Time // when the first version was ordered
	wan   int64     // what the kernel had counted by then

	// operator is held by whoever gives orders, or takes the server away.
	operator sync.Mutex

	gone      []*rig.Agent // killed, and away until the others are done
	delivered []version
	took      time.Duration
}

// version is one that was ordered.
type version struct {
	name string
	size int64
	sum  [sha256.Size]byte
}

// run runs a scenario once.
func (o options) run(ctx context.Context, sc scenario, seed uint64) (r result, err error) {
	dir, err := os.MkdirTemp("", "sitecast-kills-")
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	link := netlab.Link{Rate: rate}
	lab, err := netlab.Start(netlab.Plan{
		Sites:   []netlab.SitePlan{{Endpoints: endpoints, WAN: netlab.Both(link)}},
		Sysctls: map[string]string{"net.ipv4.tcp_congestion_control": "cubic"},
	})
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, lab.Close()) }()
	ctx, stop := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done within %v", limit))
	defer stop()
	s := &stage{ctx: ctx, stop: stop, dir: dir, site: lab.Sites[0], rng: rand.New(rand.NewPCG(seed, seed))}
	if s.Rig, err = rig.Start(ctx, lab, o.exe, dir, rig.TLS, sc.flags...); err != nil {
		return result{}, err
	}
	defer func() {
		err = errors.Join(err, s.Close())
		if o.keep != "" {
			err = errors.Join(err, s.KeepLogs(filepath.Join(o.keep, strings.ReplaceAll(sc.name, " ", "-"))))
		}
	}()
	if err := s.StartAgents(ctx); err != nil {
		return result{}, err
	}
	if err := sc.run(s); err != nil {
		return result{}, err
	}
	return s.finish()
}

// publish makes a version of content that nothing can compress, and publishes it.
func (s *stage) publish(name string, size int64) (version, error) {
	v := version{name: name, size: size}
	path := filepath.Join(s.dir, content)
	var err error
	if v.sum, err = rig.Random(path, size, sha256.Sum256([]byte(name))); err != nil {
		return v, err
	}
	return v, s.Publish(s.ctx, path, content, name)
}

// order publishes and orders version 1, and begins to count.
func (s *stage) order() error { return s.orderVersion("1", size) }

func (s *stage) orderVersion(name string, size int64) error {
	s.operator.Lock()
	defer s.operator.Unlock()
	v, err := s.publish(name, size)
	if err != nil {
		return err
	}
	if s.begun.IsZero() {
		counted, err := s.site.WAN()
		if err != nil {
			return err
		}
		s.begun, s.wan = time.Now(), counted.ReceivedBytes
	}
	s.delivered = append(s.delivered, v)
	_, err = s.Sitecast(s.ctx, "distribute", content+"@"+name, "--all")
	return err
}

// crossed waits until a share of the content has come over the WAN.
func (s *stage) crossed(share float64) error {
	for {
		counted, err := s.site.WAN()
		if err != nil {
			return err
		}
		if float64(counted.ReceivedBytes-s.wan) >= share*headers*size {
			return nil
		}
		if err := rig.Pause(s.ctx, step); err != nil {
			return err
		}
	}
}

// fetchers waits until at least n endpoints fetch from the origin.
func (s *stage) fetchers(n int) (who []*rig.Agent, err error) {
	for {
		flows, err := s.Flows(s.ctx)
		if err != nil {
			return nil, err
		}
		who = nil
		for _, a := range s.Agents[0] {
			if len(flows) > 0 && slices.Contains(flows[0].Fetchers, a.Name) && !slices.Contains(s.gone, a) {
				who = append(who, a)
			}
		}
		if len(who) >= n {
			return who, nil
		}
		if err := rig.Pause(s.ctx, step); err != nil {
			return nil, fmt.Errorf("nobody fetches: %w", err)
		}
	}
}

// killForGood kills an agent, which returns when the others are done. It tells how
// far the agent was ahead of the others, because what only it had is lost: on a busy
// machine they may lag behind.
func (s *stage) killForGood(a *rig.Agent) {
	ahead, err := s.ahead(a)
	a.Kill()
	if err != nil {
		s.did("%s, which fetches, is killed", a.Name)
	} else {
		s.did("%s, which fetches, is killed; it had %.1f MB more than the best of the others", a.Name, float64(ahead)/1e6)
	}
	s.gone = append(s.gone, a)
}

// ahead is how many bytes of its only flow an agent has more than any other.
func (s *stage) ahead(a *rig.Agent) (int64, error) {
	var own, best int64
	for _, other := range s.Agents[0] {
		if slices.Contains(s.gone, other) {
			continue
		}
		var status engine.Status
		if err := other.Status(s.ctx, &status); err != nil || len(status.Flows) == 0 {
			return 0, errors.Join(err, errors.New("no flow"))
		}
		if held := status.Flows[0].Bytes.Total(); other == a {
			own = held
		} else {
			best = max(best, held)
		}
	}
	return own - best, nil
}

// did tells whoever watches what happened.
func (s *stage) did(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%6.1f s: %s\n", time.Since(s.begun).Seconds(), fmt.Sprintf(format, args...))
}

// complete waits until the agents show the version ordered last.
func (s *stage) complete(agents []*rig.Agent) error {
	v := s.delivered[len(s.delivered)-1]
	for _, a := range agents {
		for {
			if _, err := os.Stat(filepath.Join(a.Placed(content, v.name), content)); err == nil {
				break
			}
			if err := rig.Pause(s.ctx, step); err != nil {
				return fmt.Errorf("%s does not have version %s: %w", a.Name, v.name, err)
			}
		}
	}
	s.took = time.Since(s.begun)
	return nil
}

// finish waits for everybody, lets those return that were killed, and checks what
// all have.
func (s *stage) finish() (r result, err error) {
	alive := slices.DeleteFunc(slices.Clone(s.Agents[0]), func(a *rig.Agent) bool { return slices.Contains(s.gone, a) })
	if err := s.complete(alive); err != nil {
		return result{}, err
	}
	r.took = s.took
	for _, a := range s.gone {
		if err := a.Restart(); err != nil {
			return result{}, err
		}
	}
	if err := s.complete(s.gone); err != nil {
		return result{}, err
	}
	for _, v := range s.delivered {
		r.content += v.size
		for _, a := range s.Agents[0] {
			got, err := rig.Sum(filepath.Join(a.Placed(content, v.name), content))
			if err != nil {
				return result{}, err
			}
			if got != v.sum {
				return result{}, fmt.Errorf("%s has other bytes than were published as version %s", a.Name, v.name)
			}
		}
	}
	counted, err := s.site.WAN()
	if err != nil {
		return result{}, err
	}
	r.wan = counted.ReceivedBytes - s.wan
	r.served, err = s.Served(s.ctx)
	return r, err
}
