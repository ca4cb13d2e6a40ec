package activation_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/kiosk/activation"
	"github.com/sitecast/sitecast/storage/content"
)

var tenSeconds = activation.Policy{ProbeTime: 10 * time.Second}

// onFirst is a device on which version 1 is active.
func onFirst(t *testing.T, p activation.Policy) *device {
	d := newDevice(t, p)
	d.hears(true, wanted(1))
	d.pass(p.ProbeTime + time.Minute)
	if name(d.shown) != "1" || d.state.Phase != activation.Idle {
		t.Fatalf("%s is shown in phase %q", name(d.shown), d.state.Phase)
	}
	d.said = nil
	return d
}

func TestVersionIsActivatedProbedAndKept(t *testing.T) {
	d := newDevice(t, tenSeconds)
	d.want("preparing", "nothing", "")
	d.hears(true, wanted(1))
	d.want("activating", "1", "1 is on trial")
	d.pass(9 * time.Second)
	d.want("activating", "1", "1 is on trial")
	d.pass(time.Second)
	d.want("active", "1", "")
	d.hears(true, wanted(1, 2))
	d.pass(10 * time.Second)
	d.want("active", "2", "")
	d.wantSaid("start", "show nothing", "show 1", "show 2")
	if got, want := d.history(), []string{"2 from 1: activated", "1 from : activated"}; !slices.Equal(got, want) {
		t.Errorf("history %q, want %q", got, want)
	}
}

func TestBadVersionRollsBackAndIsNotTriedAgain(t *testing.T) {
	d := onFirst(t, tenSeconds)
	d.bad["2"] = "status 500"
	d.hears(true, wanted(1, 2))
	d.pass(5 * time.Second)
	d.want("activating", "2", "2 is on trial: status 500")
	d.pass(5 * time.Second)
	d.want("rolled_back", "1", "2 failed: status 500")
	d.hears(true, wanted(1, 2))
	d.pass(time.Hour)
	d.start()
	d.pass(time.Hour)
	d.wantSaid("show 2", "show 1", "start", "show 1")
	d.hears(true, wanted(1, 2, 3))
	d.pass(time.Minute)
	d.want("active", "3", "")
	if s := d.state.Status(d.policy); name(s.Previous) != "1" {
		t.Errorf("it would go back to %s, want 1", name(s.Previous))
	}
}

func TestVersionThatNeedsTimeToBecomeWellIsKept(t *testing.T) {
	d := onFirst(t, tenSeconds)
	d.bad["2"] = "connection refused"
	d.hears(true, wanted(1, 2))
	d.pass(7 * time.Second)
	delete(d.bad, "2")
	d.pass(3 * time.Second)
	d.want("active", "2", "")
}

func TestVersionThatCannotBecomeBetterRollsBackAtOnce(t *testing.T) {
	d := onFirst(t, tenSeconds)
	d.hears(true, wanted(1, 2))
	d.send(activation.Probed{ID: number(1).ID, Err: "of an earlier one", Fatal: true})
	d.want("activating", "2", "2 is on trial")
	d.send(activation.Probed{ID: number(2).ID, Err: "the display ended", Fatal: true})
	d.want("rolled_back", "1", "2 failed: the display ended")
}

func TestWithdrawnVersionThatIsOrderedAgainIsTriedAgain(t *testing.T) {
	d := onFirst(t, tenSeconds)
	d.bad["2"] = "bad"
	d.hears(true, wanted(1, 2))
	d.pass(time.Minute)
	d.want("rolled_back", "1", "2 failed: bad")
	delete(d.bad, "2")
	d.hears(false, wanted(1, 2)) // no server: nothing is known to be withdrawn
	d.hears(true, wanted(1, 2))
	d.pass(time.Minute)
	d.want("rolled_back", "1", "2 failed: bad")
	d.hears(true, wanted(2, 1))
	d.hears(true, wanted(1, 2))
	d.pass(time.Minute)
	d.want("active", "2", "")
}

func TestOlderVersionThatTheOperatorGoesBackToIsActivatedWithoutAWindow(t *testing.T) {
	d := onFirst(t, activation.Policy{})
	d.hears(true, wanted(1, 2))
	d.pass(time.Minute)
	d.policy.Windows = activation.Windows{{From: 120, To: 300}}
	d.hears(true, wanted(2, 1))
	d.pass(time.Minute)
	d.want("active", "1", "")
}

func TestWithoutAServerOnlyNewerVersionsBecomeActive(t *testing.T) {
	d := onFirst(t, activation.Policy{})
	d.hears(true, wanted(1, 2))
	d.pass(time.Minute)
	d.hears(false, wanted(2, 1))
	d.pass(time.Minute)
	d.want("active", "2", "")
	d.hears(false, wanted(3, 2))
	d.pass(time.Minute)
	d.want("active", "3", "")
}

// The failure of a version is forgotten when another is ordered; that it was tried is not.
func TestVersionThatFailedIsNotShownAgainBeforeTheServerIsHeard(t *testing.T) {
	d := onFirst(t, tenSeconds)
	d.bad["2"] = "bad"
	d.hears(true, wanted(1, 2))
	d.pass(time.Minute)
	d.want("rolled_back", "1", "2 failed: bad")
	third := append(wanted(1, 2), activation.Delivered{Version: number(3), Wanted: true}) // on its way
	third[1].Wanted = false
	d.hears(true, third)
	d.stock.Known = false
	d.said = nil
	d.start()
	d.pass(time.Minute)
	d.wantSaid("start", "show 1")
	d.hears(false, wanted(1, 2, 3)) // it has come; the server is still away
	d.pass(time.Minute)
	d.want("active", "3", "")
	d.wantSaid("show 3")
}

func TestVersionAheadOfNeedOrIncompleteIsNotActivated(t *testing.T) {
	d := onFirst(t, activation.Policy{})
	d.hears(true, []activation.Delivered{{Version: number(1), Complete: true, Wanted: true},
		{Version: number(2), Wanted: true}, {Version: number(3), Complete: true}})
	d.pass(time.Hour)
	d.want("active", "1", "")
	d.wantSaid()
}

func TestVersionWaitsForItsWindowAtTheSite(t *testing.T) {
	zone := time.FixedZone("there", -5*3600)
	d := onFirst(t, activation.Policy{Windows: activation.Windows{{From: 120, To: 300}}})
	d.hears(true, wanted(1, 2))
	d.want("staged", "1", "waits for 02:00-05:00, and for the server, which knows what time it is")
	d.pass(48 * time.Hour)
	d.want("staged", "1", "waits for 02:00-05:00, and for the server, which knows what time it is")
	// The device believes in noon; it is half past one at the site.
	d.stock.Clock = activation.Clock{Server: time.Date(2026, 11, 27, 6, 30, 0, 0, time.UTC), At: d.now, Zone: zone}
	d.hears(true, wanted(1, 2))
	d.want("staged", "1", "waits for 02:00-05:00, the time at the site")
	d.pass(29 * time.Minute)
	d.wantSaid()
	d.pass(2 * time.Minute)
	d.want("active", "2", "")
	if got, want := d.state.History[0].At, time.Date(2026, 11, 27, 7, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("it is said to have been at %v, want %v", got, want)
	}
	d.pass(4 * time.Hour)
	d.hears(true, wanted(1, 2, 3))
	d.pass(12 * time.Hour)
	d.want("staged", "2", "waits for 02:00-05:00, the time at the site")
}

func TestFirstVersionDoesNotWaitForAWindow(t *testing.T) {
	d := newDevice(t, activation.Policy{Windows: activation.Windows{{From: 120, To: 300}}})
	d.hears(false, wanted(1))
	d.pass(time.Minute)
	d.want("active", "1", "")
}

func TestHooksAreAskedAndTold(t *testing.T) {
	d := onFirst(t, activation.Policy{Before: true, After: true, ProbeTime: time.Second})
	d.bad["2"] = "bad"
	d.answer["after 2"] = activation.HookEnded{Err: "exit status 1", Output: "what now?\n"}
	d.hears(true, wanted(1, 2))
	d.pass(time.Minute)
	d.answer["before 3"] = activation.HookEnded{Output: "drawer is shut"}
	d.hears(true, wanted(1, 2, 3))
	d.pass(time.Minute)
	d.wantSaid("before 2, was 1 ", "show 2", "show 1", "after 2, was 1 rolled_back",
		"before 3, was 1 ", "show 3", "after 3, was 1 activated")
	h := d.state.History
	if h[0].Before != "drawer is shut" || h[1].After != "what now?" || h[1].Reason != "bad: the hook after failed: exit status 1" {
		t.Errorf("history %+v", h[:2])
	}
}

func TestHookSaysNotNowOrNo(t *testing.T) {
	d := onFirst(t, activation.Policy{Before: true})
	d.answer["before 2"] = activation.HookEnded{Later: true, Output: "a customer is at the till"}
	d.hears(true, wanted(1, 2))
	d.pass(3*time.Minute + time.Second)
	d.want("staged", "1", "the hook before said: not now: a customer is at the till")
	d.wantSaid("before 2, was 1 ", "before 2, was 1 ", "before 2, was 1 ", "before 2, was 1 ")
	d.answer["before 2"] = activation.HookEnded{Err: "exit status 1"}
	d.pass(time.Hour)
	d.want("rolled_back", "1", "2 failed: the hook before failed: exit status 1")
	d.wantSaid("before 2, was 1 ")
	if got, want := d.history()[0], "2 from 1: refused"; got != want {
		t.Errorf("history %q, want %q", got, want)
	}
}

func TestOnlyVersionThatFailsIsTriedAgain(t *testing.T) {
	d := newDevice(t, activation.Policy{})
	d.bad["1"] = "no screen"
	d.hears(true, wanted(1))
	d.want("preparing", "nothing", "no screen")
	d.pass(time.Hour)
	if h := d.state.History; len(h) != 1 || h[0].Again != 12 {
		t.Errorf("history %+v, want one line that stands for 13", h)
	}
	delete(d.bad, "1")
	d.pass(5 * time.Minute)
	d.want("active", "1", "")
}

func TestComputerThatEndsInEachTrialIsNotTriedForEver(t *testing.T) {
	d := onFirst(t, tenSeconds)
	d.hears(true, wanted(1, 2))
	for range 3 {
		d.want("activating", "2", "2 is on trial")
		d.pass(5 * time.Second)
		d.start()
	}
	d.want("rolled_back", "1", "2 failed: this program or the computer ended 3 times while it was tried")
}

func TestActiveVersionWhoseFilesAreGoneIsReplaced(t *testing.T) {
	d := onFirst(t, tenSeconds)
	d.hears(true, wanted(1, 2))
	d.pass(time.Minute)
	d.gone, d.stock.Versions = []content.VersionID{number(2).ID}, nil
	d.start()
	d.want("active", "1", "")
	d.gone = append(d.gone, number(1).ID)
	d.start()
	d.want("preparing", "nothing", "")
	d.gone = nil
	d.hears(true, wanted(1, 2))
	d.pass(time.Minute)
	d.want("active", "2", "")
}

func TestVersionsThatPassedAreKept(t *testing.T) {
	d := onFirst(t, activation.Policy{Keep: 3})
	for n := 2; n <= 20; n++ { // and twenty activations in a row
		d.hears(true, wanted(n))
		d.pass(time.Minute)
		if name(d.shown) != name(d.state.Active) || d.state.Active.Serial != uint64(n) {
			t.Fatalf("%s is active after version %d", name(d.state.Active), n)
		}
	}
	want := []content.VersionID{number(20).ID, number(19).ID, number(18).ID}
	if got := d.state.Uses(); !slices.Equal(got, want) {
		t.Errorf("it uses %v, want %v", got, want)
	}
	if len(d.state.History) != activation.MaxHistory {
		t.Errorf("%d lines of history, want %d", len(d.state.History), activation.MaxHistory)
	}
	d.policy.Keep = 1
	d.start()
	if got := d.state.Uses(); !slices.Equal(got, want[:1]) {
		t.Errorf("it uses %v, want %v", got, want[:1])
	}
}

// Wherever the power goes, the old version or the new one is active, and in the end the
// new one if it is good, or the old one.
func TestPowerCutAtEveryStepLeavesTheOldOrTheNewVersion(t *testing.T) {
	for _, good := range []bool{true, false} {
		reached := true
		for step := 0; reached; step++ {
			d := onFirst(t, activation.Policy{Before: true, After: true, ProbeTime: 3 * time.Second})
			if !good {
				d.bad["2"] = "bad"
			}
			d.cut = step
			d.hears(true, wanted(1, 2))
			for range 20 {
				if n := name(d.shown); n != "1" && n != "2" {
					t.Fatalf("%s is shown after a power cut before action %d", n, step)
				}
				d.pass(500 * time.Millisecond)
			}
			if good {
				d.want("active", "2", "")
			} else {
				d.want("rolled_back", "1", "2 failed: bad")
			}
			if told := slices.ContainsFunc(d.said, func(s string) bool { return strings.HasPrefix(s, "after 2, was 1") }); !told {
				t.Errorf("the hook after was never told, after a power cut before action %d", step)
			}
			reached = d.starts > 1
			if !reached && step < 10 {
				t.Errorf("only %d actions", step)
			}
		}
	}
}

func TestStateThatIsGivenStaysAsItIs(t *testing.T) {
	d := onFirst(t, tenSeconds)
	d.bad["2"] = "bad"
	d.hears(true, wanted(1, 2))
	before, text := d.state, d.saved
	activation.Step(d.policy, before, activation.Probed{ID: number(2).ID, Err: "x", Fatal: true}, d.now)
	if after, err := before.Encode(); err != nil || string(after) != string(text) {
		t.Errorf("%v, it became\n%s\nfrom\n%s", err, after, text)
	}
}
