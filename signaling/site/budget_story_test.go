package site_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/reason"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// Three sites share 1.2 MB/s: one has a slow line, one fetches less than it may for a while and
// is then done, and one begins later. What they may take together is never more.
func TestSitesShareWhatTheyMayTakeTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const together = 1_200_000
		budget := &site.Budget{}
		open := func(name string) *stand {
			cfg := config(name)
			cfg.Budget = budget
			s := newStandOf(t, cfg)
			s.want.Together = together
			return s
		}
		slow, fast, late := open("slow"), open("fast"), open("late")
		for _, s := range []*stand{slow, fast, late} {
			defer s.close()
		}
		a := version("a", 4000) // 400 MB
		small := version("small", 150)
		slow.order(a)
		fast.order(a)
		late.order(small)
		tills := map[string]*fetcher{"slow": slow.fetcher(300_000, a), "fast": fast.fetcher(10_000_000, a)}
		wantSum := func() (sum int64) {
			t.Helper()
			for name, till := range tills {
				if till.bound == wire.Unlimited {
					t.Fatalf("%s is bound by nothing", name)
				}
				sum += till.bound
			}
			if sum > together {
				t.Fatalf("together they may take %d, want %d at most", sum, together)
			}
			return sum
		}
		run := func(seconds int) {
			t.Helper()
			for range seconds {
				for _, till := range tills {
					till.listens()
				}
				slow.pass(time.Second)
				for _, till := range tills {
					till.works()
				}
			}
		}
		run(5)
		wantSum()
		for range 60 {
			run(1)
			wantSum()
		}
		if got := tills["fast"].bound; got < 700_000 {
			t.Errorf("beside a site whose line gives a quarter the other may take %d, want more than half", got)
		}
		if got := tills["slow"].bound; got < 300_000 {
			t.Errorf("the one with the slow line may take %d, want what it takes", got)
		}
		tills["late"] = late.fetcher(10_000_000, small)
		run(3)
		for range 20 {
			run(1)
			wantSum()
		}
		if got := len(tills["late"].flows[small.ID].have); got < 20 {
			t.Errorf("who came late got %d chunks", got)
		}
		run(60)
		if !tills["late"].flows[small.ID].at.IsZero() {
			delete(tills, "late")
		}
		run(20)
		if got := wantSum(); got < 900_000 || len(tills) != 2 {
			t.Errorf("when it is done the others may take %d, want nearly all", got)
		}
		if why := fast.flow(a).Why; why.Code == reason.AwaitsPart {
			t.Errorf("while it fetches it is said to wait: %+v", why)
		}
	})
}
