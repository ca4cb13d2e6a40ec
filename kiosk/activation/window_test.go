package activation_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/kiosk/activation"
)

func TestWindowsAreReadAndWritten(t *testing.T) {
	for text, want := range map[string]string{
		"02:00-05:00": "02:00-05:00", "2:00-5:30, 22:30-23:00": "02:00-05:30,22:30-23:00", "22:00-04:00": "22:00-04:00",
		"00:00-24:00": "00:00-24:00", "": "", "02:00": "", "02:00-02:00": "", "02:60-03:00": "", "25:00-26:00": "", "24:00-02:00": "", "at night": "",
	} {
		var w activation.Windows
		if err := w.UnmarshalText([]byte(text)); (err != nil) != (want == "") || err == nil && w.String() != want {
			t.Errorf("%q: %s, %v; want %q", text, w, err, want)
		}
	}
}

func TestWindowsOpen(t *testing.T) {
	for _, c := range []struct {
		windows, at string
		want        time.Duration
	}{
		{"02:00-05:00", "01:59:30", 30 * time.Second},
		{"02:00-05:00", "02:00:00", 0},
		{"02:00-05:00", "04:59:59", 0},
		{"02:00-05:00", "05:00:00", 21 * time.Hour},
		{"02:00-05:00,12:00-12:30", "05:00:00", 7 * time.Hour},
		{"22:00-04:00", "21:00:00", time.Hour},
		{"22:00-04:00", "23:59:59", 0},
		{"22:00-04:00", "00:00:00", 0},
		{"22:00-04:00", "04:00:00", 18 * time.Hour},
		{"00:00-24:00", "13:00:00", 0},
		{"20:00-24:00", "00:00:00", 20 * time.Hour},
	} {
		var w activation.Windows
		if err := w.UnmarshalText([]byte(c.windows)); err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.TimeOnly, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Opens(at); got != c.want {
			t.Errorf("%s at %s: opens after %v, want %v", c.windows, c.at, got, c.want)
		}
	}
}
