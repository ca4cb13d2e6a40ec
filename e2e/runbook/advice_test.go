//go:build linux

package runbook

import (
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/reason"
)

// quoted finds commands in advice: up to the end of a sentence or of a part of it.
var quoted = regexp.MustCompile(`sitecast [^;,()]*`)

// wrongUsage is what the program exits with that was called wrongly.
const wrongUsage = 2

// values are what placeholders in advice stand for.
var values = strings.NewReplacer("RATE", "5mbit", "SIZE", "10GB")

// parses reports whether the longest beginning of the words that the program takes has all of
// the flags among them. With --help it says how a command is used only where that is one with
// those flags, and runs nothing.
func parses(t *testing.T, words []string) bool {
	t.Helper()
	flags := 0
	for i, w := range words {
		if strings.HasPrefix(w, "--") {
			flags = i
		}
	}
	for n := len(words); n > flags; n-- {
		var wrong *exec.ExitError
		err := exec.CommandContext(t.Context(), filepath.Join(bin, "sitecast"), append(words[:n:n], "--help")...).Run()
		if err == nil {
			return true
		}
		if !errors.As(err, &wrong) || wrong.ExitCode() != wrongUsage {
			t.Fatal(err)
		}
	}
	return false
}

func TestWhatReasonsAdviseCanBeTyped(t *testing.T) {
	commands := 0
	for _, code := range reason.Codes() {
		r := reason.Reason{Code: code, Who: "till-4", What: "app@1", N: 2, Until: time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)}
		do := r.Do(time.UTC, reason.Subject{Site: "shop-12", Flow: "till-app@2.1", Endpoint: "till-1"})
		if strings.ContainsAny(do, "{}[]|") {
			t.Errorf("%s: %q has something in it that was not filled in", code, do)
		}
		for _, command := range quoted.FindAllString(do, -1) {
			words := strings.Fields(values.Replace(strings.TrimRight(command, ". ")))[1:]
			if !parses(t, words) {
				t.Errorf("%s: nobody can type %q of %q", code, command, do)
			}
			commands++
		}
	}
	if commands < 20 {
		t.Errorf("%d commands were found in what reasons advise", commands)
	}
}

func TestAdviceThatCantBeTypedIsFound(t *testing.T) {
	for text, want := range map[string]bool{
		"cap --site shop-12 --wan 5mbit":                              true,
		"cap --site shop-12 --content a@1 --wan none ends that":       true,
		"cap --site shop-12 --lan none":                               false,
		"cap --site shop-12 --wan":                                    false,
		"capp --site shop-12":                                         false,
		"prioritize":                                                  true,
		"prioritise":                                                  false,
		"endpoints --site shop-12 says when each was seen last":       true,
		"endpoints --place shop-12 says when each was seen last":      false,
		"set --site shop-12 cache_quota=10GB":                         true,
		"doctor pair --site shop-12 till-1 till-4 says what is wrong": true,
	} {
		if got := parses(t, strings.Fields(text)); got != want {
			t.Errorf("%q can be typed: %v, want %v", text, got, want)
		}
	}
}
