//go:build linux

package netlab

import (
	"math"
	"testing"
	"time"
)

// These tests look inside: the shaper is the arithmetic behind every emulated link.

func TestShaperSendsAtItsRate(t *testing.T) {
	s := newShaper(Link{Rate: 8e6, Queue: 1 << 20, Delay: 20 * time.Millisecond}, 1)
	var last int64
	for range 500 { // 500 frames of 1000 bytes at 1 MB/s, all at once
		due, fate := s.admit(0, 1000)
		if fate != carried {
			t.Fatalf("frame was not carried: %d", fate)
		}
		last = due
	}
	if want := (500 + 20) * time.Millisecond; time.Duration(last) != want {
		t.Errorf("last frame came out at %v, want %v", time.Duration(last), want)
	}
}

func TestShaperDropsTheTailOfAFullQueue(t *testing.T) {
	s := newShaper(Link{Rate: 8e6, Queue: 10_000}, 1)
	admitted := 0
	for range 100 {
		if _, fate := s.admit(0, 1000); fate == carried {
			admitted++
		}
	}
	if admitted != 10 {
		t.Errorf("queue of 10 frames took %d at once", admitted)
	}
	if _, fate := s.admit(int64(time.Millisecond), 1000); fate != carried {
		t.Error("queue took no frame after it had sent one")
	}
}

func TestShaperWithoutARateOnlyDelays(t *testing.T) {
	s := newShaper(Link{Delay: time.Millisecond}, 1)
	for now := range int64(1000) {
		if due, fate := s.admit(now, 1514); fate != carried || due != now+int64(time.Millisecond) {
			t.Fatalf("frame at %d: due %d, fate %d", now, due, fate)
		}
	}
}

func TestShaperLosesItsShare(t *testing.T) {
	const frames, loss = 100_000, 0.03
	s := newShaper(Link{Loss: loss}, 1)
	gone := 0
	for now := range int64(frames) {
		if _, fate := s.admit(now, 100); fate == lost {
			gone++
		}
	}
	sigma := math.Sqrt(frames * loss * (1 - loss))
	if off := math.Abs(float64(gone) - frames*loss); off > 5*sigma {
		t.Errorf("lost %d of %d, want %g within %.0f", gone, frames, frames*loss, 5*sigma)
	}
}

func TestCountersAreReadFromTheKernelsTable(t *testing.T) {
	text := "Inter-|   Receive  |  Transmit\n face |bytes    packets errs\n" +
		"    lo:       1 2 0 0 0 0 0 0 1 2 0 0 0 0 0 0\n" +
		"   wan:123456789 4242 0 7 0 0 0 0 987 65 0 0 0 0 0 0\n"
	got, err := parseCounters(text, "wan")
	if want := (Counters{123456789, 4242, 987, 65}); err != nil || got != want {
		t.Errorf("counters are %+v (%v), want %+v", got, err, want)
	}
	if _, err := parseCounters(text, "wan0"); err == nil {
		t.Error("a device that is not there was read")
	}
}

func TestPlanRefusesWhatCannotBeBuilt(t *testing.T) {
	for name, plan := range map[string]Plan{
		"negative rate":   {Sites: []SitePlan{{WAN: Both(Link{Rate: -1})}}},
		"loss above one":  {Sites: []SitePlan{{WAN: Both(Link{Loss: 1.1})}}},
		"tiny queue":      {Sites: []SitePlan{{WAN: Both(Link{Rate: 1e6, Queue: 100})}}},
		"delay on a LAN":  {Sites: []SitePlan{{LAN: Link{Delay: time.Millisecond}}}},
		"too many":        {Sites: []SitePlan{{Endpoints: maxEndpoints + 1}}},
		"too many places": {Sites: make([]SitePlan, maxSites+1)},
	} {
		if plan.check() == nil {
			t.Errorf("a plan with %s was accepted", name)
		}
	}
}
