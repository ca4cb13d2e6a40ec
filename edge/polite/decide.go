// Package polite keeps what an endpoint does out of the way of whoever uses the computer
// and its line. [Limits] say what it does without on a battery, on a metered network, in a
// tunnel, past an allowance, or because its user paused it.
//
// Disk and processor are shared as they are needed. Linux says how long programs waited
// for them (its pressure). While they wait a lot, and not because of what we do, content
// moves at a floor only; when they do no more, it goes on slowly at first.
//
// Whose pressure it is can't be read off: who writes waits for the disk, too. So the
// time in which this program itself waited is taken off first. Where it waited nearly
// all the time nothing is left to see, and there it holds back and looks whether the
// pressure goes: if it does, it was its own, and that is believed for a while.
//
// The decider is pure; [Keeper] asks the system four times a second, while something
// is written, read or sent, and holds whoever does to what was decided.
package polite

import (
	"fmt"
	"math"
	"time"
)

// Rates, in bytes a second.
const (
	// DiskFloor and ProcessorFloor are what always goes, so that nothing starves. A commit
	// of 2 MiB every 2 s takes a spinning disk some 3 % of its time; a quarter of a MiB a
	// second takes two cores less than 1 % of theirs.
	DiskFloor      = 1 << 20
	ProcessorFloor = 256 << 10
	// startRate is what the store begins with before it knows the disk, and after
	// others used it. It doubles with each look, up to where a bound has no meaning.
	startRate = 8 << 20
	topRate   = 512 << 20
	// Unlimited is no bound.
	Unlimited = math.MaxInt64
)

const (
	// lookInterval is between two looks at the pressure.
	lookInterval = 250 * time.Millisecond
	// staleAfter is the age at which a look says nothing about now.
	staleAfter = 4 * lookInterval
	// busyShare of the time that others waited for a disk: it is theirs. Programs that
	// start at the same moment wait for a processor a little, whoever else runs.
	busyShare          = 0.10
	busyProcessorShare = 0.20
	// blindShare of the time that the store itself waited: nothing is to be seen beside it.
	blindShare = 0.80
	// quietOwn and quietOthers are how many quiet looks in a row end what began with a
	// suspicion, and what others turned out to be there for.
	quietOwn    = 2
	quietOthers = 4
	// sureAfter is how long the pressure stays, though held back, until it is others'.
	sureAfter = 3 * time.Second
	// firstTrust and longestTrust are for how long pressure counts as our own, after
	// it was found to be: twice as long each time.
	firstTrust   = 2 * time.Second
	longestTrust = 16 * time.Second
)

// State is what the decider does; it is stable, for programs.
type State string

// The states.
const (
	Unknown State = "unknown" // this system does not say how busy it is
	Free    State = "free"    // no bound
	Rising  State = "rising"  // more with each look
	Held    State = "held"    // at the floor, to see whose the pressure is
	Yields  State = "yields"  // at the floor, because others need it
)

// Thing is what is shared.
type Thing string

// The things.
const (
	Disk      Thing = "disk"
	Processor Thing = "processor"
)

// Floor is what moves although others need it, in bytes a second.
func (t Thing) Floor() int64 {
	if t == Processor {
		return ProcessorFloor
	}
	return DiskFloor
}

// Look is what the system said.
type Look struct {
	Waited time.Duration // for how long some program waited for it, ever
	Known  bool          // whether it says so at all
	Own    time.Duration // for how long this one itself waited, ever
}

// Verdict is what may move until the next look, and why.
type Verdict struct {
	State  State
	Rate   int64 // bytes a second
	Reason string
}

// Busy reports whether nothing but the floor may go.
func (v Verdict) Busy() bool { return v.State == Held || v.State == Yields }

// Decider bounds what moves by what was seen of one thing.
type Decider struct {
	of    Thing
	state State
	since time.Time // when the state began
	rate  int64     // while rising
	last  Look
	at    time.Time // of last
	quiet int       // looks in a row
	trust time.Duration
	until time.Time // so long pressure counts as our own
}

// NewDecider returns one that has seen nothing.
func NewDecider(of Thing) *Decider { return &Decider{of: of} }

// Decide takes a look in.
func (d *Decider) Decide(now time.Time, look Look) Verdict {
	if !look.Known {
		*d = Decider{of: d.of}
		return Verdict{Unknown, Unlimited, fmt.Sprintf("this system does not say how busy its %ss are", d.of)}
	}
	last, span := d.last, now.Sub(d.at)
	d.last, d.at = look, now
	if d.state == "" || span > staleAfter || span <= 0 {
		d.begin(now, Rising)
		return d.verdict(now, 0, fmt.Sprintf("begins to look how busy the %ss are", d.of))
	}
	pressure, blind := share(look.Waited-last.Waited, span), false
	others := pressure
	if own := share(look.Own-last.Own, span); own < blindShare {
		others = max(pressure-own, 0) / (1 - own)
	} else {
		blind = true
	}
	busy := busyShare
	if d.of == Processor {
		busy = busyProcessorShare
	}
	if others < busy {
		d.quiet++
	} else {
		d.quiet = 0
	}
	return d.next(now, others, blind)
}

func share(of, span time.Duration) float64 { return min(max(of.Seconds()/span.Seconds(), 0), 1) }

// next moves to the state that follows from what was seen.
func (d *Decider) next(now time.Time, others float64, blind bool) Verdict {
	percent := math.Round(100 * others)
	switch d.state {
	case Free, Rising:
		if d.quiet == 0 && !(blind && now.Before(d.until)) {
			d.begin(now, Held)
			return d.verdict(now, percent, "")
		}
		if d.state == Rising {
			if d.rate *= 2; d.rate >= topRate {
				d.begin(now, Free)
			}
		}
	case Held:
		if d.quiet >= quietOwn {
			d.trust = min(max(2*d.trust, firstTrust), longestTrust)
			d.until = now.Add(d.trust)
			d.begin(now, Free)
			return d.verdict(now, percent, fmt.Sprintf("what waited for a %s was this program: it went when that held back", d.of))
		}
		if now.Sub(d.since) >= sureAfter {
			d.begin(now, Yields)
			d.trust = 0
		}
	case Yields:
		if d.quiet >= quietOthers {
			d.begin(now, Rising)
		}
	}
	return d.verdict(now, percent, "")
}

func (d *Decider) begin(now time.Time, s State) {
	d.state, d.since, d.rate = s, now, startRate
	if s != Free {
		d.quiet = 0
	}
}

// verdict says what the state allows; the reason stands for the usual one.
func (d *Decider) verdict(now time.Time, percent float64, reason string) Verdict {
	v := Verdict{State: d.state, Reason: reason}
	usual := ""
	switch d.state {
	case Free:
		v.Rate, usual = Unlimited, fmt.Sprintf("nobody else waits for a %s", d.of)
		if now.Before(d.until) {
			usual = fmt.Sprintf("what waits for a %s is this program, as was seen a moment ago", d.of)
		}
	case Rising:
		v.Rate, usual = d.rate, fmt.Sprintf("goes on slowly at first: the %ss are free", d.of)
	case Held:
		v.Rate, usual = d.of.Floor(), fmt.Sprintf("programs wait for a %s: looks whether that goes when this one holds back", d.of)
	case Yields:
		v.Rate, usual = d.of.Floor(), fmt.Sprintf("others use the %s", d.of)
	}
	if v.Reason == "" {
		v.Reason = usual
	}
	if percent > 0 {
		v.Reason += fmt.Sprintf(" (%.0f %% of the time)", percent)
	}
	return v
}
