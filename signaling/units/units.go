// Package units reads and writes rates and sizes as people do: rates are SI bits a
// second (5mbit), sizes are SI bytes (10GB).
package units

import (
	"fmt"
	"strconv"
	"strings"
)

// Rate is a rate in bits per second; NoRate for none.
type Rate int64

// NoRate means that nothing bounds the rate.
const NoRate Rate = -1

// maxRate is far beyond any link, and its bits can be counted.
const maxRate = 1e15

var rateUnits = []struct {
	suffix string
	bits   float64
}{{"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}, {"bit", 1}}

// UnmarshalText reads 500kbit, 5mbit, 1.5gbit or none.
func (r *Rate) UnmarshalText(text []byte) error {
	s := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(string(text))), "/s")
	if s == "none" {
		*r = NoRate
		return nil
	}
	for _, unit := range rateUnits {
		number, ok := strings.CutSuffix(s, unit.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(number, 64)
		bits := n * unit.bits
		switch {
		case err != nil:
			return fmt.Errorf("%q is not a rate such as 5mbit, 500kbit, 1gbit or none", text)
		case !(bits >= 1000 && bits <= maxRate):
			return fmt.Errorf("a rate of %q is out of range (1kbit to 1000000gbit); to stop a flow use `sitecast pause`", text)
		}
		*r = Rate(bits)
		return nil
	}
	return fmt.Errorf("%q is not a rate such as 5mbit, 500kbit, 1gbit or none", text)
}

// BytesPerSecond is the rate in bytes; -1 for none.
func (r Rate) BytesPerSecond() int64 {
	if r == NoRate {
		return -1
	}
	return int64(r) / 8
}

func (r Rate) String() string {
	if r == NoRate {
		return "none"
	}
	return Bits(int64(r))
}

// Bits writes a rate in bits per second.
func Bits(n int64) string { return scaled(float64(n), "bit/s") }

// Bytes writes a size in bytes.
func Bytes(n int64) string { return scaled(float64(n), "B") }

// scaled writes three digits or so with an SI prefix.
func scaled(n float64, unit string) string {
	prefix := ""
	for _, p := range []string{"k", "M", "G", "T"} {
		if n < 999.5 {
			break
		}
		n /= 1000
		prefix = p
	}
	switch {
	case prefix == "" || n >= 99.95:
		return fmt.Sprintf("%.0f %s%s", n, prefix, unit)
	default:
		return fmt.Sprintf("%.1f %s%s", n, prefix, unit)
	}
}

// Size is a number of bytes; 0 for none.
type Size int64

// maxSize is far beyond any disk, and a float holds it exactly.
const maxSize = 1 << 53

var sizeUnits = []struct {
	suffix string
	bytes  float64
}{{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12}, {"b", 1}}

// UnmarshalText reads 500MB, 10GB or none.
func (s *Size) UnmarshalText(text []byte) error {
	word := strings.ToLower(strings.TrimSpace(string(text)))
	if word == "none" {
		*s = 0
		return nil
	}
	for _, unit := range sizeUnits {
		number, ok := strings.CutSuffix(word, unit.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !(n*unit.bytes >= 1 && n*unit.bytes <= maxSize) {
			break
		}
		*s = Size(n * unit.bytes)
		return nil
	}
	return fmt.Errorf("%.40q is not a size such as 500MB, 10GB or none", text)
}
