package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/policy"
)

// zone loads a time zone.
func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestTheFirstRuleThatCoversAnHourCounts(t *testing.T) {
	week, err := policy.ParseRates("fri 12:00-13:00 1mbit; mon-fri 08:00-18:00 2mbit; sat,sun 0bit; * 22:00-06:00 none; * 8mbit")
	if err != nil {
		t.Fatal(err)
	}
	const mbit = 1_000_000
	for at, want := range map[string]int64{ // Monday is 30 November 2026
		"2026-11-30T00:00": policy.None, "2026-11-30T05:59": policy.None, "2026-11-30T06:00": 8 * mbit, "2026-11-30T07:59": 8 * mbit,
		"2026-11-30T08:00": 2 * mbit, "2026-12-04T11:59": 2 * mbit, "2026-12-04T12:30": 1 * mbit, "2026-12-04T13:00": 2 * mbit,
		"2026-12-04T18:00": 8 * mbit, "2026-12-04T22:00": policy.None, "2026-12-05T03:00": 0, "2026-12-06T23:59": 0,
	} {
		when, err := time.Parse("2006-01-02T15:04", at)
		if err != nil {
			t.Fatal(err)
		}
		if got := week.At(when, nil); got != want {
			t.Errorf("at %s %s it is %d, want %d", when.Weekday(), at, got, want)
		}
	}
}

func TestAWindowOverMidnightEndsTheNextDay(t *testing.T) {
	week, err := policy.ParseWindows("sun 22:00-06:00 open; sat-mon 12:00-13:00 open; * closed")
	if err != nil {
		t.Fatal(err)
	}
	var open []int
	for h, is := range week {
		if is {
			open = append(open, h)
		}
	}
	want := []int{0, 1, 2, 3, 4, 5, 12, 5*24 + 12, 6*24 + 12, 6*24 + 22, 6*24 + 23}
	if len(open) != len(want) {
		t.Fatalf("open at %v, want %v", open, want)
	}
	for i := range want {
		if open[i] != want[i] {
			t.Fatalf("open at %v, want %v", open, want)
		}
	}
}

func TestWhatIsNoWeekIsRefusedWithAWord(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "not a rule",
		"mon-fri 08:00-18:00 2mbit":           `end with "; * none"`,
		"mon-fri 08:30-18:00 2mbit; * none":   "full hour",
		"mon-fri 08:00 2mbit; * none":         "full hour",
		"* 24:00-06:00 none; * none":          "full hour",
		"* 08:00-08:00 none; * none":          "full hour",
		"* 08:00-25:00 none; * none":          "full hour",
		"montag none; * none":                 "days such as",
		"mon- none; * none":                   "days such as",
		"mon-sun,tue-sun none; * none":        "twice",
		"08:00-18:00 mon 2mbit; * none":       "days come before",
		"mon 08:00-18:00 2mbit now; * none":   "not a rule",
		"mon 08:00-18:00 fast; * none":        "not a rate",
		"*":                                   "not a rate",
		strings.Repeat("mon none; ", 200):     "limit",
		"mon 08:00-18:00 2mbit; tue-sun none": "mon at 00:00",
	} {
		if _, err := policy.ParseRates(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want an error with %q", text, err, want)
		}
	}
	if _, err := policy.ParseWindows("* 22:00-06:00 open"); err == nil || !strings.Contains(err.Error(), `"; * closed"`) {
		t.Errorf("got %v, want to be told how it ends", err)
	}
}

// The clocks of Berlin go forward at 2:00 on 29 March 2026 and back at 3:00 on 25 October.
// An hour that is left out has no part, one that comes twice has two.
func TestAWeekIsByTheClockOnTheWallWhenThatIsSet(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	for name, c := range map[string]struct {
		rules string
		zone  *time.Location
		at    time.Time
		want  []string // in UTC; empty: never
	}{
		"an ordinary day":   {"mon 08:00-18:00 open; * closed", berlin, time.Date(2026, 11, 30, 0, 0, 0, 0, berlin), []string{"2026-11-30T07:00", "2026-11-30T17:00", "2026-12-07T07:00"}},
		"forward":           {"sun 08:00-09:00 open; * closed", berlin, time.Date(2026, 3, 29, 0, 30, 0, 0, berlin), []string{"2026-03-29T06:00", "2026-03-29T07:00", "2026-04-05T06:00"}},
		"an hour left out":  {"sun 02:00-03:00 open; * closed", berlin, time.Date(2026, 3, 29, 0, 30, 0, 0, berlin), []string{"2026-04-05T00:00", "2026-04-05T01:00"}},
		"into the gap":      {"sun 01:00-03:00 open; * closed", berlin, time.Date(2026, 3, 29, 0, 30, 0, 0, berlin), []string{"2026-03-29T00:00", "2026-03-29T01:00"}},
		"back":              {"sun 08:00-09:00 open; * closed", berlin, time.Date(2026, 10, 25, 0, 30, 0, 0, berlin), []string{"2026-10-25T07:00", "2026-10-25T08:00"}},
		"an hour twice":     {"sun 02:00-03:00 open; * closed", berlin, time.Date(2026, 10, 25, 0, 30, 0, 0, berlin), []string{"2026-10-25T00:00", "2026-10-25T02:00"}},
		"half an hour off":  {"mon 08:00-09:00 open; * closed", zone(t, "Asia/Kolkata"), time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC), []string{"2026-11-30T02:30", "2026-11-30T03:30"}},
		"half an hour back": {"sun 02:00-03:00 open; * closed", zone(t, "Australia/Lord_Howe"), time.Date(2026, 4, 4, 12, 0, 0, 0, time.UTC), []string{"2026-04-04T15:30", "2026-04-04T16:30"}},
		"in UTC":            {"mon 08:00-09:00 open; * closed", nil, time.Date(2026, 11, 30, 7, 59, 59, 999, time.UTC), []string{"2026-11-30T08:00", "2026-11-30T09:00"}},
		"always":            {"open", berlin, time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC), nil},
	} {
		t.Run(name, func(t *testing.T) {
			week, err := policy.ParseWindows(c.rules)
			if err != nil {
				t.Fatal(err)
			}
			at := c.at
			for _, want := range c.want {
				was := week.At(at, c.zone)
				next, ok := week.Until(at, c.zone)
				if got := next.UTC().Format("2006-01-02T15:04"); !ok || got != want {
					t.Fatalf("after %v it changes at %s (%v), want %s", at, got, ok, want)
				}
				if week.At(next, c.zone) == was || week.At(next.Add(-time.Nanosecond), c.zone) != was {
					t.Errorf("it does not change at %v", next)
				}
				at = next
			}
			if _, ok := week.Until(at, c.zone); len(c.want) == 0 && ok {
				t.Error("it changes, and should not")
			}
		})
	}
}

// FuzzWeek holds that whatever is written is a week or an error, and that a week says
// truly until when it holds.
func FuzzWeek(f *testing.F) {
	f.Add("mon-fri 08:00-18:00 2mbit; * none", int64(1_790_000_000))
	f.Add("sat-mon,wed 22:00-06:00 0bit; fri 1.5gbit; * 24:00-1:00 none;;* 3kbit", int64(0))
	f.Add("none", int64(1_774_740_600))
	f.Add(";", int64(-1))
	key, err := policy.Find(policy.WANCapHours)
	if err != nil {
		f.Fatal(err)
	}
	berlin := zone(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, text string, seconds int64) {
		kept, err := key.Parse(text)
		if err != nil {
			return
		}
		week, err := policy.ParseRates(text)
		again, err2 := policy.ParseRates(kept)
		if err != nil || err2 != nil || *week != *again {
			t.Fatalf("%q is kept as %q, which is another week (%v, %v)", text, kept, err, err2)
		}
		if twice, err := key.Parse(kept); twice != kept || err != nil {
			t.Fatalf("%q is kept as %q, and that as %q (%v)", text, kept, twice, err)
		}
		at := time.Unix(946_684_800+seconds&(1<<30-1), 0) // from 2000 on zones change at full hours
		next, ok := week.Until(at, berlin)
		if ok && (!next.After(at) || week.At(next, berlin) == week.At(at, berlin) || week.At(next.Add(-time.Second), berlin) != week.At(at, berlin)) {
			t.Fatalf("%q at %v: wrong about %v", kept, at, next)
		}
	})
}

func TestTimeIsCountedInWindows(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	week, err := policy.ParseWindows("22:00-06:00 open; * closed")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, to time.Time
		want     time.Duration
	}{
		{time.Date(2026, 11, 30, 20, 0, 0, 0, berlin), time.Date(2026, 12, 1, 20, 0, 0, 0, berlin), 8 * time.Hour},
		{time.Date(2026, 11, 30, 22, 30, 0, 0, berlin), time.Date(2026, 11, 30, 22, 31, 0, 0, berlin), time.Minute},
		{time.Date(2026, 11, 30, 8, 0, 0, 0, berlin), time.Date(2026, 11, 30, 9, 0, 0, 0, berlin), 0},
		{time.Date(2026, 11, 30, 9, 0, 0, 0, berlin), time.Date(2026, 11, 30, 8, 0, 0, 0, berlin), 0},
		{time.Date(2026, 3, 28, 12, 0, 0, 0, berlin), time.Date(2026, 3, 29, 12, 0, 0, 0, berlin), 7 * time.Hour},
		{time.Date(2026, 10, 24, 12, 0, 0, 0, berlin), time.Date(2026, 10, 25, 12, 0, 0, 0, berlin), 9 * time.Hour},
	} {
		if got := week.Time(true, c.from, c.to, berlin); got != c.want {
			t.Errorf("from %v to %v it is open for %v, want %v", c.from, c.to, got, c.want)
		}
		if at, ok := week.After(true, c.from, c.want, berlin); c.want > 0 && (!ok || week.Time(true, c.from, at, berlin) != c.want || at.After(c.to)) {
			t.Errorf("%v from %v on are over at %v (%v)", c.want, c.from, at, ok)
		}
	}
	never, err := policy.ParseWindows("closed")
	if err != nil {
		t.Fatal(err)
	}
	if at, ok := never.After(true, time.Now(), time.Second, nil); ok {
		t.Errorf("what is never open is over at %v", at)
	}
}
