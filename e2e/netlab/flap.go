package netlab

import "math"

// flapping tells when a link works. All times are in nanoseconds; up and down are 0
// where it always does.
type flapping struct {
	up, down float64
	since    float64 // when a period began
}

func newFlapping(now int64, f Flap) flapping {
	return flapping{up: float64(f.Up.Nanoseconds()), down: float64(f.Down.Nanoseconds()), since: float64(now)}
}

// open is the first instant from t on at which the link works.
func (f flapping) open(t float64) float64 {
	if f.down == 0 {
		return t
	}
	passed, period := t-f.since, f.up+f.down
	if phase := math.Mod(passed, period); phase >= f.up {
		// In this order the sum is exact, and the next period's phase is 0.
		return f.since + (passed - phase) + period
	}
	return t
}

// after is the instant at which the link will have worked for a while, from t on.
func (f flapping) after(t, while float64) float64 {
	if f.down == 0 || while == 0 {
		return t + while
	}
	t = f.open(t)
	left := f.up - math.Mod(t-f.since, f.up+f.down) // of this period
	if while <= left {
		return t + while
	}
	whole := math.Ceil((while-left)/f.up) - 1 // periods that are all used
	return t + left + f.down + whole*(f.up+f.down) + (while - left - whole*f.up)
}
