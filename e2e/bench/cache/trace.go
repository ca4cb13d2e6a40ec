package main

import (
	"math/rand/v2"
	"time"
)

// habit is how an endpoint comes and goes.
type habit struct {
	on, off time.Duration // means of both, exponentially distributed; on is 0: office hours
}

// The habits. A till is switched off for a restart or a repair, a desktop every
// evening, and a guest is there when it likes.
var (
	till    = habit{on: 10 * 24 * time.Hour, off: 20 * time.Minute}
	desktop = habit{}
	guest   = habit{on: 3 * time.Hour, off: 9 * time.Hour}
)

// Trace is a site: how many endpoints of each habit.
type Trace struct {
	Name                    string
	Tills, Desktops, Guests int
}

// Traces are the sites that are simulated.
var Traces = []Trace{
	{"shop (6 tills, 6 desktops, 4 guests)", 6, 6, 4},
	{"office (1 till, 16 desktops, 3 guests)", 1, 16, 3},
	{"campus (2 tills, 4 desktops, 18 guests)", 2, 4, 18},
}

func (t Trace) habits() (out []habit) {
	for range t.Tills {
		out = append(out, till)
	}
	for range t.Desktops {
		out = append(out, desktop)
	}
	for range t.Guests {
		out = append(out, guest)
	}
	return out
}

// timeline says when an endpoint is on, step by step.
func timeline(h habit, rng *rand.Rand, steps int) []bool {
	on := make([]bool, steps)
	if h.on == 0 {
		hours(rng, on)
		return on
	}
	state := rng.Float64() < float64(h.on)/float64(h.on+h.off)
	for at := 0; at < steps; {
		mean := h.off
		if state {
			mean = h.on
		}
		last := at + 1 + int(rng.ExpFloat64()*float64(mean)/float64(step))
		for ; at < min(last, steps); at++ {
			on[at] = state
		}
		state = !state
	}
	return on
}

// hours are those of an office, an hour more or less each day, five days a week.
func hours(rng *rand.Rand, on []bool) {
	for at := range on {
		if at%perDay == 0 && at/perDay%7 < 5 {
			from := at + int((8+rng.Float64())*float64(perHour))
			for i := from; i < min(from+int((8+2*rng.Float64())*float64(perHour)), len(on)); i++ {
				on[i] = true
			}
		}
	}
}
