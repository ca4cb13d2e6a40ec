package operator

import (
	"fmt"
	"strings"
	"time"
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

// clockText writes when something is: the time of day for what is near, with the
// day for what is further away.
func clockText(now, at time.Time) string {
	at = at.Local()
	if d := at.Sub(now).Abs(); d < 20*time.Hour {
		return at.Format("15:04")
	}
	return at.Format("2006-01-02 15:04")
}
