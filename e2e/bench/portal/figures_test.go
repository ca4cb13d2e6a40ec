//go:build linux

package main

import (
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheVerdictNamesWhatIsBeyondItsBound(t *testing.T) {
	steady := []heap{{Page: 30, Worker: 20}, {Page: 34, Worker: 20}, {Page: 30, Worker: 20}, {Page: 31, Worker: 20}, {Page: 33, Worker: 20}, {Page: 31, Worker: 20}}
	grows := []heap{{Page: 30, Worker: 20}, {Page: 30, Worker: 20}, {Page: 35, Worker: 20}, {Page: 40, Worker: 20}, {Page: 45, Worker: 20}, {Page: 46, Worker: 20}}
	for name, c := range map[string]struct {
		f    figures
		want string // empty: nothing
	}{
		"all is well":  {figures{Flows: 3, Active: 3, Heap: steady, Seen: []seen{{End: 0.9}}}, ""},
		"it grows":     {figures{Heap: grows}, "the page grew from 30.0 to 46.0 MB"},
		"late":         {figures{Seen: []seen{{End: 0.3}, {End: 1.4}}}, "after 1.40 s"},
		"nothing goes": {figures{Flows: 3, Active: 1}, "only 1 of 3"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := c.f.verdict(); err != nil {
				got = err.Error()
			}
			if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	var f figures
	f.note("scroll", []float64{60, 90})
	f.note("scroll", []float64{120})
	if p := f.Phases[0]; len(f.Phases) != 1 || p.Times != 2 || p.Long != 3 || p.Beyond != 1 || p.Longest != 120 {
		t.Errorf("noted %+v", f.Phases)
	}
	if err := f.verdict(); err == nil || !strings.Contains(err.Error(), "scroll: 1 tasks over 100 ms, the longest 120") {
		t.Errorf("the verdict is %v", err)
	}
}
