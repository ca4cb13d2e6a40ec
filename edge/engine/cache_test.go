package engine_test

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/cache"
	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// smallDisk is a file system with nothing on it but the stand's folder.
type smallDisk struct {
	dir    string
	size   atomic.Int64
	shared atomic.Int64 // bytes of each version that it shares with others
}

func (d *smallDisk) Room() (size, free int64, err error) {
	size = d.size.Load()
	free = size
	err = filepath.WalkDir(d.dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			free -= info.Size()
		}
		return err
	})
	return size, max(free, 0), err
}

func (d *smallDisk) Needs(_ context.Context, head content.Head, _ *content.Body) (all, shared int64) {
	return head.Bytes + head.BodyBytes, d.shared.Load()
}

// onDisk starts the stand anew on a disk of some size, which a version takes 2 MB of.
func (s *stand) onDisk(size int64, p cache.Policy) *smallDisk {
	s.stop()
	d := &smallDisk{dir: s.dir}
	d.size.Store(size)
	s.cache = &engine.Cache{Disk: d, Policy: p, Save: func(m cache.Memory) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cache.Memory = m
		return nil
	}}
	s.run()
	return d
}

// order orders the n-th version of the content, instead of others of it, and has its
// body fetched.
func (s *stand) order(n uint64) wire.Flow {
	head := s.head
	head.Version, head.Serial = fmt.Sprint(n), s.head.Serial+n
	flow := s.sign(head, wire.Normal)
	flow.Generation = 10 * n
	s.want(flow)
	s.eng.Heard(wire.KindLease, &wire.Lease{Flow: flow.ID, Epoch: 1, Lease: 1000 * n, Body: true, To: int64(len(s.body)), TTLMs: 20_000})
	time.Sleep(2 * time.Second)
	synctest.Wait()
	return flow
}

// deliver orders the n-th version and has all of it fetched.
func (s *stand) deliver(n uint64) wire.Flow {
	flow := s.order(n)
	s.leaseOf(flow, 1000*n+1, 0, 20)
	time.Sleep(2 * time.Second)
	synctest.Wait()
	return flow
}

// delivered lists the versions that applications see.
func (s *stand) delivered() (versions []string) {
	entries, err := os.ReadDir(filepath.Join(s.dir, "content", s.head.Name))
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		versions = append(versions, e.Name())
	}
	return versions
}

func (s *stand) wantDelivered(want ...string) {
	s.t.Helper()
	if got := s.delivered(); !slices.Equal(got, want) {
		s.t.Errorf("delivered %v, want %v", got, want)
	}
}

func (s *stand) cacheStatus() *engine.CacheStatus {
	s.t.Helper()
	st, err := s.eng.Status(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return st.Cache
}

func TestDiskThatFillsEvictsWhatWasSupersededAndSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.onDisk(5_000_000, cache.Policy{Keep: 1})
		s.deliver(1)
		s.deliver(2)
		s.wantDelivered("1", "2")
		for n := uint64(3); n < 6; n++ {
			s.deliver(n)
			if p := s.lastProgress(); !p.Complete || p.Code != "" {
				t.Fatalf("progress %+v, want version %d complete", p, n)
			}
			s.wantDelivered(fmt.Sprint(n-1), fmt.Sprint(n))
		}
		got := s.cacheStatus()
		if len(got.Evicted) != 3 || got.Evicted[0].Version != "1" || got.Evicted[0].Rule != cache.RuleRoom ||
			!strings.Contains(got.Evicted[0].Reason, "are needed for what is wanted") || got.Counts[cache.RuleRoom] != 3 {
			t.Errorf("evicted %+v, want versions 1 to 3 for the room", got.Evicted)
		}
		var held []string
		for _, h := range got.Held {
			held = append(held, h.Version+": "+h.Reason)
		}
		if want := []string{"4: kept to go back to", "5: a distribution wants it here"}; !slices.Equal(held, want) {
			t.Errorf("held %q, want %q", held, want)
		}
	})
}

func TestVersionThatFindsNoRoomIsRefusedAndNothingGoesForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		d := s.onDisk(5_000_000, cache.Policy{Keep: 5})
		s.deliver(1)
		s.deliver(2)
		flow := s.order(3)
		if p := s.lastProgress(); p.Code != wire.CodeDiskFull || !strings.Contains(p.Error, "app@3 takes 2 MB") {
			t.Fatalf("progress %+v, want that there is no room and for what", p)
		}
		s.wantDelivered("1", "2")
		d.size.Store(9_000_000)
		time.Sleep(time.Minute) // it tries again by itself
		s.leaseOf(flow, 5000, 0, 20)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if p := s.lastProgress(); !p.Complete {
			t.Errorf("progress %+v, want it complete once there is room", p)
		}
		s.wantDelivered("1", "2", "3")
	})
}

// What is shared takes no room while it stays: with it the third version fits, and
// where others had to go for it they might be those that it shares with.
func TestWhatIsSharedIsNotMadeRoomFor(t *testing.T) {
	for name, c := range map[string]struct {
		shared, size int64
		want         []string
	}{
		"nothing is shared":      {0, 5_000_000, []string{"2", "3"}},
		"most is":                {1_900_000, 5_000_000, []string{"1", "2", "3"}},
		"too little is shared":   {500_000, 5_000_000, []string{"2", "3"}},
		"more room than is said": {1_900_000, 7_000_000, []string{"1", "2", "3"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t)
				defer func() { s.stop() }()
				disk := s.onDisk(c.size, cache.Policy{Keep: 1})
				s.deliver(1)
				s.deliver(2)
				disk.shared.Store(c.shared)
				flow := s.order(3)
				disk.size.Store(50_000_000) // for the fake one does not share
				s.leaseOf(flow, 3001, 0, 20)
				time.Sleep(2 * time.Second)
				synctest.Wait()
				s.wantDelivered(c.want...)
			})
		})
	}
}

func TestVersionThatIsTooLargeForTheEndpointIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.onDisk(50_000_000, cache.Policy{Largest: cache.Amount{Percent: 2}})
		s.order(1)
		if p := s.lastProgress(); p.Code != wire.CodeTooLarge || !strings.Contains(p.Error, "--cache-largest") {
			t.Errorf("progress %+v, want that it is too large", p)
		}
	})
}

func TestSupersededVersionExpiresAlsoOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.onDisk(50_000_000, cache.Policy{Idle: 10 * time.Minute})
		s.deliver(1)
		time.Sleep(20 * time.Minute) // it is wanted, and so not idle
		s.wantDelivered("1")
		flow := s.deliver(2)
		time.Sleep(6 * time.Minute)
		s.wantDelivered("1", "2")
		s.stop()
		s.run()
		s.want(flow)
		time.Sleep(3 * time.Minute)
		s.wantDelivered("1", "2")
		time.Sleep(2 * time.Minute)
		s.wantDelivered("2")
		if got := s.cacheStatus().Evicted; len(got) != 1 || got[0].Rule != cache.RuleIdle {
			t.Errorf("evicted %+v, want version 1 because it was idle", got)
		}
	})
}

// After a restart the disk may be full of what the server is about to want.
func TestNothingGoesBeforeItIsKnownWhatIsWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.onDisk(50_000_000, cache.Policy{})
		s.deliver(1)
		flow := s.deliver(2)
		s.onDisk(50_000_000, cache.Policy{Floor: cache.Amount{Percent: 99}, Idle: 1})
		time.Sleep(time.Hour)
		s.wantDelivered("1", "2")
		if got := s.cacheStatus().Held; len(got) != 2 || got[0].Reason != "the server has not said yet what is wanted" {
			t.Errorf("held %+v, want the reason", got)
		}
		s.want(flow)
		time.Sleep(time.Minute)
		synctest.Wait()
		s.wantDelivered("2")
	})
}

// slowRemoval is a store whose removals wait.
type slowRemoval struct {
	chunk.Store
	begun, go_ chan struct{}
}

func (r slowRemoval) Remove(ctx context.Context, id content.VersionID) error {
	close(r.begun)
	<-r.go_
	return r.Store.Remove(ctx, id)
}

func TestVersionThatIsWantedAgainWhileItGoesComesAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		slow := slowRemoval{begun: make(chan struct{}), go_: make(chan struct{})}
		s.wrap = func(inner chunk.Store) chunk.Store { slow.Store = inner; return slow }
		s.onDisk(50_000_000, cache.Policy{Idle: time.Hour})
		first := s.deliver(1)
		s.deliver(2)
		time.Sleep(2 * time.Hour)
		<-slow.begun
		first.Generation = 99
		s.want(first)
		close(slow.go_)
		time.Sleep(2 * time.Second)
		s.leaseOf(first, 7000, 0, 20)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if p := s.lastProgress(); p.Flow != first.ID || !p.Complete || p.Bytes.Origin+p.Bytes.Reused != 2_000_000 {
			t.Errorf("progress %+v, want version 1 complete again", p)
		}
		s.wantDelivered("1", "2")
	})
}

func TestLateLeaseOfAVersionThatWasEvictedDoesNoHarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.onDisk(50_000_000, cache.Policy{Idle: time.Hour})
		first := s.deliver(1)
		s.deliver(2)
		s.leaseOf(first, 8000, 0, 20)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		s.wantDelivered("2")
		s.eng.Heard(wire.KindRevoke, &wire.Revoke{Epoch: 1, Lease: 8000})
		s.leaseOf(first, 8001, 0, 20)
		s.eng.Disconnected()
		time.Sleep(time.Minute)
		if _, err := s.eng.Status(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestTimesAreKeptAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.onDisk(5_000_000, cache.Policy{})
		kept := func() int {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(slices.Collect(maps.Keys(s.cache.Memory)))
		}
		for n, want := range []int{1, 2, 2, 2} {
			s.deliver(uint64(n + 1))
			if got := kept(); got != want {
				t.Errorf("after version %d the times of %d are kept, want %d", n+1, got, want)
			}
		}
	})
}

// keeping says again what is wanted, and what to keep and to delete besides.
func (s *stand) keeping(flow wire.Flow, pins []wire.Pin, purges []wire.Purge) {
	flow.Generation++
	s.eng.Heard(wire.KindFlows, &wire.Flows{Generation: flow.Generation, IDs: []content.VersionID{flow.ID}, Pins: pins, Purges: purges})
	time.Sleep(time.Second)
	synctest.Wait()
}

func TestPurgeDeletesAndAPinKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.onDisk(50_000_000, cache.Policy{Keep: 5, Age: time.Minute})
		s.deliver(1)
		s.deliver(2)
		flow := s.deliver(3)
		purge := []wire.Purge{{Content: "app", Serial: s.head.Serial + 2, Why: "ann purged app everywhere"}}
		s.keeping(flow, []wire.Pin{{Content: "app", Version: "2", Until: time.Now().Add(time.Hour)}}, purge)
		s.wantDelivered("2", "3")
		if got := s.cacheStatus().Evicted; len(got) != 1 || got[0].Rule != cache.RulePurged || got[0].Reason != "ann purged app everywhere" {
			t.Errorf("evicted %+v, want version 1 because it was purged", got)
		}
		time.Sleep(30 * time.Minute)
		s.wantDelivered("2", "3")
		time.Sleep(31 * time.Minute)
		s.wantDelivered("3")
		s.keeping(flow, nil, []wire.Purge{{Content: "app", Version: "3", Serial: 99}}) // what a flow needs stays
		s.wantDelivered("3")
		s.eng.Heard(wire.KindFlows, &wire.Flows{Generation: 99, Purges: []wire.Purge{{Content: "app", Serial: 99}}})
		time.Sleep(time.Second)
		synctest.Wait()
		s.wantDelivered()
	})
}

func (s *stand) stocks() []wire.Stock { return sentToServer[wire.Stock](s) }

func TestServerIsToldWhatIsInStoreAndHowMuchMoreFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.onDisk(50_000_000, cache.Policy{Largest: cache.Amount{Percent: 50}})
		time.Sleep(time.Second)
		if got := s.stocks(); len(got) != 1 || len(got[0].Holds) != 0 || got[0].Room > 25_000_000 || got[0].Room < 23_000_000 {
			t.Fatalf("told %+v, want nothing in store and room for 25 MB", got)
		}
		first := s.deliver(1)
		if got := s.stocks(); !slices.Equal(got[len(got)-1].Holds, []content.VersionID{first.ID}) {
			t.Errorf("told %+v, want version 1 in store", got)
		}
		told := len(s.stocks())
		time.Sleep(30 * time.Minute)
		if got := s.stocks(); len(got) != told {
			t.Errorf("told %d times more, though nothing changed", len(got)-told)
		}
		s.eng.Connected(wire.Welcome{Epoch: 2, Site: "shop"})
		time.Sleep(time.Second)
		if got := s.stocks(); len(got) != told+1 {
			t.Errorf("told %d times in a new session, want once", len(got)-told)
		}
	})
}

// A message names only some of what is spare: within a few minutes all of it was named.
func TestAllThatIsSpareIsNamedInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.onDisk(1_000_000_000, cache.Policy{})
		const versions = wire.MaxKeeping + 6
		for n := uint64(1); n <= versions; n++ {
			s.order(n)
		}
		at := len(s.stocks())
		time.Sleep(3 * time.Minute)
		named := map[string]bool{}
		for _, stock := range s.stocks()[at:] {
			for _, v := range stock.Spare {
				named[v.Version] = true
			}
		}
		if len(named) != versions-1 || named[fmt.Sprint(versions)] {
			t.Errorf("named %d versions, want all %d but the one that is wanted", len(named), versions-1)
		}
		if told := len(s.stocks()) - at; told > 4 {
			t.Errorf("told %d times in three minutes", told)
		}
	})
}

func TestCopyThatTheSiteNeedsIsNotEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.onDisk(50_000_000, cache.Policy{Idle: time.Minute})
		first := s.deliver(1)
		flow := s.deliver(2)
		tell := func(c wire.Copies) {
			flow.Generation++
			s.eng.Heard(wire.KindFlows, &wire.Flows{Generation: flow.Generation, IDs: []content.VersionID{flow.ID}, Copies: []wire.Copies{c}})
			time.Sleep(5 * time.Minute)
			synctest.Wait()
		}
		tell(wire.Copies{ID: first.ID, Target: 2})
		tell(wire.Copies{ID: first.ID, Target: 2, Others: 1, Elsewhere: true})
		s.wantDelivered("1", "2")
		tell(wire.Copies{ID: first.ID, Target: 2, Others: 2, Elsewhere: true})
		s.wantDelivered("2")
	})
}

// story is a random life of an endpoint on a small disk.
type story struct {
	*stand
	disk    *smallDisk
	flow    wire.Flow
	n       uint64 // of the version ordered last
	whole   bool   // it was complete
	active  uint64 // the version before it that was complete last, and nobody purged; 0: none
	purges  []wire.Purge
	reached map[string]int
}

// step does something and returns what.
func (s *story) step(rng *rand.Rand) string {
	what := []string{"part", "whole", "restart", "disk", "purge"}[rng.IntN(5)]
	s.reached[what]++
	switch what {
	case "part", "whole":
		if s.whole {
			s.active = s.n
		}
		s.n++
		s.flow, s.whole = s.order(s.n), false
		past := uint32(20)
		if what == "part" {
			past = 1 + rng.Uint32N(19)
		}
		s.leaseOf(s.flow, 1000*s.n+1, 0, past)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if p := s.lastProgress(); p.Flow == s.flow.ID && p.Complete {
			s.whole = true
		} else if p.Code == wire.CodeDiskFull {
			s.reached["full"]++
		}
	case "restart":
		s.stop()
		s.run()
		s.flow.Generation++
		s.want(s.flow)
	case "disk":
		s.disk.size.Store([]int64{3_900_000, 5_000_000, 9_000_000}[rng.IntN(3)])
	case "purge":
		s.purges, s.active = []wire.Purge{{Content: "app", Serial: s.head.Serial + s.n}}, 0
		s.keeping(s.flow, nil, s.purges)
		s.flow.Generation++
	}
	time.Sleep(90 * time.Second)
	synctest.Wait()
	if p := s.lastProgress(); p.Flow == s.flow.ID && p.Complete { // older versions had what was missing
		s.whole = true
	}
	return what
}

// check reads what must be there.
func (s *story) check(after string) {
	s.t.Helper()
	for n, must := range map[uint64]bool{s.n: s.whole, s.active: s.active > 0 && !s.whole} {
		if !must {
			continue
		}
		info, err := os.Stat(filepath.Join(s.dir, "content", "app", fmt.Sprint(n), "app.bin"))
		if err != nil || info.Size() != s.head.Bytes {
			s.t.Fatalf("after %s at version %d: version %d is not there: %v", after, s.n, n, err)
		}
	}
}

func TestEvictionNeverBreaksAFlowOrTakesWhatIsInUse(t *testing.T) {
	reached := map[string]int{}
	for seed := range uint64(15) {
		synctest.Test(t, func(t *testing.T) {
			s := &story{stand: newStand(t), reached: reached}
			defer func() { s.stop() }()
			s.disk = s.onDisk(9_000_000, cache.Policy{Idle: 5 * time.Minute, Keep: int(seed % 2)})
			rng := rand.New(rand.NewPCG(seed, 0))
			s.n = 1
			s.flow = s.deliver(1)
			s.whole = true
			for range 20 {
				s.check(s.step(rng))
			}
			reached["evicted"] += len(s.cacheStatus().Evicted)
		})
	}
	for _, what := range []string{"full", "evicted", "restart", "purge"} {
		if reached[what] == 0 {
			t.Errorf("no story had %s: %v", what, reached)
		}
	}
}
