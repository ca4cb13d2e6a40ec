//go:build linux

package main

import (
	"math"
	"time"
)

// line is fitted to a curve.
type line struct {
	mean  float64
	slope float64 // an hour
	err   float64 // the slope's standard error
}

// fit fits a line by least squares to y at the given times.
func fit(at []time.Duration, y []float64) line {
	var meanX, meanY float64
	for i := range y {
		meanX += at[i].Hours() / float64(len(y))
		meanY += y[i] / float64(len(y))
	}
	var xy, xx float64
	for i := range y {
		dx := at[i].Hours() - meanX
		xy += dx * (y[i] - meanY)
		xx += dx * dx
	}
	if xx == 0 {
		return line{mean: meanY}
	}
	l := line{mean: meanY, slope: xy / xx}
	if len(y) < 3 {
		return l
	}
	var rest float64
	for i := range y {
		off := y[i] - meanY - l.slope*(at[i].Hours()-meanX)
		rest += off * off
	}
	l.err = math.Sqrt(rest / float64(len(y)-2) / xx)
	return l
}
