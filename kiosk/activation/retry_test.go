package activation_test

import (
	"testing"
	"time"
)

func TestAVersionThatFailedIsTriedAgainOnceForEachWish(t *testing.T) {
	d := onFirst(t, tenSeconds)
	d.bad["2"] = "bad"
	d.hears(true, wanted(1, 2))
	d.pass(time.Minute)
	d.want("rolled_back", "1", "2 failed: bad")
	d.wantSaid("show 2", "show 1")
	hears := func(wish uint64, want ...string) {
		t.Helper()
		versions := wanted(1, 2)
		versions[1].Retry = wish
		d.hears(true, versions)
		d.pass(time.Hour)
		d.wantSaid(want...)
	}
	hears(7, "show 2", "show 1")
	hears(7)
	d.start() // the wish is in the journal
	d.pass(time.Hour)
	d.wantSaid("start", "show 1")
	hears(7)
	delete(d.bad, "2")
	hears(8, "show 2")
	d.want("active", "2", "")
}

// A process that was told of no wish yet says that the trial failed.
func TestAVersionThatEndsTheComputerIsTriedAgainOnceForEachWish(t *testing.T) {
	d := onFirst(t, tenSeconds)
	d.bad["2"] = "bad"
	d.hears(true, wanted(1, 2))
	d.pass(time.Minute)
	delete(d.bad, "2")
	versions := wanted(1, 2)
	versions[1].Retry = 7
	d.hears(true, versions)
	for range 3 {
		d.want("activating", "2", "2 is on trial")
		d.pass(5 * time.Second)
		d.start()
	}
	d.pass(time.Hour)
	d.want("rolled_back", "1", "2 failed: this program or the computer ended 3 times while it was tried")
}
