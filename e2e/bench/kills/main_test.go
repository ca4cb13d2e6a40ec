//go:build linux

package main

import (
	"errors"
	"testing"
	"time"
)

func TestScenarioIsJudgedByItsWorstCopiesAndMedianTime(t *testing.T) {
	run := func(seconds float64, copies float64) result {
		return result{took: time.Duration(seconds * float64(time.Second)), content: 1000, wan: int64(copies * 1000)}
	}
	base := run(10, 1.05)
	sc := scenario{name: "test", copies: atMost(1.10), ratio: 1.5}
	for name, c := range map[string]struct {
		all  []result
		err  error
		good bool
	}{
		"as promised":                   {[]result{run(12, 1.06)}, nil, true},
		"at the bounds":                 {[]result{run(15, 1.10)}, nil, true},
		"too many copies":               {[]result{run(12, 1.11)}, nil, false},
		"too many copies once in three": {[]result{run(12, 1.06), run(12, 1.2), run(12, 1.06)}, nil, false},
		"too slow":                      {[]result{run(16, 1.06)}, nil, false},
		"too slow once in three":        {[]result{run(12, 1.06), run(99, 1.06), run(13, 1.06)}, nil, true},
		"not complete":                  {nil, errors.New("nobody has it"), false},
	} {
		if got := sc.row(c.all, base, c.err); got != c.good {
			t.Errorf("%s: judged %v, want %v", name, got, c.good)
		}
	}
}
