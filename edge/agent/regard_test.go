package agent

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/polite"
	"github.com/sitecast/sitecast/signaling/wire"
)

// line is what a regard is told of the WAN, and what it does about it.
type line struct {
	taken atomic.Int64
	known atomic.Bool
	kept  polite.Memory
	saves int
	told  [][]polite.Restraint
}

func (l *line) regard(limits polite.Limits) *regard {
	return &regard{limits: limits, now: time.Now, known: func() bool { return l.known.Load() }, taken: func() int64 { return l.taken.Load() },
		tell: func(all []polite.Restraint) { l.told = append(l.told, all) }, log: slog.New(slog.DiscardHandler), wake: make(chan struct{}, 1),
		save: func(m polite.Memory) error { l.kept = m; l.saves++; return nil }, memory: l.kept, kept: l.kept}
}

// runs has it run for a while.
func runs(t *testing.T, r *regard, span time.Duration) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), span)
	defer stop()
	if err := r.run(ctx); err != nil {
		t.Error(err)
	}
	synctest.Wait()
}

func TestPauseHoldsAfterARestartAndEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(line)
		l.known.Store(true)
		r := l.regard(polite.Limits{})
		r.pause(time.Hour)
		runs(t, r, time.Minute)
		if len(l.told) != 1 || l.told[0][0].Code != wire.RestraintPaused {
			t.Fatalf("the engine was told %+v", l.told)
		}
		r = l.regard(polite.Limits{})
		r.look(t.Context()) // before anything moves
		if len(l.told) != 2 || len(l.told[1]) != 1 || !l.told[1][0].Firm {
			t.Fatalf("after a restart the engine was told %+v", l.told)
		}
		runs(t, r, time.Hour)
		if len(l.told) != 3 || len(l.told[2]) != 0 {
			t.Errorf("when the hour was over the engine was told %+v", l.told)
		}
		r.pause(time.Hour)
		r.pause(0)
		runs(t, r, time.Minute)
		if len(r.restraints()) != 0 || !l.kept.PausedUntil.IsZero() {
			t.Errorf("after a pause that was ended: %+v, kept %+v", r.restraints(), l.kept)
		}
	})
}

func TestWhatCameIsWrittenDownNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(line)
		r := l.regard(polite.Limits{Allowance: 10_000_000})
		go func() {
			for range 100 {
				l.taken.Add(1000)
				time.Sleep(100 * time.Millisecond)
			}
			l.known.Store(true)
		}()
		runs(t, r, time.Minute)
		if l.kept.Bytes != 100_000 || l.kept.Month != time.Now().UTC().Format("2006-01") || l.saves > 5 {
			t.Errorf("kept %+v with %d writes", l.kept, l.saves)
		}
		if m := r.spent(); m == nil || m.Bytes != 100_000 || m.Allowance != 10_000_000 {
			t.Errorf("shows %+v", m)
		}
		l.taken.Store(0)
		r = l.regard(polite.Limits{Allowance: 10_000_000})
		l.taken.Store(9_900_000)
		runs(t, r, time.Minute)
		if got := r.restraints(); len(got) != 1 || got[0].Code != wire.RestraintAllowance {
			t.Errorf("with the allowance used up: %+v", got)
		}
	})
}

func TestDamagedMemoryOfTheMonthCountsFromNowOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), regardName)
	if err := os.WriteFile(path, []byte(`{"month":"2026-11","bytes":7`), 0o600); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	if m := readRegard(path, slog.New(slog.NewTextHandler(&log, nil))); m != (polite.Memory{}) || !strings.Contains(log.String(), "damaged") {
		t.Errorf("read %+v, said %s", m, log.String())
	}
	log.Reset()
	if m := readRegard(path+"x", slog.New(slog.NewTextHandler(&log, nil))); m != (polite.Memory{}) || log.Len() > 0 {
		t.Errorf("without a file %+v, said %s", m, log.String())
	}
}

func TestLimitsAreOffWhereTheComputerIsNobodyElses(t *testing.T) {
	all := polite.Scope(wire.ScopeAll)
	for name, c := range map[string]struct {
		flags  LimitFlags
		polite bool
		want   polite.Limits
	}{
		"by itself":        {LimitFlags{}, true, polite.DefaultLimits()},
		"no-polite":        {LimitFlags{WANAllowance: 5}, false, polite.Limits{Allowance: 5, BatteryBelow: 40}},
		"one all the same": {LimitFlags{OnVPN: &all}, false, polite.Limits{VPN: all, BatteryBelow: 40}},
	} {
		if got, err := c.flags.limits(c.polite); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
	wrong := polite.Scope("much")
	if _, err := (LimitFlags{OnBattery: &wrong}).limits(true); err == nil {
		t.Error("a scope that is none was taken")
	}
}
