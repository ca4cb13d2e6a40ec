package operator

import (
	"fmt"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
)

// ReadyBy is a time by which something shall be ready; its zero value is no such
// time. People write an instant, or how long from now.
type ReadyBy struct {
	at time.Time
	in time.Duration
}

// UnmarshalText reads 2027-03-04T06:00:00+01:00, or 6h.
func (r *ReadyBy) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if in, err := time.ParseDuration(s); err == nil {
		if in <= 0 {
			return fmt.Errorf("%q is not in the future; say a time ahead such as 6h", s)
		}
		*r = ReadyBy{in: in}
		return nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return fmt.Errorf("%.60q is neither a time such as 2027-03-04T06:00:00+01:00 nor a time from now such as 6h or 90m", s)
	}
	*r = ReadyBy{at: at}
	return nil
}

// time is the instant that is meant when it is said at now; zero for none.
func (r ReadyBy) time(now time.Time) time.Time {
	if r.in > 0 {
		return now.Add(r.in)
	}
	return r.at
}

// readyText says by when a flow shall be complete, and when it will be as far as is
// known; "" when there is nothing to say.
func readyText(now time.Time, f site.FlowView) string {
	by := clockText(now, f.ReadyBy)
	switch late := f.Forecast.Sub(f.ReadyBy); {
	case f.State == site.StateComplete:
		return ""
	case f.ReadyBy.IsZero() && f.Forecast.IsZero():
		return ""
	case f.ReadyBy.IsZero():
		return "forecast " + clockText(now, f.Forecast)
	case f.ForecastCause != "" && f.Forecast.IsZero():
		return "will miss " + by + ": " + f.ForecastCause
	case f.ForecastCause != "":
		return "will miss " + by + " by " + spanText(late) + ": " + f.ForecastCause
	case f.Forecast.IsZero():
		return "ready by " + by
	}
	return "ready by " + by + ", forecast " + clockText(now, f.Forecast)
}

// clockText writes when something is, as exactly as matters from here.
func clockText(now, at time.Time) string {
	switch d := at.Sub(now).Abs(); {
	case d < time.Hour:
		return at.Local().Format("15:04:05")
	case d < 20*time.Hour:
		return at.Local().Format("15:04")
	}
	return at.Local().Format("2006-01-02 15:04")
}

// spanText writes how long something takes.
func spanText(d time.Duration) string {
	switch d = max(d, time.Second); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
