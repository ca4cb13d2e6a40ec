//go:build unix

package hook_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/edge/hook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCommandIsToldAndItsWordsAndEndAreKept(t *testing.T) {
	t.Setenv("SITECAST_TOKEN", "secret")
	out, err := hook.Run(t.Context(), `echo "$SITECAST_VERSION$SITECAST_TOKEN"; echo no >&2; exit 75`, time.Minute, "SITECAST_VERSION=7")
	if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != 75 || out != "7\nno" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestWordyCommandIsBounded(t *testing.T) {
	out, err := hook.Run(t.Context(), `head -c 100000 /dev/zero | tr '\0' x; echo; echo at last`, time.Minute)
	if err != nil || len(out) > hook.MaxOutput || !strings.HasSuffix(out, "at last") {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

func TestCommandThatTakesTooLongEndsWithAllThatItStarted(t *testing.T) {
	begun := time.Now()
	out, err := hook.Run(t.Context(), `echo begun; sleep 60 & sleep 60`, 100*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "longer than 100ms") || out != "begun" || time.Since(begun) > 30*time.Second {
		t.Errorf("%q, %v after %v", out, err, time.Since(begun))
	}
}
