package operator

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sitecast/sitecast/storage/catalog"
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

// bytesPerSecond is the rate as the API has it.
func (r Rate) bytesPerSecond() int64 {
	if r == NoRate {
		return catalog.NoCap
	}
	return int64(r) / 8
}

func (r Rate) String() string {
	if r == NoRate {
		return "none"
	}
	return bits(int64(r))
}

// bits writes a rate in bits per second.
func bits(n int64) string { return scaled(float64(n), "bit/s") }

// bytesText writes a size in bytes.
func bytesText(n int64) string { return scaled(float64(n), "B") }

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
