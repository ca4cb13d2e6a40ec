//go:build linux

package main

import (
	"math"
	"testing"
	"time"
)

func TestLineFollowsTheCurve(t *testing.T) {
	at := []time.Duration{0, 15 * time.Minute, 30 * time.Minute, 45 * time.Minute}
	for name, c := range map[string]struct {
		y           []float64
		mean, slope float64
		err         float64
	}{
		"flat":              {[]float64{7, 7, 7, 7}, 7, 0, 0},
		"grows by 4 a step": {[]float64{1, 5, 9, 13}, 7, 16, 0},
		"falls":             {[]float64{4, 3, 2, 1}, 2.5, -4, 0},
		"noise about flat":  {[]float64{5, 7, 7, 5}, 6, 0, math.Sqrt(6.4)},
		"one outlier":       {[]float64{1, 1, 1, 5}, 2, 4.8, math.Sqrt(7.68)},
		"empty":             {nil, 0, 0, 0},
		"a single sample":   {[]float64{3}, 3, 0, 0},
	} {
		got := fit(at[:len(c.y)], c.y)
		if math.Abs(got.mean-c.mean) > 1e-9 || math.Abs(got.slope-c.slope) > 1e-9 || math.Abs(got.err-c.err) > 1e-9 {
			t.Errorf("%s: got %+v, want mean %v, slope %v an hour and error %v", name, got, c.mean, c.slope, c.err)
		}
	}
}
