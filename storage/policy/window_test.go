package policy_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/storage/policy"
)

func TestAWindowMayBeWrittenBriefly(t *testing.T) {
	for text, full := range map[string]string{
		"mon-fri 22:00-05:00":                           "mon-fri 22:00-05:00 open; * closed",
		"  MON-FRI  22:00-05:00 ;":                      "mon-fri 22:00-05:00 open; * closed",
		"sat,sun; mon-fri 22:00-05:00":                  "sat,sun open; mon-fri 22:00-05:00 open; * closed",
		"mon 08:00-10:00 closed; mon; wed 01:00-02:00":  "mon 08:00-10:00 closed; mon open; wed 01:00-02:00 open; * closed",
		"* 22:00-06:00 open; * closed":                  "* 22:00-06:00 open; * closed",
		"01:00-02:00":                                   "01:00-02:00 open; * closed",
		"open":                                          "open; * closed",
		"sat 10:00-12:00 closed; sat open; sun; * open": "sat 10:00-12:00 closed; sat open; sun open; * open; * closed",
	} {
		week, got, err := policy.ParseWindow(text)
		if err != nil || got != full {
			t.Errorf("%q is kept as %q (%v), want %q", text, got, err, full)
			continue
		}
		if same, err := policy.ParseWindows(full); err != nil || *same != *week {
			t.Errorf("%q does not mean what %q does (%v)", text, full, err)
		}
		if again, kept, err := policy.ParseWindow(got); err != nil || kept != got || *again != *week {
			t.Errorf("%q is kept as %q when it is read again (%v)", got, kept, err)
		}
	}
}

func TestAWindowThatCantBeIsRefusedWithAWordAboutIt(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "at least one rule",
		" ; ":                               "at least one rule",
		"closed":                            "never opens",
		"* closed; mon 10:00-12:00":         "never opens",
		"mon 22:30-05:00":                   "full hour",
		"someday":                           "no days",
		"22:00-05:00 mon":                   "the days come before the hours",
		strings.Repeat("mon; ", 96) + "tue": "limit",
	} {
		if _, _, err := policy.ParseWindow(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want that it says %q", text, err, want)
		}
	}
}

func TestBothWindowsHaveToBeOpen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) *policy.Week[bool] {
			if rapid.Bool().Draw(t, name+" closes") {
				var w policy.Week[bool]
				for h := range w {
					w[h] = rapid.Bool().Draw(t, name)
				}
				return &w
			}
			return nil
		}
		a, b := draw("a"), draw("b")
		both := policy.Both(a, b)
		for h := range policy.WeekHours {
			want := (a == nil || a[h]) && (b == nil || b[h])
			if got := both == nil || both[h]; got != want {
				t.Fatalf("hour %d is open: %v, want %v", h, got, want)
			}
		}
	})
}

func FuzzWindow(f *testing.F) {
	for _, text := range []string{"", "mon-fri 22:00-05:00", "sat,sun; 01:00-02:00 closed", "* closed", "open", ";;"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		week, full, err := policy.ParseWindow(text)
		if err != nil {
			return
		}
		again, kept, err := policy.ParseWindow(full)
		if err != nil || kept != full || *again != *week {
			t.Errorf("%q is kept as %q, and that as %q (%v)", text, full, kept, err)
		}
	})
}
