package activation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/kiosk/activation"
)

// watching probes every 30 s, and three failures in a row are too many.
func watching(do activation.Remedy) activation.Policy {
	return activation.Policy{ProbeTime: 10 * time.Second, Watch: activation.Watch{Do: do, Every: 30 * time.Second, Failures: 3}}
}

// onSecond is a device on which version 2 was kept, and 1 is there to go back to. No time
// has passed on its clock.
func onSecond(t *testing.T, p activation.Policy) *device {
	d := onFirst(t, p)
	d.hears(true, wanted(1, 2))
	d.pass(p.ProbeTime + time.Second)
	d.want("active", "2", "")
	d.said, d.now = nil, noon
	d.start()
	d.said = nil
	return d
}

func TestVersionThatFailsAfterItWasKeptIsUnhealthyUntilItDoesItsWork(t *testing.T) {
	d := onSecond(t, watching(activation.WatchTell))
	d.pass(time.Hour)
	d.want("active", "2", "")
	d.bad["2"] = "status 500"
	began := d.now
	d.pass(75 * time.Second)
	d.want("active", "2", "")
	d.pass(30 * time.Second)
	d.want("unhealthy", "2", "2 does its work no more: status 500")
	if s := d.state.Status(d.policy); s.Since.Sub(began) < 0 || s.Since.Sub(began) > 30*time.Second {
		t.Errorf("since %v, it began at %v", s.Since, began)
	}
	d.pass(24 * time.Hour)
	d.want("unhealthy", "2", "2 does its work no more: status 500")
	d.wantSaid() // it is only told
	delete(d.bad, "2")
	d.pass(30 * time.Second)
	d.want("active", "2", "")
	if s := d.state.Status(d.policy); !s.Since.IsZero() {
		t.Errorf("well since %v", s.Since)
	}
}

func TestFewFailuresInARowAreNoSickness(t *testing.T) {
	d := onSecond(t, watching(activation.WatchRollback))
	for range 10 {
		d.bad["2"] = "busy"
		d.pass(60 * time.Second)
		d.want("active", "2", "")
		delete(d.bad, "2")
		d.pass(30 * time.Second)
	}
	d.wantSaid()
}

func TestDisplayIsStartedAnewLaterEachTime(t *testing.T) {
	d := onSecond(t, watching(activation.WatchRestart))
	d.bad["2"] = "white screen"
	d.pass(13 * time.Minute)
	d.wantSaid("restart after 1m30s", "restart after 3m0s", "restart after 6m0s", "restart after 12m0s")
	d.want("unhealthy", "2", "2 does its work no more: white screen")
	if h := d.history(); len(h) != 2 {
		t.Errorf("history %q, want that of its activations", h)
	}
	delete(d.bad, "2")
	d.pass(time.Minute)
	d.bad["2"], d.said = "again", nil
	d.pass(2 * time.Minute)
	if len(d.said) != 1 {
		t.Errorf("%q, want it started anew as soon as the first time", d.said)
	}
}

func TestVersionThatWasKeptIsTakenBackOnceWhereTheDeviceSaysSo(t *testing.T) {
	p := watching(activation.WatchRollback)
	p.Keep, p.After = 3, true
	d := onSecond(t, p)
	d.hears(true, wanted(1, 2, 3))
	d.pass(time.Minute)
	d.said, d.now = nil, noon
	d.start()
	d.said = nil
	d.bad["3"], d.bad["2"] = "its disk is full", "its disk is full"
	d.pass(3*time.Minute + time.Second)
	d.wantSaid("restart after 1m30s", "show 2", "after 3, was 2 rolled_back")
	d.want("rolled_back", "2", "3 failed: it did its work no more after it was kept: its disk is full")
	if got, want := d.history()[0], "3 from 2: rolled_back"; got != want {
		t.Errorf("history %q, want %q", got, want)
	}
	// 2 has the same trouble: it stays, also over a restart, and so does what failed.
	d.pass(10 * time.Minute)
	d.start()
	d.pass(10 * time.Minute)
	d.want("unhealthy", "2", "2 does its work no more: its disk is full; 3 failed: it did its work no more after it was kept: its disk is full")
	// With a version that is kept it may happen again.
	clear(d.bad)
	d.hears(true, wanted(1, 2, 3, 4))
	d.pass(time.Minute)
	d.want("active", "4", "")
	d.bad["4"] = "its disk is full"
	d.pass(10 * time.Minute)
	d.want("rolled_back", "2", "4 failed: it did its work no more after it was kept: its disk is full")
}

func TestVersionWithNothingToGoBackToStays(t *testing.T) {
	d := onFirst(t, watching(activation.WatchRollback))
	d.bad["1"] = "status 500"
	d.pass(time.Hour)
	d.want("unhealthy", "1", "1 does its work no more: status 500")
	if slices.Contains(d.said, "show nothing") || d.state.Failed != nil {
		t.Errorf("it did %q, %+v", d.said, d.state.Failed)
	}
}

func TestNewerVersionTakesThePlaceOfOneThatIsUnhealthy(t *testing.T) {
	p := watching(activation.WatchRollback)
	p.Before = true
	d := onSecond(t, p)
	d.bad["2"] = "status 500"
	d.pass(2 * time.Minute)
	d.answer["before 3"] = activation.HookEnded{Later: true, Output: "busy"}
	d.hears(true, wanted(1, 2, 3))
	d.want("unhealthy", "2", "2 does its work no more: status 500; the hook before said: not now: busy")
	if s := d.state.Status(p); name(s.Staged) != "3" {
		t.Errorf("staged %s", name(s.Staged))
	}
	delete(d.answer, "before 3")
	d.pass(2 * time.Minute)
	d.want("active", "3", "")
}

// What is said without being asked, or of another version, is no answer.
func TestOnlyAnswersOfTheWatchCount(t *testing.T) {
	d := onSecond(t, watching(activation.WatchRollback))
	for range 20 {
		d.send(activation.Probed{ID: number(2).ID, Err: "the display ended", Fatal: true}, activation.Probed{ID: number(1).ID, Err: "late"},
			activation.Probed{ID: number(2).ID, Err: "late"})
	}
	d.want("active", "2", "")
	d.wantSaid()
}

// Wherever the power goes while a version is taken back, it or the one before is active,
// and in the end that.
func TestPowerCutWhileTheWatchTakesBackLeavesOneOfBoth(t *testing.T) {
	p := watching(activation.WatchRollback)
	p.After = true
	steps := 0
	for reached := true; reached; steps++ {
		d := onSecond(t, p)
		d.bad["2"] = "bad"
		starts := d.starts
		d.cut = steps
		for range 60 {
			if n := name(d.shown); n != "1" && n != "2" {
				t.Fatalf("%s is shown after a power cut before action %d", n, steps)
			}
			d.pass(10 * time.Second)
		}
		d.want("rolled_back", "1", "2 failed: it did its work no more after it was kept: bad")
		if !slices.ContainsFunc(d.said, func(s string) bool { return strings.HasPrefix(s, "after 2, was 1") }) {
			t.Errorf("the hook after was never told, after a power cut before action %d: %q", steps, d.said)
		}
		reached = d.starts > starts
		if d.cut = -1; steps > 1000 {
			t.Fatal("no end")
		}
	}
	if steps < 15 {
		t.Errorf("only %d actions", steps)
	}
}

func TestWatchThatCanNotBeIsRefused(t *testing.T) {
	good := activation.Watch{Do: activation.WatchRestart, Every: activation.DefaultWatchEvery, Failures: activation.DefaultWatchFailures}
	p := activation.Policy{Keep: 2, Watch: good}
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	for want, w := range map[string]activation.Watch{
		"--watch is":        {Do: "pray", Every: time.Minute, Failures: 3},
		"--watch-every":     {Do: activation.WatchTell, Every: time.Millisecond, Failures: 3},
		"--watch-failures":  {Do: activation.WatchTell, Every: time.Minute},
		"want 1 to 1000":    {Do: activation.WatchTell, Every: time.Minute, Failures: activation.MaxWatchFailures + 1},
		"want 1s to 24h0m0": {Do: activation.WatchTell, Every: 25 * time.Hour, Failures: 3},
	} {
		p.Watch = w
		if err := p.Check(); err == nil || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%+v: %v, want %q", w, err, want)
		}
	}
}
