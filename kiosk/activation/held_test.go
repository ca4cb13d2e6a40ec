package activation_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sitecast/sitecast/kiosk/activation"
	"github.com/sitecast/sitecast/storage/content"
)

// beside are two wanted versions, of which the second is held as told.
func beside(hold bool, at time.Time) []activation.Delivered {
	v := wanted(1, 2)
	v[0].Wanted, v[1].Held, v[1].At = true, hold, at
	return v
}

// tells brings the server's time, by which the device's clock is off.
func (d *device) tells(off time.Duration) {
	d.stock.Clock = activation.Clock{Server: d.now.Add(-off), At: d.now, Zone: time.UTC}
}

func TestHeldVersionIsNotUsedBeforeItIsActivated(t *testing.T) {
	d := onFirst(t, tenSeconds)
	d.hears(true, beside(true, time.Time{}))
	d.pass(time.Hour)
	d.want("staged", "1", "held until it is activated")
	d.start()
	d.hears(false, beside(true, time.Time{})) // no server, and what was kept says so
	d.pass(time.Hour)
	d.want("staged", "1", "held until it is activated")
	d.hears(true, wanted(1, 2))
	d.pass(time.Minute)
	d.want("active", "2", "")
	d.wantSaid("start", "show 1", "show 2")
}

func TestFirstVersionIsHeldToo(t *testing.T) {
	d := newDevice(t, tenSeconds)
	v := wanted(1)
	v[0].Held = true
	d.hears(true, v)
	d.pass(time.Hour)
	d.want("preparing", "nothing", "held until it is activated")
}

func TestActiveVersionThatIsHeldAgainStays(t *testing.T) {
	d := onFirst(t, tenSeconds)
	d.hears(true, wanted(1, 2))
	d.pass(time.Minute)
	d.hears(true, beside(true, time.Time{}))
	d.pass(time.Hour)
	d.want("active", "2", "")
}

func TestSignedInstantIsKeptWhateverTheDevicesClockSays(t *testing.T) {
	for _, off := range []time.Duration{10 * time.Minute, 0, -10 * time.Minute} {
		d := onFirst(t, activation.Policy{ProbeTime: time.Second, Windows: activation.Windows{{From: 120, To: 300}}})
		d.tells(off)
		server := func() time.Time { return d.now.Add(-off) }
		at := server().Add(5*time.Hour + 123*time.Millisecond)
		d.hears(true, beside(false, at))
		d.pass(4 * time.Hour)
		d.want("staged", "1", "waits for "+at.UTC().Format(time.RFC3339)+", as its publisher signed")
		d.tells(off)
		d.start() // the power went, and there is no server
		d.hears(false, d.stock.Versions)
		for d.pass(time.Hour - time.Second); d.shown.Ref.Version == "1" && server().Before(at.Add(2*time.Second)); {
			d.pass(100 * time.Millisecond)
		}
		if late := server().Sub(at); late < 0 || late > time.Second {
			t.Errorf("with a clock that is off by %v it was activated %v after its instant", off, late)
		}
	}
}

func TestInstantNeedsTheServersTime(t *testing.T) {
	d := onFirst(t, tenSeconds)
	d.stock.Clock.Zone = time.UTC
	d.hears(true, beside(false, d.now.Add(-time.Hour)))
	d.pass(time.Hour)
	d.want("staged", "1", "waits for 2026-11-27T11:01:10Z, and for the server, which knows what time it is")
}

func TestInstantThatIsMovedOrWithdrawnCounts(t *testing.T) {
	d := onFirst(t, tenSeconds)
	d.tells(0)
	d.hears(true, beside(false, d.now.Add(time.Hour)))
	d.pass(50 * time.Minute)
	d.tells(0)
	d.hears(true, beside(false, d.now.Add(time.Hour)))
	d.pass(50 * time.Minute)
	d.wantSaid()
	d.hears(true, beside(true, time.Time{}))
	d.pass(time.Hour)
	d.wantSaid()
	d.want("staged", "1", "held until it is activated")
}

func TestBlockedVersionIsGivenUpAtOnce(t *testing.T) {
	block := func(version string) []activation.Block {
		return []activation.Block{{Version: version, Why: "ann blocked it"}}
	}
	kept := func() *device {
		d := onFirst(t, activation.Policy{ProbeTime: 10 * time.Second, After: true})
		d.hears(true, wanted(1, 2))
		d.pass(time.Minute)
		d.wantSaid("show 2", "after 2, was 1 activated")
		return d
	}
	d := kept()
	d.stock.Blocked = block("2")
	d.hears(true, wanted(1))
	d.want("active", "1", "")
	d.wantSaid("show 1", "after 2, was 1 blocked")
	if got, want := d.history()[0], "2 from 1: blocked"; got != want {
		t.Errorf("history %q, want %q", got, want)
	}
	d.gone = []content.VersionID{number(2).ID}
	d.start() // its files are gone, and nothing speaks of it any more
	d.want("active", "1", "")
	d.said = nil
	d.stock.Blocked = nil
	d.hears(true, wanted(1, 2)) // the block was ended
	d.pass(time.Minute)
	d.wantSaid("show 2", "after 2, was 1 activated")

	d = kept()
	d.stock.Blocked = block("")
	d.hears(true, nil)
	d.want("preparing", "nothing", "")
	d.pass(time.Hour)

	d = kept()
	d.stock.Blocked = block("1") // to which it would go back
	d.hears(true, wanted(2))
	d.want("active", "2", "")
	if s := d.state.Status(d.policy); s.Previous != nil || slices.Contains(d.state.Uses(), number(1).ID) {
		t.Errorf("it would go back to %s", name(s.Previous))
	}

	d = onFirst(t, tenSeconds) // on trial
	d.hears(true, wanted(1, 2))
	d.pass(time.Second)
	d.want("activating", "2", "2 is on trial")
	d.stock.Blocked = block("2")
	d.hears(true, wanted(1))
	d.pass(time.Hour)
	d.want("active", "1", "")

	d = onFirst(t, activation.Policy{Before: true}) // while it is asked
	d.answer["before 2"] = activation.HookEnded{Later: true}
	d.hears(true, wanted(1, 2))
	d.stock.Blocked = block("2")
	d.hears(true, wanted(1))
	d.pass(time.Hour)
	d.want("active", "1", "")
}
