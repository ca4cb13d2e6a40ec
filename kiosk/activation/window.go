package activation

import (
	"fmt"
	"strings"
	"time"
)

// Window is a time of day, from its first minute up to but not including its last. One
// that ends before it begins goes over midnight.
type Window struct{ From, To int } // minutes since midnight

// Windows are those of a day.
type Windows []Window

// maxWindows bounds the windows of a day.
const maxWindows = 24

const day = 24 * 60

// UnmarshalText reads 02:00-05:00, or several with commas between them.
func (w *Windows) UnmarshalText(text []byte) error {
	*w = nil
	for part := range strings.SplitSeq(string(text), ",") {
		from, to, ok := strings.Cut(strings.TrimSpace(part), "-")
		a, errA := minute(from)
		b, errB := minute(to)
		if !ok || errA != nil || errB != nil || a == b || a == day || len(*w) == maxWindows {
			return fmt.Errorf("%.80q is no window such as 02:00-05:00, or several as 02:00-05:00,22:30-23:00", text)
		}
		*w = append(*w, Window{a, b})
	}
	return nil
}

// minute reads a time of day; 24:00 is its end.
func minute(text string) (int, error) {
	if text == "24:00" {
		return day, nil
	}
	t, err := time.Parse("15:04", text)
	return t.Hour()*60 + t.Minute(), err
}

// MarshalText writes what UnmarshalText reads.
func (w Windows) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

func (w Windows) String() string {
	var parts []string
	for _, x := range w {
		parts = append(parts, fmt.Sprintf("%02d:%02d-%02d:%02d", x.From/60, x.From%60, x.To/60, x.To%60))
	}
	return strings.Join(parts, ",")
}

// Opens returns how long it takes at a time of day until the next window opens, 0 in one.
func (w Windows) Opens(at time.Time) time.Duration {
	now := at.Hour()*60 + at.Minute()
	best := day
	for _, x := range w {
		length, since := (x.To-x.From+day)%day, (now-x.From+day)%day
		if length == 0 || since < length { // from midnight to midnight is always
			return 0
		}
		best = min(best, day-since)
	}
	past := time.Duration(at.Second())*time.Second + time.Duration(at.Nanosecond())
	return time.Duration(best)*time.Minute - past
}
