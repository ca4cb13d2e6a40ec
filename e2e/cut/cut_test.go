//go:build linux

// Package cut ends a kiosk by force, as a power cut would, at every step of an
// activation and at random between them: a real process with a real server, on this
// host's loopback. Whenever it ends, its journal names the old version or the new one,
// that one lies whole on the disk, and it is what the next process serves from its first
// answer on.
package cut

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/kiosk/activation"
)

// fewRounds is how often a kiosk is killed at random unless SITECAST_CUT_ROUNDS says
// otherwise.
const fewRounds = 3

var program string // the sitecast binary

func TestMain(m *testing.M) {
	dir, err := rig.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "sitecast")
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir) // a left-over in the system's temporary folder
		os.Exit(code)
	}))
}

func TestAKioskKilledAtAnyStepShowsTheOldVersionOrTheNew(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 8*time.Minute)
	defer stop()
	s := begin(ctx, t)
	took := s.first()

	// At each step: the hooks and the probe are where it can be held.
	s.hold("before", "probe", "after")
	s.order(good)
	s.killAt("before", activation.AskingFirst)
	s.killAt("probe", activation.OnTrial)
	s.killAt("after", activation.TellingAfter)
	s.settled()
	if phase := s.kill(); phase != activation.Idle {
		t.Errorf("the journal is in phase %q when all was done", phase)
	}
	s.again()
	s.settled()
	s.hold("probe", "after")
	s.order(bad)
	s.killAt("probe", activation.OnTrial)
	s.killAt("after", activation.TellingAfter)
	s.settled()

	// And between them, wherever it is.
	rounds := fewRounds
	if text := os.Getenv("SITECAST_CUT_ROUNDS"); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatalf("SITECAST_CUT_ROUNDS: %v", err)
		}
	}
	met := map[activation.Phase]int{}
	for n := range rounds {
		s.order(n%2 == 0)
		for range 2 { // who ends three times in its trial is taken back
			s.wait(time.Duration(rand.Int64N(int64(took) * 5 / 4)))
			met[s.kill()]++
			s.again()
		}
		s.settled()
	}
	t.Logf("an activation takes %v; killed at random %d times, by phase of the journal: %v", took.Round(time.Millisecond), 2*rounds, met)
}
