package display_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/kiosk/display"
	"github.com/sitecast/sitecast/kiosk/serve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stand runs a display in fake time whose programs the test plays.
type stand struct {
	t    *testing.T
	slot serve.Slot
	anew chan struct{}
	stop func()

	// mu guards the rest, which the display's goroutine shares.
	mu      sync.Mutex
	started []*display.Played
	at      []time.Duration // when
	refresh bool            // programs can show another version
	broken  error           // none can be started
	states  []display.State
}

func playing(t *testing.T) *stand {
	s := &stand{t: t, anew: make(chan struct{}, 1)}
	began := time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	o := display.Options{Command: "played", Profile: t.TempDir(), Source: &s.slot, Log: slog.New(slog.DiscardHandler), Anew: s.anew,
		OnChange: func(now display.State) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.states = append(s.states, now)
		}}
	o.Play(func() (*display.Played, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.at = append(s.at, time.Since(began))
		if s.broken != nil {
			return nil, s.broken
		}
		p := &display.Played{Over: make(chan struct{}), Refreshes: s.refresh}
		s.started = append(s.started, p)
		return p, nil
	})
	done := make(chan error)
	go func() { done <- display.Run(ctx, o) }()
	s.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		for i, p := range s.started {
			if !p.Stopped {
				t.Errorf("program %d was left behind", i+1)
			}
		}
	}
	synctest.Wait()
	return s
}

func (s *stand) state() display.State {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.states[len(s.states)-1]
}

// set changes how programs are played.
func (s *stand) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// pass lets time pass, and what is due then happen.
func (s *stand) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// end ends the program that runs, after a while.
func (s *stand) end(after time.Duration) {
	s.t.Helper()
	if state := s.state(); !state.Next.IsZero() {
		s.t.Fatalf("the screen is %+v, want a program that runs", state)
	}
	s.pass(after)
	s.mu.Lock()
	close(s.started[len(s.started)-1].Over)
	s.mu.Unlock()
	synctest.Wait()
}

func TestAProgramThatDoesNotLastIsStartedLaterEachTimeAndNeverGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := playing(t)
		defer func() { s.stop() }()
		var waits []time.Duration
		for i := range 9 {
			s.end(0)
			state := s.state()
			want := display.Waiting
			if i+1 >= display.TooMany {
				want = display.Failing
			}
			if state.Phase != want || state.Ends != i+1 || state.Why != "played" {
				t.Errorf("after end %d: %+v, want %s", i+1, state, want)
			}
			waits = append(waits, time.Until(state.Next))
			s.pass(time.Until(state.Next))
		}
		second := time.Second
		if want := []time.Duration{second, 2 * second, 4 * second, 8 * second, 16 * second, 32 * second, display.MaxWait, display.MaxWait, display.MaxWait}; !slices.Equal(waits, want) {
			t.Errorf("waited %v, want %v", waits, want)
		}
	})
}

func TestAProgramThatRanForAMinuteIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := playing(t)
		defer func() { s.stop() }()
		for range display.TooMany {
			s.end(0)
			s.pass(time.Until(s.state().Next))
		}
		if state := s.state(); state.Phase != display.Failing || state.Ends != display.TooMany || state.Why != "played" {
			t.Errorf("started once more: %+v, want that it is failing still", state)
		}
		s.pass(display.Steady)
		if state := s.state(); state.Phase != display.Running || state.Ends != 0 || state.Why != "" {
			t.Errorf("after a minute: %+v, want that it is well", state)
		}
		s.end(0)
		if state := s.state(); state.Phase != display.Waiting || state.Ends != 1 || time.Until(state.Next) != time.Second {
			t.Errorf("after a minute: %+v, want to wait a second", state)
		}
	})
}

func TestAnotherVersionIsShownWithoutAnEndWhereThatCanBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := playing(t)
		defer func() { s.stop() }()
		s.end(0)
		s.set(func() { s.refresh = true })
		s.pass(time.Second)
		for _, version := range []string{"1", "2"} {
			s.slot.Show(serve.Version{Name: "menu", Version: version})
			synctest.Wait()
		}
		if got := s.started[len(s.started)-1]; len(s.started) != 2 || got.Refreshed != 2 {
			t.Errorf("%d programs, the last refreshed %d times, want 2 and 2", len(s.started), got.Refreshed)
		}
	})
}

func TestAProgramThatKnowsNothingOfVersionsIsStartedAnewAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := playing(t)
		defer func() { s.stop() }()
		s.slot.Show(serve.Version{Name: "menu", Version: "1"})
		state := s.state()
		if len(s.started) != 2 || !s.started[0].Stopped || state.Phase != display.Running || state.Ends != 0 || s.at[1] != 0 {
			t.Errorf("%d programs at %v, %+v, want a second one at once", len(s.started), s.at, state)
		}
	})
}

func TestAnotherVersionIsAnotherChanceForAProgramThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := playing(t)
		defer func() { s.stop() }()
		for range display.TooMany {
			s.end(0)
			s.pass(time.Until(s.state().Next))
		}
		s.end(0)
		s.slot.Show(serve.Version{Name: "menu", Version: "2"})
		if state := s.state(); state.Phase != display.Running || state.Ends != 0 {
			t.Errorf("%+v, want that it runs", state)
		}
	})
}

func TestWhatCanNotBeStartedIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := playing(t)
		defer func() { s.stop() }()
		s.set(func() { s.broken = errors.New("not installed") })
		s.end(0)
		s.pass(time.Second)
		if state := s.state(); state.Phase != display.Waiting || state.Why != "not installed" || state.Ends != 2 {
			t.Errorf("%+v, want why it waits", state)
		}
		s.set(func() { s.broken = nil })
		s.pass(2 * time.Second)
		if state := s.state(); !state.Next.IsZero() {
			t.Errorf("%+v, want that it runs", state)
		}
	})
}

func TestNoneKeepsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		var last display.State
		err := display.Run(ctx, display.Options{Command: display.None, OnChange: func(s display.State) { last = s }})
		if err != nil || last.Phase != display.Off {
			t.Errorf("%+v, %v", last, err)
		}
	})
}

func TestACommandThatIsNoneIsRefused(t *testing.T) {
	err := display.Run(t.Context(), display.Options{Command: "  ", Profile: t.TempDir(), Source: &serve.Slot{}, Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		t.Error("an empty command was taken")
	}
}

func TestAProgramIsStartedAnewWhenSomebodyAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := playing(t)
		defer func() { s.stop() }()
		s.set(func() { s.refresh = true })
		s.anew <- struct{}{}
		s.pass(time.Second)
		if state := s.state(); len(s.started) != 2 || !s.started[0].Stopped || state.Phase != display.Running || state.Ends != 0 {
			t.Fatalf("%d programs, %+v", len(s.started), state)
		}
		// One that ended is started in any case, and once.
		s.end(0)
		s.anew <- struct{}{}
		s.pass(time.Minute)
		if len(s.started) != 3 || s.started[2].Stopped {
			t.Errorf("%d programs", len(s.started))
		}
	})
}
