//go:build linux

package netlab

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Available skips the test where no network can be built, and says why. In CI
// (CI=true) and with SITECAST_REQUIRE_NETLAB=1 it fails the test instead, so that
// a missing tool never looks like a pass.
func Available(tb testing.TB) {
	tb.Helper()
	reason := Unavailable()
	switch {
	case reason == "":
	case os.Getenv("CI") == "true" || os.Getenv("SITECAST_REQUIRE_NETLAB") == "1":
		tb.Fatalf("network namespaces are needed here: %s", reason)
	default:
		tb.Skipf("no network namespaces: %s", reason)
	}
}

// New starts a network for a test and closes it at the test's end.
func New(tb testing.TB, plan Plan) *Lab {
	tb.Helper()
	Available(tb)
	lab, err := Start(plan)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := lab.Close(); err != nil {
			tb.Error(err)
		}
	})
	return lab
}

// Unavailable says why no network can be built; it is empty when one can.
func Unavailable() string {
	if os.Geteuid() != 0 {
		return "not root"
	}
	if names := missing(); len(names) > 0 {
		return "not installed: " + strings.Join(names, ", ") + " (make deps)"
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		return fmt.Sprintf("no TUN devices: %v", err)
	}
	return ""
}
