package polite_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/edge/polite"
)

const step = 250 * time.Millisecond

// desk is a computer: what its others and the store do to its disk, look by look.
type desk struct {
	d    *polite.Decider
	now  time.Time
	look polite.Look
	got  polite.Verdict
}

func newDesk() *desk {
	c := &desk{d: polite.NewDecider(polite.Disk), now: time.Unix(1000, 0), look: polite.Look{Known: true}}
	c.got = c.d.Decide(c.now, c.look)
	return c
}

// goOn lets time pass in which others and the store wait for the disk for such shares
// of it, independently of each other.
func (c *desk) goOn(span time.Duration, others, own float64) {
	for ; span > 0; span -= step {
		c.now = c.now.Add(step)
		any := 1 - (1-others)*(1-own)
		c.look.Waited += time.Duration(any * float64(step))
		c.look.Own += time.Duration(own * float64(step))
		c.got = c.d.Decide(c.now, c.look)
	}
}

func (c *desk) want(t *testing.T, what string, state polite.State, rate int64, reason string) {
	t.Helper()
	if c.got.State != state || c.got.Rate != rate || !strings.Contains(c.got.Reason, reason) {
		t.Errorf("%s: %+v, want %s at %d because %q", what, c.got, state, rate, reason)
	}
}

func TestStoreYieldsToOthersAndComesBackWhenTheyAreDone(t *testing.T) {
	c := newDesk()
	c.want(t, "at first", polite.Rising, 8<<20, "begins to look")
	c.goOn(2*time.Second, 0, 0)
	c.want(t, "alone", polite.Free, polite.Unlimited, "nobody else")
	c.goOn(step, 0.6, 0)
	c.want(t, "at the first look", polite.Held, polite.DiskFloor, "(60 % of the time)")
	c.goOn(4*time.Second, 0.6, 0)
	c.want(t, "held back in vain", polite.Yields, polite.DiskFloor, "others use the disk (60 %")
	c.goOn(time.Minute, 0.6, 0.3)
	c.want(t, "with its own floor on top", polite.Yields, polite.DiskFloor, "others use the disk (60 %")
	c.goOn(step, 0, 0)
	c.want(t, "a gap of theirs", polite.Yields, polite.DiskFloor, "")
	c.goOn(step, 0.6, 0)
	c.goOn(time.Second, 0, 0.05)
	c.want(t, "when they are done", polite.Rising, 8<<20, "slowly at first")
	c.goOn(step, 0, 0.1)
	c.want(t, "a look later", polite.Rising, 16<<20, "slowly at first")
	c.goOn(2*time.Second, 0, 0.1)
	c.want(t, "in the end", polite.Free, polite.Unlimited, "nobody else")
}

func TestWhatTheStoreWaitsForItselfIsNotPressureOfOthers(t *testing.T) {
	c := newDesk()
	c.goOn(time.Minute, 0, 0.7)
	c.want(t, "alone and busy", polite.Free, polite.Unlimited, "nobody else")
	c.goOn(step, 0.3, 0.7)
	c.want(t, "when somebody comes", polite.Held, polite.DiskFloor, "(30 % of the time)")
}

// A store that does nothing but wait for its disk can't see others. It holds back
// now and then, and costs itself little by it.
func TestStoreThatWaitsAllTheTimeLooksByHoldingBack(t *testing.T) {
	c := newDesk()
	held, looks := 0, 0
	for range 4 * 300 {
		own := 1.0
		if c.got.Busy() {
			own = 0
		}
		c.goOn(step, 0, own)
		looks++
		if c.got.Busy() {
			held++
		}
		if c.got.State == polite.Yields {
			t.Fatalf("yields to itself: %+v", c.got)
		}
	}
	if held == 0 || held > looks/15 {
		t.Errorf("held back in %d of %d looks", held, looks)
	}
	for range 4 * 40 { // somebody else comes, and the disk is waited for whatever the store does
		own := 1.0
		if c.got.Busy() {
			own = 0.1
		}
		c.goOn(step, 0.9, own)
	}
	c.want(t, "beside others", polite.Yields, polite.DiskFloor, "others use the disk")
}

func TestProcessorThatOthersNeedIsLeftToThemButForAFloor(t *testing.T) {
	c := newDesk()
	c.d = polite.NewDecider(polite.Processor)
	c.goOn(4*time.Second, 0.15, 0)
	c.want(t, "beside programs that start now and then", polite.Free, polite.Unlimited, "nobody else")
	c.goOn(4*time.Second, 0.6, 0)
	c.want(t, "beside a build", polite.Yields, 256<<10, "others use the processor")
}

func TestSystemThatSaysNothingBoundsNothing(t *testing.T) {
	d := polite.NewDecider(polite.Disk)
	for range 10 {
		v := d.Decide(time.Unix(1, 0), polite.Look{})
		if v.State != polite.Unknown || v.Rate != polite.Unlimited || v.Reason == "" {
			t.Fatalf("%+v", v)
		}
	}
}

// Whatever the disk does and whenever it is looked at, something may go, there is a
// reason, and once others are quiet for long the bound goes.
func TestStoreNeverStarvesAndAlwaysRecovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newDesk()
		for range rapid.IntRange(1, 100).Draw(t, "looks") {
			c.now = c.now.Add(time.Duration(rapid.Int64Range(0, int64(2*time.Second)).Draw(t, "gap")))
			c.look.Waited += time.Duration(rapid.Int64Range(-1e6, 1e9).Draw(t, "waited"))
			c.look.Own += time.Duration(rapid.Int64Range(0, 1e9).Draw(t, "own"))
			c.got = c.d.Decide(c.now, c.look)
			if c.got.Rate < polite.DiskFloor || c.got.Reason == "" {
				t.Fatalf("%+v", c.got)
			}
		}
		c.goOn(6*time.Second, 0, 0.2)
		if c.got.State != polite.Free {
			t.Fatalf("after a quiet time: %+v", c.got)
		}
	})
}
