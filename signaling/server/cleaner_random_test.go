package server_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// story is a random one: publishers that take their time, operators, and a cleaner that
// may die between any two steps, with all of the others in between.
type story struct {
	*desk
	rt        *rapid.T
	jobs      []*job
	ordered   []*sent
	pinned    map[content.Ref]bool
	retention catalog.Retention
	made      int
}

// sent is a distribution, as long as it is not purged.
type sent struct {
	job  *job
	site string // empty: all
}

var (
	errDied   = errors.New("the server died")
	storySite = []string{"", "north", "south"}
)

// wanted are the versions that some site shall have: the newest of each content that was
// distributed to it, and to all where a site is yet to come.
func (s *story) wanted() map[content.Ref]bool {
	out := map[content.Ref]bool{}
	for _, site := range storySite {
		newest := map[string]*job{}
		for _, o := range s.ordered {
			if have := newest[o.job.ref.Name]; (o.site == "" || o.site == site) && (have == nil || o.job.serial > have.serial) {
				newest[o.job.ref.Name] = o.job
			}
		}
		for _, j := range newest {
			out[j.ref] = true
		}
	}
	return out
}

// published are the versions that were published and not removed.
func (s *story) published() (out []*job) {
	for _, j := range s.jobs {
		if j.done {
			out = append(out, j)
		}
	}
	return out
}

func (s *story) draw(label string, from, to int) int {
	return rapid.IntRange(from, to).Draw(s.rt, label)
}

// act is what somebody does.
func (s *story) act() {
	s.check() // what the rule removed meanwhile is not tried
	done := s.published()
	switch what := s.draw("act", 0, 11); {
	case what < 2 && s.made < 24:
		s.made++
		name := []string{"app", "film"}[s.draw("content", 0, 1)]
		j := &job{ref: content.Ref{Name: name, Version: fmt.Sprint(s.made)}}
		first := s.draw("chunk", 0, 6)
		for i := range s.draw("chunks", 1, 4) {
			j.chunks = append(j.chunks, first+i)
		}
		s.jobs = append(s.jobs, j)
	case what < 7:
		for _, j := range s.jobs {
			if !j.done && rapid.Bool().Draw(s.rt, "goes on") {
				if s.next(j); j.done && rapid.Bool().Draw(s.rt, "has no patches") {
					s.unpatched(j)
				}
			}
		}
	case len(done) == 0:
	case what == 7:
		j, site := done[s.draw("which", 0, len(done)-1)], storySite[s.draw("site", 0, 2)]
		in := api.NewDistribution{Name: j.ref.Name, Version: j.ref.Version, All: site == "", Priority: "normal"}
		if site != "" {
			in.Sites = []string{site}
		}
		s.call("POST", "/distributions", in, nil)
		s.ordered = append(s.ordered, &sent{j, site})
	case what == 8:
		j := done[s.draw("which", 0, len(done)-1)]
		if status, _ := s.ask("POST", "/rules", api.NewRule{Kind: catalog.RulePurge, Content: j.ref.Name, Version: j.ref.Version}, nil); status < 300 {
			s.ordered = slices.DeleteFunc(s.ordered, func(o *sent) bool { return o.job == j })
		} else if !s.pinned[j.ref] {
			s.t.Fatalf("a purge of %s was answered %d", j.ref, status)
		}
	case what == 9:
		j := done[s.draw("which", 0, len(done)-1)]
		if s.pinned[j.ref] {
			s.call("POST", "/rules/unpin", api.EndedRules{Content: j.ref.Name, Version: j.ref.Version}, nil)
			delete(s.pinned, j.ref)
			return
		}
		s.call("POST", "/rules", api.NewRule{Kind: catalog.RulePin, Content: j.ref.Name, Version: j.ref.Version}, nil)
		s.pinned[j.ref] = true
	default:
		s.tryRemove(done[s.draw("which", 0, len(done)-1)])
	}
}

// tryRemove removes a version, unless it is needed.
func (s *story) tryRemove(j *job) {
	status, code := s.remove(j)
	needed := s.wanted()[j.ref] || s.pinned[j.ref]
	switch {
	case status < 300 && !needed:
		s.forget(j)
	case status < 300:
		s.t.Fatalf("%s was removed, which is needed", j.ref)
	case !needed && code != catalog.NeedPatches: // nobody makes those that are due
		s.t.Fatalf("%s is needed by nothing, and answered %d %s", j.ref, status, code)
	}
}

func (s *story) forget(j *job) {
	s.jobs = slices.DeleteFunc(s.jobs, func(other *job) bool { return other == j })
}

// check holds that all that is published is whole, and that nothing is gone that is needed
// or kept.
func (s *story) check() {
	listed, err := s.catalog.Published(s.ctx, 0, 0)
	s.must(err)
	there := map[content.Ref]bool{}
	for _, v := range listed {
		there[v.Ref] = true
	}
	wanted := s.wanted()
	newest := map[string]*job{}
	for _, j := range s.published() {
		if have := newest[j.ref.Name]; have == nil || j.serial > have.serial {
			newest[j.ref.Name] = j
		}
	}
	for _, j := range s.published() {
		if there[j.ref] {
			s.whole(j)
			continue
		}
		if wanted[j.ref] || s.pinned[j.ref] || s.retention.Keep == 0 || newest[j.ref.Name] == j {
			s.t.Fatalf("%s is gone; wanted: %v, pinned: %v, rule: %s", j.ref, wanted[j.ref], s.pinned[j.ref], s.retention)
		}
		s.forget(j)
	}
}

// collectSometime runs the cleaner, which may die, while others go on.
func (s *story) collectSometime() {
	left := 1 << 20
	if rapid.Bool().Draw(s.rt, "dies") {
		left = s.draw("after", 0, 25)
	}
	busy := rapid.Bool().Draw(s.rt, "others go on")
	s.step = func() error {
		if busy {
			s.act()
		}
		if left--; left < 0 {
			return errDied
		}
		return nil
	}
	err := s.cleaner().Collect(s.ctx)
	s.step = func() error { return nil }
	if err != nil && !errors.Is(err, errDied) {
		s.t.Fatalf("collecting: %v", err)
	}
}

// TestNothingThatALiveVersionNeedsIsEverDeleted tells random stories. In the end all that
// nobody needs is gone.
func TestNothingThatALiveVersionNeedsIsEverDeleted(t *testing.T) {
	// Each takes half a second, so there are few unless more are asked for.
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		defer func() { _ = checks.Value.Set(checks.DefValue) }()
		_ = checks.Value.Set("15") // it is a number
	}
	rapid.Check(t, func(rt *rapid.T) {
		var fault any // is rapid's to see
		synctest.Test(t, func(t *testing.T) {
			defer func() { fault = recover() }()
			tell(t, rt)
		})
		if fault != nil {
			panic(fault)
		}
	})
}

// tell tells one story.
func tell(t *testing.T, rt *rapid.T) {
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		rt.Fatal(err)
	}
	s := &story{desk: newDesk(t.Context(), rt, dir), rt: rt, pinned: map[content.Ref]bool{}}
	defer s.close()
	for _, site := range storySite[1:] {
		s.call("POST", "/sites", api.NewSite{Name: site}, nil)
	}
	for range s.draw("length", 1, 60) {
		switch s.draw("what", 0, 9) {
		case 0:
			time.Sleep(time.Duration(s.draw("hours", 1, 40)) * time.Hour)
		case 1, 2:
			s.collectSometime()
		case 3:
			s.retention = catalog.Retention{Keep: s.draw("keep", 0, 2)}
			if s.retention.Keep > 0 {
				s.retention.Younger = time.Duration(s.draw("younger", 0, 48)) * time.Hour
			}
			s.call("PUT", "/retention", api.Retention{Keep: s.retention.Keep, YoungerSeconds: int64(s.retention.Younger / time.Second)}, nil)
		default:
			s.act()
		}
		s.check()
	}
	s.nothingDeadIsLeft()
}

// nothingDeadIsLeft ends a story: publishers give up, and the cleaner has its time.
func (s *story) nothingDeadIsLeft() {
	for range 3 {
		time.Sleep(server.PublishGrace + time.Hour)
		s.collect()
		s.check()
	}
	named := map[content.Digest]bool{}
	for _, j := range s.published() {
		maps.Copy(named, s.whole(j))
	}
	for object := range s.objects {
		if !named[object] {
			s.t.Fatalf("object %s is left, which no version names", object)
		}
	}
	noted, err := s.catalog.Unused(s.ctx)
	s.must(err)
	packs, err := s.catalog.Packs(s.ctx)
	s.must(err)
	for _, p := range packs {
		if !named[p.Digest] {
			s.t.Fatalf("pack %s is known, which no version names", p.Digest)
		}
	}
	if len(noted) > 0 {
		s.t.Fatalf("%d objects are noted as unused in the end, such as %+v", len(noted), noted[0])
	}
}
