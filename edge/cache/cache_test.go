package cache_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/edge/cache"
	"github.com/sitecast/sitecast/storage/content"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

const gb = 1_000_000_000

// held is a complete version of 1 GB that came and was used some hours ago.
func held(name string, serial uint64, hours int) cache.Version {
	at := noon.Add(-time.Duration(hours) * time.Hour)
	id := content.VersionID{byte(serial)}
	copy(id[1:], name)
	return cache.Version{ID: id, Ref: content.Ref{Name: name, Version: fmt.Sprint(serial)}, Serial: serial, Bytes: gb, Complete: true, Came: at, Used: at}
}

func wanted(v cache.Version) cache.Version { v.Flow = true; return v }

// state is an endpoint with a disk of 100 GB, of which some are free.
func state(free int64, versions ...cache.Version) cache.State {
	return cache.State{Now: noon, Clock: true, Disk: 100 * gb, Free: free, Versions: versions}
}

// goes lists what a plan evicts, as NAME@VERSION: rule.
func goes(p cache.Plan) (out []string) {
	for _, e := range p.Evict {
		out = append(out, fmt.Sprintf("%s: %s", e.Version.Ref, e.Rule))
	}
	return out
}

func TestWhatGoesAndWhy(t *testing.T) {
	floor := cache.Policy{Floor: cache.Amount{Bytes: 10 * gb}, Keep: 1}
	pinned, half, full := held("app", 1, 90), held("app", 2, 1), state(50*gb, held("app", 1, 9))
	pinned.Pinned, pinned.PinnedUntil = true, noon.Add(time.Second)
	half.Complete = false
	full.Full = true
	short := held("app", 1, 90)
	short.Copies = &cache.Copies{Target: 2, Others: 1}
	old := short // what the site shall keep copies of, though no distribution needs it
	old.Copies = &cache.Copies{Target: 2}
	alone := old
	alone.Copies = &cache.Copies{Target: 2, Live: true}
	elsewhere := old
	elsewhere.Copies = &cache.Copies{Target: 2, Elsewhere: true}
	inUse := held("app", 1, 90)
	inUse.InUse, inUse.Purged = true, "anna purged app"
	purged := held("app", 2, 5)
	purged.Purged = "anna purged app@2"
	for _, c := range []struct {
		name   string
		policy cache.Policy
		state  cache.State
		want   []string
	}{
		{"nothing presses", floor, state(50*gb, held("app", 1, 9), held("app", 2, 5), wanted(held("app", 3, 1))), nil},
		{"the oldest goes first, and the last good one stays", floor,
			state(1*gb, held("app", 2, 5), held("app", 1, 9), wanted(held("app", 3, 1))), []string{"app@1: floor"}},
		{"what was in use until now stays even if none shall be kept", cache.Policy{Floor: floor.Floor},
			state(1*gb, held("app", 1, 9), held("app", 2, 5), func() cache.Version { v := wanted(held("app", 3, 1)); v.Complete = false; return v }()),
			[]string{"app@1: floor"}},
		{"what is in use stays while nothing of the newer one is stored", cache.Policy{Floor: floor.Floor}, func() cache.State {
			s := state(1*gb, held("app", 1, 9), held("app", 2, 5))
			s.Wanted = []string{"app"}
			return s
		}(), []string{"app@1: floor"}},
		{"content that nothing wants goes at last", floor, state(1*gb, held("old", 1, 9), held("old", 2, 5)), []string{"old@1: floor", "old@2: floor"}},
		{"only until there is a fourth more than the floor", floor,
			state(9*gb, held("a", 1, 9), held("b", 1, 8), held("c", 1, 7), held("d", 1, 6), held("e", 1, 5)),
			[]string{"a@1: floor", "b@1: floor", "c@1: floor", "d@1: floor"}},
		{"quota", cache.Policy{Quota: cache.Amount{Percent: 3}, Keep: 1},
			state(50*gb, held("a", 1, 9), held("b", 1, 8), held("c", 1, 7), wanted(held("d", 1, 6))), []string{"a@1: quota", "b@1: quota"}},
		{"what is not complete goes first", floor, state(9*gb+900_000_000, half, held("other", 1, 90), wanted(held("app", 3, 1))),
			[]string{"app@2: floor", "other@1: floor"}},
		{"what the site shall have does not expire", cache.Policy{Age: time.Hour, Idle: time.Hour}, state(50*gb, old, wanted(held("app", 3, 1))), nil},
		{"it goes when room is needed and nobody else has any", cache.Policy{Floor: floor.Floor}, state(1*gb, old, wanted(held("app", 3, 1))), []string{"app@1: floor"}},
		{"it stays while others have room", cache.Policy{Floor: floor.Floor}, state(1*gb, elsewhere, wanted(held("app", 3, 1))), nil},
		{"the last one that a distribution needs stays", cache.Policy{Floor: floor.Floor}, state(1*gb, alone, wanted(held("app", 3, 1))), nil},
		{"a pin holds", floor, state(1*gb, pinned, held("app", 2, 5), wanted(held("app", 3, 1))), nil},
		{"what is in use stays, also when it is purged", floor, state(1*gb, inUse, held("app", 2, 5)), []string{"app@2: floor"}},
		{"a pin ends", floor, func() cache.State {
			s := state(1*gb, pinned, held("app", 2, 5), wanted(held("app", 3, 1)))
			s.Now = noon.Add(time.Second)
			return s
		}(), []string{"app@1: floor"}},
		{"idle for too long", cache.Policy{Idle: 8 * time.Hour, Keep: 1}, state(50*gb, held("app", 1, 9), held("app", 2, 9), wanted(held("app", 3, 9))), []string{"app@1: idle"}},
		{"here for too long", cache.Policy{Age: 8 * time.Hour}, state(50*gb, held("app", 1, 9), held("app", 2, 3)), []string{"app@1: age"}},
		{"nothing expires by a clock that nobody confirmed", cache.Policy{Age: 1, Idle: 1}, func() cache.State {
			s := state(50*gb, held("app", 1, 9))
			s.Clock = false
			return s
		}(), nil},
		{"a full disk, whatever it says is free", floor, full, []string{"app@1: room"}},
		{"what the site has too few copies of goes last", floor, state(9*gb, short, held("b", 1, 1)), []string{"b@1: floor", "app@1: floor"}},
		{"a purge takes what is kept to go back to", floor, state(50*gb, held("app", 1, 9), purged, wanted(held("app", 3, 1))), []string{"app@2: purged"}},
	} {
		if got := goes(cache.Decide(c.policy, c.state)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestReasonsAreInWords(t *testing.T) {
	p := cache.Policy{Floor: cache.Amount{Bytes: 10 * gb}, Keep: 1}
	plan := cache.Decide(p, state(9_500_000_000, held("app", 1, 9), held("app", 2, 5), wanted(held("app", 3, 1))))
	if len(plan.Evict) != 1 || plan.Evict[0].Reason != "9.5 GB are free on the disk, and 10 GB shall be" {
		t.Errorf("got %+v", plan.Evict)
	}
	var kept []string
	for _, k := range plan.Keep {
		kept = append(kept, k.Version.Ref.String()+": "+k.Reason)
	}
	if want := []string{"app@2: kept to go back to", "app@3: a distribution wants it here"}; !slices.Equal(kept, want) {
		t.Errorf("got %q, want %q", kept, want)
	}
	ref := content.Ref{Name: "app", Version: "4"}
	v := cache.Admit(p, state(12*gb, held("app", 2, 5), wanted(held("app", 3, 1))), ref, 5*gb)
	if want := "app@4 takes 5 GB, and 3 GB are missing: 12 GB are free on the disk, 0 B may be freed, and 10 GB stay free (10GB): make room, or lower --cache-floor"; v.Admit || v.Reason != want {
		t.Errorf("got %+v, want %q", v, want)
	}
	p.Largest = cache.Amount{Percent: 4}
	v = cache.Admit(p, state(90*gb), ref, 5*gb)
	if want := "app@4 takes 5 GB, and no version of more than 4 GB is admitted here (4%): raise --cache-largest"; v.Admit || v.Reason != want {
		t.Errorf("got %+v, want %q", v, want)
	}
}

func TestWhatIsWantedMakesRoom(t *testing.T) {
	p := cache.Policy{Floor: cache.Amount{Bytes: 10 * gb}, Keep: 1}
	v := cache.Admit(p, state(12*gb, held("app", 1, 9), held("app", 2, 5), wanted(held("app", 3, 1))), content.Ref{Name: "app", Version: "4"}, 3*gb)
	if !v.Admit || len(v.Evict) != 1 || v.Evict[0].Rule != cache.RuleRoom || !strings.HasPrefix(v.Evict[0].Reason, "3 GB are needed for what is wanted") {
		t.Errorf("got %+v, want that app@1 makes room", v)
	}
}

// anyState draws an endpoint in any state.
func anyState(t *rapid.T) cache.State {
	s := cache.State{Now: noon, Clock: rapid.Bool().Draw(t, "clock"), Disk: 100 * gb, Free: rapid.Int64Range(0, 50*gb).Draw(t, "free"),
		Need: rapid.Int64Range(0, 20*gb).Draw(t, "need"), Full: rapid.Bool().Draw(t, "full")}
	for _, name := range []string{"a", "b"} {
		if rapid.Bool().Draw(t, "wants "+name) {
			s.Wanted = append(s.Wanted, name)
		}
	}
	for i := range rapid.IntRange(0, 12).Draw(t, "versions") {
		v := held(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name"), uint64(i+1), rapid.IntRange(0, 100).Draw(t, "hours"))
		v.Bytes = rapid.Int64Range(1, 10*gb).Draw(t, "bytes")
		v.Complete, v.Flow, v.Busy = rapid.Bool().Draw(t, "complete"), rapid.IntRange(0, 3).Draw(t, "flow") == 0, rapid.IntRange(0, 5).Draw(t, "busy") == 0
		v.InUse = rapid.IntRange(0, 6).Draw(t, "in use") == 0
		if v.Pinned = rapid.IntRange(0, 4).Draw(t, "pinned") == 0; v.Pinned && rapid.Bool().Draw(t, "ends") {
			v.PinnedUntil = noon.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "until")) * time.Hour)
		}
		if rapid.IntRange(0, 4).Draw(t, "purged") == 0 {
			v.Purged = "somebody purged it"
		}
		if rapid.Bool().Draw(t, "told") {
			v.Copies = &cache.Copies{Target: rapid.IntRange(0, 3).Draw(t, "target"), Others: rapid.IntRange(0, 4).Draw(t, "others"),
				Elsewhere: rapid.Bool().Draw(t, "elsewhere"), Live: rapid.Bool().Draw(t, "live")}
		}
		s.Versions = append(s.Versions, v)
	}
	return s
}

func anyPolicy(t *rapid.T) cache.Policy {
	amount := func(name string) cache.Amount {
		return cache.Amount{Bytes: rapid.Int64Range(0, 40*gb).Draw(t, name), Percent: float64(rapid.IntRange(0, 40).Draw(t, name+" share"))}
	}
	return cache.Policy{Quota: amount("quota"), Floor: amount("floor"), Largest: amount("largest"), Keep: rapid.IntRange(0, 2).Draw(t, "keep"),
		Age: time.Duration(rapid.IntRange(0, 90).Draw(t, "age")) * time.Hour, Idle: time.Duration(rapid.IntRange(0, 90).Draw(t, "idle")) * time.Hour}
}

// newestGood is the newest complete version of some content that no flow needs and
// nobody purged.
func newestGood(s cache.State, name string) (best cache.Version) {
	for _, v := range s.Versions {
		if v.Ref.Name == name && v.Complete && !v.Flow && v.Purged == "" && v.Serial > best.Serial {
			best = v
		}
	}
	return best
}

func TestNothingThatMattersIsEverEvicted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, s := anyPolicy(t), anyState(t)
		seen := map[content.VersionID]int{}
		plan := cache.Decide(p, s)
		for _, e := range plan.Evict {
			v, c := e.Version, e.Version.Copies
			seen[v.ID]++
			switch {
			case v.InUse:
				t.Fatalf("%s goes, and is in use", v.Ref)
			case v.Flow || v.Busy:
				t.Fatalf("%s goes, and a flow needs it", v.Ref)
			case v.Pinned && (v.PinnedUntil.IsZero() || v.PinnedUntil.After(s.Now)):
				t.Fatalf("%s goes, and is pinned", v.Ref)
			case c != nil && c.Live && c.Others == 0:
				t.Fatalf("%s goes, the last copy of what a distribution needs", v.Ref)
			case c != nil && c.Others < c.Target && c.Elsewhere && v.Purged == "":
				t.Fatalf("%s goes, and the site has too few and room elsewhere", v.Ref)
			case e.Reason == "" || e.Rule == "":
				t.Fatalf("%s goes for no reason", v.Ref)
			case !s.Clock && (e.Rule == cache.RuleAge || e.Rule == cache.RuleIdle):
				t.Fatalf("%s expires by a clock that nobody confirmed", v.Ref)
			}
			wanted, whole := slices.Contains(s.Wanted, v.Ref.Name), false
			for _, o := range s.Versions {
				if o.Ref.Name == v.Ref.Name && o.Flow {
					wanted, whole = true, whole || o.Complete
				}
			}
			if wanted && (!whole || p.Keep > 0) && newestGood(s, v.Ref.Name).ID == v.ID {
				t.Fatalf("%s goes, and is what applications use or can go back to", v.Ref)
			}
		}
		for _, k := range plan.Keep {
			if seen[k.Version.ID]++; k.Reason == "" {
				t.Fatalf("%s stays for no reason", k.Version.Ref)
			}
		}
		for _, v := range s.Versions {
			if seen[v.ID] != 1 {
				t.Fatalf("%s is decided on %d times", v.Ref, seen[v.ID])
			}
		}
	})
}

func TestRoomIsMadeWhereItCanBe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, s := anyPolicy(t), anyState(t)
		plan := cache.Decide(p, s)
		var freed int64
		for _, e := range plan.Evict {
			freed += e.Version.Bytes
		}
		spare := 0
		for _, k := range plan.Keep {
			if !k.Safe {
				spare++
			}
		}
		if plan.Short > 0 && (spare > 0 || plan.Why == "") {
			t.Fatalf("%d bytes are missing, %d versions may go; %q", plan.Short, spare, plan.Why)
		}
		v := cache.Admit(p, s, content.Ref{Name: "new", Version: "1"}, rapid.Int64Range(1, 30*gb).Draw(t, "size"))
		if room := cache.Room(p, s); room > 0 && !cache.Admit(p, s, content.Ref{}, room).Admit || cache.Admit(p, s, content.Ref{}, room+1).Admit {
			t.Fatalf("room for %d bytes: these are not admitted, or more", room)
		}
		if !v.Admit && len(v.Evict) > 0 || v.Reason == "" {
			t.Fatalf("%+v: what is refused makes nothing go", v)
		}
	})
}

func TestTheSameStateGetsTheSameAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, s := anyPolicy(t), anyState(t)
		first := cache.Decide(p, s)
		s.Versions = rapid.Permutation(s.Versions).Draw(t, "order")
		if second := cache.Decide(p, s); !reflect.DeepEqual(first, second) {
			t.Fatalf("got %+v and %+v", first, second)
		}
	})
}

func TestFreeIsWhatNothingGoesFor(t *testing.T) {
	p := cache.Policy{Floor: cache.Amount{Bytes: 10 * gb}}
	if got, want := cache.Free(p, state(20*gb, held("a", 1, 9))), int64(20*gb-12*gb-gb/2); got != want {
		t.Errorf("%d free of 20 GB, want what is above the floor and a fourth: %d", got, want)
	}
	p.Quota = cache.Amount{Bytes: 10 * gb}
	if got, want := cache.Free(p, state(90*gb, held("a", 1, 9))), int64(10*gb-gb/2-gb); got != want {
		t.Errorf("%d free of a quota of 10 GB, want %d", got, want)
	}
	if got := cache.Free(p, state(5*gb)); got != 0 {
		t.Errorf("%d free below the floor, want none", got)
	}
}
