//go:build linux

package main

import "time"

// line is fitted to a curve.
type line struct {
	mean  float64
	slope float64 // an hour
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
	return line{mean: meanY, slope: xy / xx}
}
