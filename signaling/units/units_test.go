package units_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sitecast/sitecast/signaling/units"
)

func TestRatesAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]units.Rate{
		"5mbit": 5e6, "500kbit": 5e5, "1.5gbit": 15e8, "1000bit": 1000, "1kbit": 1000, "1000000gbit": 1e15,
		"5Mbit": 5e6, "5MBIT/S": 5e6, "5mbit/s": 5e6, " 5mbit\n": 5e6, "none": units.NoRate, "NONE": units.NoRate,
	} {
		var r units.Rate
		if err := r.UnmarshalText([]byte(text)); err != nil || r != want {
			t.Errorf("%q is read as %d, %v; want %d", text, r, err, want)
		}
	}
	for _, text := range []string{"", "5", "mbit", "5 mbit", "5mb", "5mbyte", "-5mbit", "0mbit", "999bit", "1000001gbit", "1e400mbit",
		"nanmbit", "infmbit", "none/s/s", "5mbit5", "0x1mbit!", "5mbit/h"} {
		var r units.Rate
		if err := r.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %d, want an error", text, r)
		} else if !strings.Contains(err.Error(), "rate") {
			t.Errorf("%q: %v does not say what it is about", text, err)
		}
	}
}

func TestARateBecomesBytesPerSecond(t *testing.T) {
	for rate, want := range map[units.Rate]int64{units.NoRate: -1, 1000: 125, 5e6: 625_000, 1e15: 125e12} {
		if got := rate.BytesPerSecond(); got != want {
			t.Errorf("%d bit/s are %d bytes per second, want %d", rate, got, want)
		}
	}
}

// FuzzRate holds that what is accepted is none or within its bounds.
func FuzzRate(f *testing.F) {
	for _, seed := range []string{"5mbit", "none", "1.5gbit/s", "1e3kbit", "-0mbit", "nanbit", "0x1p10bit", "1_000kbit"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var r units.Rate
		if r.UnmarshalText([]byte(text)) != nil || r == units.NoRate {
			return
		}
		if r < 1000 || r > 1e15 || r.BytesPerSecond() < 125 {
			t.Errorf("%q is read as %d", text, r)
		}
		if r.String() == "" || !utf8.ValidString(r.String()) {
			t.Errorf("%q is written as %q", text, r.String())
		}
	})
}

func TestFiguresAreWrittenInThreeDigits(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1: "1 B", 999: "999 B", 1000: "1.0 kB", 1049: "1.0 kB", 1050: "1.1 kB", 99_949: "99.9 kB",
		99_950: "100 kB", 999_499: "999 kB", 999_500: "1.0 MB", 5_000_000: "5.0 MB", 1_234_000_000: "1.2 GB", 7_000_000_000_000: "7.0 TB",
		1 << 62: "4611686 TB"} {
		if got := units.Bytes(n); got != want {
			t.Errorf("%d bytes are written %q, want %q", n, got, want)
		}
	}
	if got := units.Bits(5_000_000); got != "5.0 Mbit/s" {
		t.Errorf("5 Mbit/s are written %q", got)
	}
}

func TestSizesAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]units.Size{"500MB": 500e6, "10gb": 10e9, "1.5TB": 15e11, "1 kB": 0, "1b": 1, "2kB": 2000, "none": 0, " NONE\n": 0} {
		var s units.Size
		if err := s.UnmarshalText([]byte(text)); s != want || (err != nil) != (text == "1 kB") {
			t.Errorf("%q is read as %d, %v; want %d", text, s, err, want)
		}
	}
	for _, text := range []string{"", "5", "GB", "-1GB", "0GB", "1e20TB", "nanGB", "10GiB", "10%"} {
		var s units.Size
		if err := s.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "size") {
			t.Errorf("%q is read as %d, %v; want an error about sizes", text, s, err)
		}
	}
}

func FuzzSize(f *testing.F) {
	f.Add("10GB")
	f.Fuzz(func(t *testing.T, text string) {
		var s units.Size
		if s.UnmarshalText([]byte(text)) == nil && (s < 0 || s > 1<<53) {
			t.Errorf("%q is read as %d", text, s)
		}
	})
}
