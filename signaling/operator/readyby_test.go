package operator_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/content"
)

// readyBy reads a time as a person writes it.
func readyBy(t *testing.T, text string) (r operator.ReadyBy) {
	t.Helper()
	if err := r.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhatIsNoTimeAheadIsRefused(t *testing.T) {
	for _, text := range []string{"", "6", "-6h", "0s", "tomorrow", "06:00", "2027-03-04", "2027-03-04 06:00:00", "2027-13-04T06:00:00Z",
		"2027-03-04T06:00:00", "99999999999h", strings.Repeat("9", 1000)} {
		var r operator.ReadyBy
		if err := r.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "6h") || len(err.Error()) > 300 {
			t.Errorf("%.40q: %v, want an error that says what to write", text, err)
		}
	}
}

func TestADistributionIsOrderedToBeReadyByATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-1"})
		s.published("app", "1")
		s.published("film", "1")
		s.published("late", "1")
		now := time.Now()
		said := s.run(operator.Distribute{Remote: s.remote, Ref: "app@1", All: true, Priority: "normal", ReadyBy: readyBy(t, "90m")})
		if want := "Ordered app@1 to all sites, to be ready by " + now.Add(90*time.Minute).Local().Format("15:04") + ".\n"; said != want {
			t.Errorf("distribute printed %q, want %q", said, want)
		}
		at := now.Add(48 * time.Hour).Truncate(time.Second)
		s.run(operator.Distribute{Remote: s.remote, Ref: "film@1", All: true, Priority: "normal", ReadyBy: readyBy(t, at.Format(time.RFC3339))})
		s.run(operator.Flows{Remote: s.remote})
		synctest.Wait()
		flows := decode[[]site.FlowView](t, s.run(operator.Flows{Remote: s.remote, JSON: true}))
		if len(flows) != 2 || flows[0].ReadyBy.Sub(now).Round(time.Second) != 90*time.Minute || !flows[1].ReadyBy.Equal(at) {
			t.Fatalf("flows %+v, want one ready in 90 minutes and one at %v", flows, at)
		}
		text := s.run(operator.Flows{Remote: s.remote})
		want := "app at shop-1: will miss " + flows[0].ReadyBy.Local().Format("15:04") + ": no endpoint of the site is online\n"
		if !strings.Contains(text, want) {
			t.Errorf("flows printed %q, want %q", text, want)
		}
		// The server has the last word on what time it is.
		time.Sleep(2 * time.Hour)
		err := operator.Distribute{Remote: s.remote, Ref: "late@1", All: true, Priority: "normal",
			ReadyBy: readyBy(t, now.Add(time.Hour).Format(time.RFC3339))}.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "has passed") {
			t.Errorf("a time that has passed: %v, want that it is refused", err)
		}
		s.end()
	})
}

func TestAForecastIsShownInShort(t *testing.T) {
	now := time.Now()
	at := func(d time.Duration) time.Time { return now.Add(d) }
	clock := func(d time.Duration) string { return at(d).Local().Format("15:04") }
	exact := func(d time.Duration) string { return at(d).Local().Format("15:04:05") }
	running := func(by, forecast time.Time, cause string) site.FlowView {
		f := flow("a", site.StateRunning, 1, 0, 5)
		f.ReadyBy, f.Forecast, f.ForecastCause = by, forecast, cause
		return f
	}
	complete := running(at(time.Hour), time.Time{}, "")
	complete.State = site.StateComplete
	for want, f := range map[string]site.FlowView{
		"":                                  running(time.Time{}, time.Time{}, ""),
		"forecast " + clock(2*time.Hour):    running(time.Time{}, at(2*time.Hour), ""),
		"forecast " + exact(20*time.Minute): running(time.Time{}, at(20*time.Minute), ""),
		"ready by " + clock(5*time.Hour):    running(at(5*time.Hour), time.Time{}, ""),
		"ready by " + at(50*time.Hour).Local().Format("2006-01-02 15:04") + ", forecast " + clock(5*time.Hour): running(at(50*time.Hour), at(5*time.Hour), ""),
		"will miss " + clock(5*time.Hour) + " by 40 min: the line is slow":                                     running(at(5*time.Hour), at(5*time.Hour+40*time.Minute), "the line is slow"),
		"will miss " + clock(5*time.Hour) + " by 3 h: the line is slow":                                        running(at(5*time.Hour), at(8*time.Hour), "the line is slow"),
		"will miss " + clock(5*time.Hour) + " by 9 s: the line is slow":                                        running(at(5*time.Hour), at(5*time.Hour+9*time.Second), "the line is slow"),
		"will miss " + clock(5*time.Hour) + " by 4 days: the line is slow":                                     running(at(5*time.Hour), at(105*time.Hour), "the line is slow"),
		"will miss " + clock(5*time.Hour) + ": paused":                                                         running(at(5*time.Hour), time.Time{}, "paused"),
	} {
		if got := operator.ReadyText(now, f); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		lines := strings.Join(operator.FlowLines([]site.FlowView{f}), "\n")
		if shown := !f.ReadyBy.IsZero(); strings.Contains(lines, "\napp at a: "+want) != shown && want != "" {
			t.Errorf("flows are shown as %q, want %q in it: %v", lines, want, shown)
		}
	}
	if got := operator.ReadyText(now, complete); got != "" {
		t.Errorf("a complete flow: %q, want nothing", got)
	}
}

func TestAWaitShowsTheForecast(t *testing.T) {
	f := flow("a", site.StateRunning, 2, 0, 500)
	f.ReadyBy, f.Forecast = time.Now().Add(5*time.Hour), time.Now().Add(4*time.Hour)
	w := operator.NewWait(time.Now(), content.Ref{Name: "app", Version: "2"}, "a")
	if done, err := w.Look(time.Now(), []site.FlowView{f}); done || err != nil {
		t.Fatal(done, errors.Unwrap(err))
	}
	want := "  ready by " + f.ReadyBy.Local().Format("15:04") + ", forecast " + f.Forecast.Local().Format("15:04")
	if lines := w.Lines(); len(lines) != 1 || !strings.HasSuffix(lines[0], want) {
		t.Errorf("shown as %q, want %q at the end", lines, want)
	}
}
