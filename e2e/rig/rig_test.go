//go:build linux

package rig

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/netlab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestProcessesEndAsTheyAreTold(t *testing.T) {
	lab := netlab.New(t, netlab.Plan{})
	start := func(script string) *Process {
		t.Helper()
		p, err := run(lab.Origin, t.TempDir()+"/log", "/bin/sh", "-c", script)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	started := func(p *Process) *Process {
		t.Helper()
		if err := Wait(t.Context(), "the script to say so", func() bool { return strings.Contains(p.Log(), "started") }); err != nil {
			t.Fatal(err)
		}
		return p
	}
	good := started(start(`trap 'exit 0' TERM; echo started; while :; do sleep 0.01; done`))
	if err := good.Stop(); err != nil {
		t.Errorf("one that ends well: %v", err)
	}
	bad := started(start(`trap 'echo sorry; exit 3' TERM; echo started; while :; do sleep 0.01; done`))
	if err := bad.Stop(); err == nil || !strings.Contains(err.Error(), "sorry") {
		t.Errorf("one that fails: %v, want its last words", err)
	}
	killed := started(start(`echo started; while :; do sleep 0.01; done`))
	killed.Kill()
	if err := killed.Stop(); err != nil {
		t.Errorf("one that was killed before: %v, want nothing to complain about", err)
	}
	busy := started(start(`echo started; while :; do :; done`))
	err := Wait(t.Context(), "processor time to be counted", func() bool {
		used, err := busy.CPU()
		return err == nil && used >= 50*time.Millisecond
	})
	if err != nil {
		t.Error(err)
	}
	if n, err := busy.Descriptors(); err != nil || n < 3 {
		t.Errorf("%d descriptors, %v, want input, output and errors at least", n, err)
	}
	if n, err := busy.Anonymous(); err != nil || n <= 0 {
		t.Errorf("%d bytes of memory, %v, want some", n, err)
	}
	busy.Kill()
}

func TestMetricIsFoundByItsWholeName(t *testing.T) {
	const page = "# HELP a Some.\n# TYPE a gauge\na_b 1\na{x=\"y\"} 2\na 3.5e+06\n"
	if got, err := metric(page, "a"); err != nil || got != 3.5e6 {
		t.Errorf("a is %v, %v, want 3.5e6", got, err)
	}
	if got, err := metric(page, `a{x="y"}`); err != nil || got != 2 {
		t.Errorf("a of y is %v, %v, want 2", got, err)
	}
	if got, err := metric(page, "b"); err == nil {
		t.Errorf("b is %v, want an error", got)
	}
}
