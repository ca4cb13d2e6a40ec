package sim_test

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"testing"

	"go.uber.org/goleak"
)

const (
	// storySteps is how many steps a story has, about.
	storySteps = 40
	// defaultSteps are told where SITECAST_SIM_STEPS does not say how many, in all
	// stories together.
	defaultSteps = 400
)

// The environment says which stories are told: SITECAST_SIM_STEPS how many steps in
// all, and SITECAST_SIM_SEED repeats what a failure printed as -rapid.seed.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := configure(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	goleak.VerifyTestMain(m)
}

func configure() error {
	steps := defaultSteps
	if text := os.Getenv("SITECAST_SIM_STEPS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("SITECAST_SIM_STEPS is %q, want a number of steps", text)
		}
		steps = n
	}
	set := map[string]string{"rapid.steps": strconv.Itoa(storySteps),
		"rapid.checks": strconv.Itoa(max(1, steps/storySteps)), "rapid.nofailfile": "true"}
	if seed := os.Getenv("SITECAST_SIM_SEED"); seed != "" {
		set["rapid.seed"] = seed
	}
	flag.Visit(func(f *flag.Flag) { delete(set, f.Name) }) // the command line wins
	for name, value := range set {
		if err := flag.Set(name, value); err != nil {
			return fmt.Errorf("SITECAST_SIM_SEED and the like: %w", err)
		}
	}
	return nil
}
