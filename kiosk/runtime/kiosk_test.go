package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/kiosk/activation"
	"github.com/sitecast/sitecast/kiosk/display"
	"github.com/sitecast/sitecast/kiosk/runtime"
	"github.com/sitecast/sitecast/storage/content"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stand is a kiosk with an agent, hooks and probes that the test plays.
type stand struct {
	t     *testing.T
	parts runtime.Parts
	kiosk *runtime.Kiosk
	stop  func()
	last  engine.Delivered

	// mu guards the rest, which the kiosk's goroutines share.
	mu     sync.Mutex
	full   bool // the disk takes no journal
	saved  activation.Journal
	broken string // what a probe finds
	ran    []string
}

func (s *stand) Load(app string) (activation.Journal, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.saved.App == "" {
		return activation.NewJournal(app), nil
	}
	return s.saved, nil
}

func (s *stand) Save(j activation.Journal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return errors.New("no space left")
	}
	s.saved = j
	return nil
}

func (s *stand) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// onStand runs a test with a kiosk that shows content of app.
func onStand(t *testing.T, cfg runtime.Config, test func(s *stand)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &stand{t: t}
		cfg.App, cfg.Log, cfg.Policy.Keep = "app", slog.New(slog.DiscardHandler), 2
		s.parts = runtime.Parts{Config: cfg, Journal: s, Content: dir,
			Hook: func(_ context.Context, line string, _ time.Duration, env ...string) (string, error) {
				s.set(func() { s.ran = append(s.ran, line+" "+fmt.Sprint(env)) })
				return "said " + line, nil
			}}
		if cfg.Probe.Kind == "" {
			s.parts.Ask = func(context.Context) (err error) {
				s.set(func() {
					if s.broken != "" {
						err = errors.New(s.broken)
					}
				})
				return err
			}
		}
		s.start()
		test(s)
		s.stop()
	})
}

func (s *stand) start() {
	ctx, stop := context.WithCancel(s.t.Context())
	done := make(chan struct{})
	s.kiosk = runtime.New(s.parts)
	k := s.kiosk
	go func() { defer close(done); _ = k.Run(ctx) }()
	s.stop = func() { stop(); <-done }
	synctest.Wait()
}

// delivers brings versions, of which the last is wanted, and lets time go by.
func (s *stand) delivers(after time.Duration, numbers ...int) {
	s.t.Helper()
	s.last = engine.Delivered{Known: true, Now: time.Now(), Zone: "Europe/Berlin"}
	for i, n := range numbers {
		ref := content.Ref{Name: "app", Version: fmt.Sprint(n)}
		if err := os.MkdirAll(filepath.Join(s.parts.Content, ref.Name, ref.Version), 0o700); err != nil {
			s.t.Fatal(err)
		}
		s.last.Versions = append(s.last.Versions, engine.Delivery{ID: content.VersionID{byte(n)}, Complete: true, Have: 64, Wanted: i == len(numbers)-1,
			Head: content.Head{Name: ref.Name, Version: ref.Version, Serial: uint64(n), Bytes: 6400}})
	}
	other := engine.Delivery{ID: content.VersionID{99}, Complete: true, Wanted: true, Head: content.Head{Name: "other", Version: "9", Serial: 999}}
	s.last.Versions = append(s.last.Versions, other)
	s.kiosk.Delivered(s.last)
	time.Sleep(after)
	synctest.Wait()
}

// status asks for the status as a program would.
func (s *stand) status() (out struct{ State, Reason, Active, Previous, Staged string }) {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.kiosk.ServeHTTP(w, httptest.NewRequest("GET", "/_kiosk/status", nil))
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		s.t.Fatalf("%v in %s", err, w.Body)
	}
	return out
}

func (s *stand) want(state, active string) {
	s.t.Helper()
	got := s.status()
	shown, _ := s.kiosk.Slot().Active()
	if got.State != state || got.Active != active || shown.Version != active {
		s.t.Errorf("%+v, showing %q; want %s with %s", got, shown.Version, state, active)
	}
	if active != "" && shown.Root != filepath.Join(s.parts.Content, "app", active) {
		s.t.Errorf("it shows %s", shown.Root)
	}
}

var quick = runtime.Config{Policy: activation.Policy{ProbeTime: 2 * time.Second}}

func TestKioskActivatesRollsBackAndTellsTheAgent(t *testing.T) {
	onStand(t, quick, func(s *stand) {
		s.want("preparing", "")
		s.delivers(time.Second, 1)
		s.want("activating", "1")
		time.Sleep(2 * time.Second)
		s.delivers(3*time.Second, 1)
		s.want("active", "1")
		s.set(func() { s.broken = "status 500" })
		s.delivers(3*time.Second, 1, 2)
		s.want("rolled_back", "1")
		if got := s.status(); got.Staged != "2" || got.Reason != "2 failed: status 500" {
			t.Errorf("%+v", got)
		}
		u := s.kiosk.Uses()
		if a := u.Activation; a.Content != "app" || a.Version != "1" || a.State != "rolled_back" || a.Staged != "2" ||
			len(a.History) != 2 || a.History[0].Outcome != "rolled_back" || !slices.Equal(u.Keep, []content.VersionID{{1}}) {
			t.Errorf("it uses %+v, %+v", u, a)
		}
		select {
		case <-s.kiosk.Changed():
		default:
			t.Error("the agent was not told")
		}
		s.set(func() { s.broken = "" })
		s.delivers(3*time.Second, 1, 2, 3)
		s.want("active", "3")
		if got := s.status(); got.Previous != "1" {
			t.Errorf("%+v, want 1 to go back to", got)
		}
	})
}

func TestKioskShowsItsVersionBeforeItHearsAnything(t *testing.T) {
	onStand(t, quick, func(s *stand) {
		s.delivers(5*time.Second, 1)
		s.delivers(5*time.Second, 1, 2)
		s.stop()
		s.start()
		s.want("active", "2")
		s.stop()
		if err := os.RemoveAll(filepath.Join(s.parts.Content, "app", "2")); err != nil {
			t.Fatal(err)
		}
		s.start()
		s.want("active", "1")
	})
}

func TestNothingChangesUntilTheJournalCanBeWritten(t *testing.T) {
	onStand(t, quick, func(s *stand) {
		s.delivers(5*time.Second, 1)
		s.set(func() { s.full = true })
		s.delivers(time.Minute, 1, 2)
		s.want("active", "1")
		s.stop()
		s.start() // with a disk that is still full
		s.kiosk.Delivered(s.last)
		if shown, _ := s.kiosk.Slot().Active(); shown.Version != "1" {
			t.Errorf("it shows %q", shown.Version)
		}
		s.set(func() { s.full = false })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		s.want("active", "2")
	})
}

func TestTwentyActivationsInARow(t *testing.T) {
	onStand(t, quick, func(s *stand) {
		for n := 1; n <= 20; n++ {
			s.delivers(5*time.Second, max(n-1, 1), n)
			s.want("active", fmt.Sprint(n))
			if n%5 == 0 {
				s.stop()
				s.start()
				s.kiosk.Delivered(s.last)
			}
		}
	})
}

func TestHooksAreToldOfVersions(t *testing.T) {
	cfg := quick
	cfg.Before, cfg.After, cfg.HookTime = "ask", "tell", time.Minute
	cfg.Policy.Before, cfg.Policy.After = true, true
	onStand(t, cfg, func(s *stand) {
		s.delivers(5*time.Second, 1)
		s.delivers(5*time.Second, 1, 2)
		root := filepath.Join(s.parts.Content, "app")
		s.mu.Lock()
		defer s.mu.Unlock()
		want := fmt.Sprintf("tell [SITECAST_HOOK=after SITECAST_URL=/ SITECAST_CONTENT=app SITECAST_VERSION=2 SITECAST_PATH=%s/2 "+
			"SITECAST_OUTCOME=activated SITECAST_PREVIOUS=1 SITECAST_PREVIOUS_PATH=%s/1]", root, root)
		if len(s.ran) != 4 || s.ran[3] != want {
			t.Errorf("ran %q, want the last %q", s.ran, want)
		}
		if h := s.saved.History[0]; h.Before != "said ask" || h.After != "said tell" {
			t.Errorf("history %+v", h)
		}
	})
}

func TestDisplayThatEndsTakesTheVersionBack(t *testing.T) {
	cfg := quick
	cfg.Probe = runtime.Probing{Kind: runtime.ProbeAlive}
	onStand(t, cfg, func(s *stand) {
		s.kiosk.Displayed(display.State{Phase: display.Running})
		s.delivers(5*time.Second, 1)
		s.want("active", "1")
		s.kiosk.Displayed(display.State{Phase: display.Waiting, Why: "of itself"})
		synctest.Wait()
		s.want("active", "1") // it is no trial
		s.kiosk.Displayed(display.State{Phase: display.Running})
		s.delivers(time.Second, 1, 2)
		s.want("activating", "2")
		s.kiosk.Displayed(display.State{Phase: display.Waiting, Why: "exit status 3"})
		synctest.Wait()
		s.want("rolled_back", "1")
		if got := s.status().Reason; got != "2 failed: the display ended: exit status 3" {
			t.Errorf("because %q", got)
		}
	})
}

// Once a version was kept its probe goes on: the server hears, the display is started
// anew, and where the device says so the version before comes back.
func TestVersionThatFailsAfterItWasKeptIsToldAndTakenBack(t *testing.T) {
	cfg := quick
	cfg.Policy.Watch = activation.Watch{Do: activation.WatchRollback, Every: 30 * time.Second, Failures: 3}
	onStand(t, cfg, func(s *stand) {
		s.delivers(5*time.Second, 1)
		s.delivers(5*time.Second, 1, 2)
		s.want("active", "2")
		began := time.Now()
		s.set(func() { s.broken = "status 500" })
		time.Sleep(100 * time.Second)
		synctest.Wait()
		s.want("unhealthy", "2")
		a := s.kiosk.Uses().Activation
		if a.State != "unhealthy" || a.Reason != "2 does its work no more: status 500" || a.Since.Before(began) || a.Since.After(began.Add(31*time.Second)) {
			t.Errorf("the agent tells %+v, it began at %v", a, began)
		}
		select {
		case <-s.kiosk.Anew():
		default:
			t.Error("the display was not started anew")
		}
		time.Sleep(90 * time.Second)
		synctest.Wait()
		s.want("rolled_back", "1")
		if got := s.kiosk.Uses().Activation; !got.Since.IsZero() || got.Staged != "2" {
			t.Errorf("the agent tells %+v", got)
		}
	})
}
