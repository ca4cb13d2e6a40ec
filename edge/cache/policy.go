package cache

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Policy is what the settings say.
type Policy struct {
	Quota Amount // of the disk, that the store may take
	// Floor is how much of the disk stays free: below it room is made, until there is
	// a fourth more.
	Floor Amount
	// Least is how many bytes stay free at least, whatever Floor says.
	Least int64
	// Age and Idle are how long a version that nothing needs stays after it came, and
	// after it was needed last; 0: for ever.
	Age, Idle time.Duration
	Keep      int    // complete versions kept of each content, besides the one that is wanted
	Largest   Amount // of the disk, that one version may take
}

const (
	// floorSlack and quotaSlack are the distance between the marks at which room
	// begins to be made and at which there is enough, in per cent.
	floorSlack = 25
	quotaSlack = 5
	// MaxKeep bounds the versions kept of each content.
	MaxKeep = 100
)

// DefaultPolicy is for a kind of device ([wire.Hello]). A kiosk exists for its
// content; elsewhere the disk is its user's.
func DefaultPolicy(device string) Policy {
	p := Policy{Floor: Amount{Bytes: 1e9, Percent: 5}, Idle: 30 * 24 * time.Hour, Keep: 1}
	if device == wire.DeviceKiosk {
		p.Floor = Amount{Bytes: 250e6, Percent: 2}
	}
	return p
}

// Within is the policy where operators set bounds from afar: of each the stricter counts, so
// that nobody can have a device keep more than its own settings allow. 0 is no bound.
func (p Policy) Within(quota, floor int64, idle time.Duration) Policy {
	p.Quota.Bytes = stricter(p.Quota.Bytes, quota)
	p.Idle = stricter(p.Idle, idle)
	p.Least = max(p.Least, floor)
	return p
}

// stricter is the lower of two bounds, of which 0 is none.
func stricter[N int64 | time.Duration](a, b N) N {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// Check reports the first setting that is out of bounds.
func (p Policy) Check() error {
	switch {
	case p.Keep < 0 || p.Keep > MaxKeep:
		return fmt.Errorf("--cache-keep is %d, want 0 to %d", p.Keep, MaxKeep)
	case p.Age < 0 || p.Idle < 0:
		return fmt.Errorf("--cache-age and --cache-idle want a time of at least 0, which stands for ever")
	}
	return nil
}

// Amount is a number of bytes, or a share of the disk. Of two that are given the
// smaller counts; the zero Amount means none.
type Amount struct {
	Bytes   int64
	Percent float64
}

// of returns the bytes meant on a disk of some size; 0 means none.
func (a Amount) of(disk int64) int64 {
	n := a.Bytes
	if share := int64(a.Percent / 100 * float64(disk)); a.Percent > 0 && (n == 0 || share < n) {
		n = max(share, 1)
	}
	return n
}

var units = []struct {
	suffix string
	bytes  float64
}{{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}}

// maxBytes is far beyond any disk, and a float holds it exactly.
const maxBytes = 1 << 53

// UnmarshalText reads 20GB, 500MB, 10%, both as 20GB,10%, or none.
func (a *Amount) UnmarshalText(text []byte) error {
	*a = Amount{}
	if string(text) == "none" {
		return nil
	}
	parts := strings.Split(string(text), ",")
	for _, part := range parts {
		if err := a.add(strings.TrimSpace(part)); err != nil {
			return fmt.Errorf("%.40q is not an amount such as 20GB, 10%%, 20GB,10%% or none: %w", text, err)
		}
	}
	return nil
}

func (a *Amount) add(part string) error {
	if number, ok := strings.CutSuffix(part, "%"); ok {
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !(n > 0 && n <= 100) || a.Percent != 0 {
			return fmt.Errorf("%q: want more than 0 and at most 100 per cent, once", part)
		}
		a.Percent = n
		return nil
	}
	for _, unit := range units {
		number, ok := strings.CutSuffix(part, unit.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !(n*unit.bytes >= 1 && n*unit.bytes <= maxBytes) || a.Bytes != 0 {
			return fmt.Errorf("%q: want at least one byte, once", part)
		}
		a.Bytes = int64(n * unit.bytes)
		return nil
	}
	return fmt.Errorf("%q: want %% or a unit of kB, MB, GB or TB", part)
}

// String writes what UnmarshalText reads.
func (a Amount) String() string {
	var parts []string
	if a.Bytes > 0 {
		parts = append(parts, strings.ReplaceAll(Size(a.Bytes), " ", ""))
	}
	if a.Percent > 0 {
		parts = append(parts, strconv.FormatFloat(a.Percent, 'g', -1, 64)+"%")
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ",")
}

// MarshalText writes what UnmarshalText reads, to three digits.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Size writes a number of bytes for people.
func Size(n int64) string {
	unit, v := "B", float64(n)
	for _, u := range units[:4] {
		if float64(n) >= u.bytes*0.9995 {
			unit, v = u.suffix, float64(n)/u.bytes
		}
	}
	text := strconv.FormatFloat(v, 'f', 1, 64)
	if v >= 99.95 || unit == "B" {
		text = strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strings.TrimSuffix(text, ".0") + " " + unit
}

// span writes a time for people: days, where there are some.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.Round(time.Second).String()
}
