package polite_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/edge/polite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run runs a keeper on a disk that is waited for all the time while busy says so.
func run(t *testing.T, busy *atomic.Bool, looks *atomic.Int64) (k *polite.Keeper, stop func()) {
	start, waited := time.Now(), time.Duration(0)
	last := start
	k = polite.New(polite.Config{Of: polite.Disk, Log: slog.New(slog.DiscardHandler), Own: func() time.Duration { return 0 },
		Pressure: func() (time.Duration, bool) {
			looks.Add(1)
			if busy.Load() {
				waited += time.Since(last)
			}
			last = time.Now()
			return waited, true
		}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = k.Run(ctx) }()
	return k, func() { cancel(); <-done }
}

// write writes in chunks for a while and returns the bytes.
func write(t *testing.T, k *polite.Keeper, span time.Duration, urgent bool) (bytes int64) {
	t.Helper()
	const chunk = 64 << 10
	for start := time.Now(); time.Since(start) < span; bytes += chunk {
		if err := k.Take(t.Context(), chunk, urgent); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	return bytes
}

func TestWritesAreHeldToTheFloorWhileTheDiskIsBusyUnlessUrgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var busy atomic.Bool
		var looks atomic.Int64
		k, stop := run(t, &busy, &looks)
		defer stop()
		write(t, k, 5*time.Second, false)
		if free := write(t, k, 10*time.Second, false); free < 600<<20 {
			t.Errorf("%d bytes in 10 s on a free disk", free)
		}
		busy.Store(true)
		write(t, k, time.Second, false)
		if held := write(t, k, 10*time.Second, false); held < 9<<20 || held > 12<<20 {
			t.Errorf("%d bytes in 10 s on a busy disk, want some 10 MiB", held)
		}
		if s := k.Status(); s.State != polite.Yields || s.Rate != polite.DiskFloor || s.Reason == "" {
			t.Errorf("status %+v", s)
		}
		if urgent := write(t, k, 10*time.Second, true); urgent < 600<<20 {
			t.Errorf("%d urgent bytes in 10 s", urgent)
		}
		if s := k.Status(); s.Urgent < 600<<20 || s.Moved <= s.Urgent {
			t.Errorf("status %+v", s)
		}
	})
}

func TestNobodyLooksAtADiskThatNobodyUses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var busy atomic.Bool
		var looks atomic.Int64
		k, stop := run(t, &busy, &looks)
		defer stop()
		write(t, k, time.Second, false)
		time.Sleep(10 * time.Second)
		before := looks.Load()
		time.Sleep(time.Hour)
		if n := looks.Load(); n != before {
			t.Errorf("%d looks in an hour of rest", n-before)
		}
		write(t, k, time.Second, false)
		if looks.Load() == before {
			t.Error("nobody looks though somebody writes again")
		}
	})
}

func TestWhoWaitsForACalmDiskIsToldWhyAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var busy atomic.Bool
		var looks atomic.Int64
		k, stop := run(t, &busy, &looks)
		defer stop()
		busy.Store(true)
		write(t, k, 5*time.Second, false)
		time.AfterFunc(20*time.Second, func() { busy.Store(false) })
		begun, told := time.Now(), 0
		if err := k.Calm(t.Context(), func(why string) {
			if told++; why == "" {
				t.Error("no reason")
			}
		}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); told == 0 || took < 20*time.Second || took > 25*time.Second {
			t.Errorf("calm after %v, told %d times", took, told)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		busy.Store(true)
		write(t, k, 5*time.Second, false)
		if err := k.Calm(ctx, nil); err == nil {
			t.Error("calm on a busy disk")
		}
	})
}

func TestABoundHoldsWhateverThePressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var busy atomic.Bool
		var looks atomic.Int64
		k, stop := run(t, &busy, &looks)
		defer stop()
		write(t, k, 5*time.Second, false)
		k.Bound(4 << 20)
		if held := write(t, k, 10*time.Second, false); held < 38<<20 || held > 42<<20 {
			t.Errorf("%d bytes in 10 s, want 40 MiB", held)
		}
		if s := k.Status(); s.State != polite.Free || s.Rate != 4<<20 || k.Yielded() != "" {
			t.Errorf("status %+v, yielded %q", s, k.Yielded())
		}
		busy.Store(true)
		write(t, k, 5*time.Second, false)
		busy.Store(false)
		if k.Yielded() == "" {
			t.Error("does not say that others needed it a moment ago")
		}
		k.Bound(polite.Unlimited)
		write(t, k, 15*time.Second, false)
		if free := write(t, k, time.Second, false); free < 40<<20 || k.Yielded() != "" {
			t.Errorf("%d bytes in 1 s afterwards, yielded %q", free, k.Yielded())
		}
	})
}
