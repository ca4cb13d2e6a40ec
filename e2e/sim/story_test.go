package sim_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/e2e/sim"
	"github.com/sitecast/sitecast/signaling/wire"
)

// settled is when everybody must be complete after everything was healed: a link
// that failed often is dialed again after five minutes, and a fetcher that did is
// used again after as long.
const settled = 15 * time.Minute

// story is what happens in a world, drawn step by step.
type story struct {
	*sim.World
	t *rapid.T
}

// site draws a site, the larger one more often, to which something happens.
func (s *story) site() *sim.Site {
	return s.Sites[rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(s.t, "site")]
}

// endpoint draws one that fits.
func (s *story) endpoint(fits func(*sim.Endpoint) bool) *sim.Endpoint {
	var fit []*sim.Endpoint
	for _, e := range s.site().Endpoints {
		if fits(e) {
			fit = append(fit, e)
		}
	}
	if len(fit) == 0 {
		s.t.Skip("no endpoint is like that")
	}
	return rapid.SampledFrom(fit).Draw(s.t, "endpoint")
}

func running(e *sim.Endpoint) bool { return e.Running() }
func off(e *sim.Endpoint) bool     { return !e.Running() }

// two draws two endpoints of a site.
func (s *story) two() (a, b *sim.Endpoint) {
	all := rapid.Permutation(s.site().Endpoints).Draw(s.t, "endpoints")
	return all[0], all[1]
}

// version draws one that a site wants, or wants not.
func (s *story) version(wanted bool) (*sim.Site, *sim.Version) {
	site := s.site()
	fit := slices.DeleteFunc(slices.Clone(sim.Versions()), func(v *sim.Version) bool { return site.Wants(v) != wanted })
	if len(fit) == 0 {
		s.t.Skip("no version is like that")
	}
	return site, rapid.SampledFrom(fit).Draw(s.t, "version")
}

func (s *story) pass() {
	const ms = time.Millisecond
	d := rapid.SampledFrom([]time.Duration{0, 10 * ms, 100 * ms, 900 * ms, 2100 * ms, 5000 * ms, 12_000 * ms, 30_000 * ms}).Draw(s.t, "time")
	s.Tell("%v pass", d)
	s.Pass(d)
}

// steps are all that can happen.
func (s *story) steps() map[string]func() {
	return map[string]func(){
		"nothing": func() {},
		"kill":    func() { s.endpoint(running).Kill() },
		"stop":    func() { s.endpoint(running).Stop() },
		"start":   func() { s.endpoint(off).Start() },
		"launch":  func() { s.endpoint(off).Start() },
		"hurt":    func() { s.hurt(s.endpoint(running)) },
		"hit":     func() { s.hurt(s.endpoint((*sim.Endpoint).Fetching)) },
		"fell":    func() { s.endpoint((*sim.Endpoint).Fetching).Kill() },
		"mend":    s.mend,
		"damage":  s.damage,
		"block":   func() { a, b := s.two(); s.Block(a, b, !s.Blocked(a, b)) },
		"cut":     func() { a, b := s.two(); s.CutLink(a, b) },
		"wan":     s.wan,
		"origin":  func() { site := s.site(); site.Origin(!site.Serving()) },
		"server":  s.server,
		"restore": s.restore,
		"order":   func() { site, v := s.version(false); site.Order(v) },
		"patch": func() {
			if site, v := s.version(true); !site.Patch(v) {
				s.t.Skip("it has no patches, or they are known")
			}
		},
		"spoil":    func() { s.site().SpoilPatches() },
		"withdraw": func() { site, v := s.version(true); site.Withdraw(v) },
		"pause":    func() { site, v := s.version(true); site.Pause(v, !site.Paused(v)) },
		"priority": s.priority,
		"cap":      s.limit,
	}
}

func (s *story) hurt(e *sim.Endpoint) {
	trouble := rapid.SampledFrom(sim.Troubles).Draw(s.t, "trouble")
	if e.In(trouble) {
		s.t.Skip("it is in that trouble already")
	}
	e.Get(trouble, true)
}

func (s *story) mend() {
	e := s.endpoint(func(e *sim.Endpoint) bool { return running(e) && slices.ContainsFunc(sim.Troubles, e.In) })
	in := slices.DeleteFunc(slices.Clone(sim.Troubles), func(t sim.Trouble) bool { return !e.In(t) })
	e.Get(rapid.SampledFrom(in).Draw(s.t, "trouble"), false)
}

func (s *story) damage() {
	e := s.endpoint(running)
	e.Damage(rapid.SampledFrom(sim.Versions()).Draw(s.t, "version"), rapid.Uint32().Draw(s.t, "chunk"))
}

func (s *story) priority() {
	site, v := s.version(true)
	site.Prioritise(v, rapid.SampledFrom([]wire.Priority{wire.High, wire.Normal, wire.Low}).Draw(s.t, "priority"))
}

func (s *story) limit() {
	s.site().Limit(rapid.SampledFrom([]int64{wire.Unlimited, wire.Unlimited, 0, 10_000, 30_000}).Draw(s.t, "cap"))
}

func (s *story) wan() {
	if site := s.site(); site.Connected() {
		site.Disconnect(rapid.Bool().Draw(s.t, "silent"))
	} else {
		site.Reconnect()
	}
}

func (s *story) server() {
	if s.ServerUp() {
		s.KillServer()
	} else {
		s.StartServer()
	}
}

// restore mends what keeps a whole site from getting on.
func (s *story) restore() {
	if !s.ServerUp() {
		s.StartServer()
	}
	for _, site := range s.Sites {
		if !site.Connected() {
			site.Reconnect()
		}
		if !site.Serving() {
			site.Origin(true)
		}
	}
}

// check holds after each step.
func (s *story) check(t *rapid.T) {
	s.Pass(0)
	for _, site := range s.Sites {
		site.Audit()
	}
	if len(s.Faults()) > 0 {
		s.fail(t, "promises are broken: %q", s.Faults())
	}
}

func (s *story) fail(t *rapid.T, format string, args ...any) {
	t.Logf("what happened:\n%s", s.History())
	if testing.Verbose() {
		t.Logf("what the parts logged last:\n%s", s.Log())
	}
	t.Fatalf(format, args...)
}

// tell tells one story to its end.
func tell(t *rapid.T) {
	s := &story{sim.New(plan(rapid.Uint64Range(1, 1000).Draw(t, "seed"))), t}
	defer s.Close()
	start(s.World)
	s.Sites[0].Order(sim.Versions()[0])
	s.Sites[1].Order(sim.Versions()[2])
	actions := map[string]func(*rapid.T){"": s.check}
	for name, do := range s.steps() {
		actions[name] = func(t *rapid.T) {
			s.t = t
			do()
			s.pass()
		}
	}
	t.Repeat(actions)
	s.HealAll()
	if !s.Finish(settled) {
		s.fail(t, "%v after everything was healed: %v", settled, s.Incomplete())
	}
	s.check(t)
	for _, site := range s.Sites {
		t.Logf("%s: %+v", site.Name, site.Traffic())
	}
}

func TestWhateverHappensOneCopyCrossesTheWANAndEverybodyGetsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { rapid.SyncTest(t, tell) })
}
