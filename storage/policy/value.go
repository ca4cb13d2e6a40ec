package policy

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// None is the number that stands for no bound.
const None = -1

// What values are written as that are no numbers.
const (
	none       = "none"
	anyNetwork = "any"
	// RelayAuto weighs relays against the origin, RelayNever does without them.
	RelayAuto  = "auto"
	RelayNever = "never"
)

// Bounds of values.
const (
	// maxRate is far beyond any link, in bits per second.
	maxRate = 8 * (1<<53 - 1)
	// minRate is a byte a second: less is nothing, which is written as 0.
	minRate = 8
	// maxSize is far beyond any disk.
	maxSize = 1<<53 - 1
	// MaxHoldOff bounds a hold-off.
	MaxHoldOff = 24 * time.Hour
	// MaxReplicas bounds the copies that a site shall keep, or place ahead of need.
	MaxReplicas = 64
	// MaxNetworks bounds the networks that a site's links may go over.
	MaxNetworks = 64
	// minIdle and maxIdle bound how long a version stays that nothing needs.
	minIdle = time.Hour
	maxIdle = 3650 * day

	day = 24 * time.Hour
)

// unit is a suffix and what it stands for.
type unit struct {
	suffix string
	n      int64
}

// The largest comes first, and the one that ends the others last.
var (
	rateUnits = []unit{{"gbit", 1e9}, {"mbit", 1e6}, {"kbit", 1e3}, {"bit", 1}}
	sizeUnits = []unit{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}}
)

// scaled reads a number with a unit, from 0 to most. It reports false for anything else.
func scaled(text string, units []unit, most int64) (int64, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	for _, u := range units {
		number, ok := strings.CutSuffix(text, strings.ToLower(u.suffix))
		if !ok {
			continue
		}
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			return n * u.n, n >= 0 && n <= most/u.n
		}
		f, err := strconv.ParseFloat(number, 64)
		if err != nil || !(f >= 0 && f*float64(u.n) < float64(most)) {
			return 0, false
		}
		return int64(math.Round(f * float64(u.n))), true
	}
	return 0, false
}

// written is a number in the largest unit of which it is a multiple.
func written(n int64, units []unit) string {
	for _, u := range units {
		if n != 0 && n%u.n == 0 {
			return strconv.FormatInt(n/u.n, 10) + u.suffix
		}
	}
	return "0" + units[len(units)-1].suffix
}

// ParseRate reads a rate in bits per second: 5mbit, 500kbit, 0bit, or none, which is None.
func ParseRate(text string) (int64, error) {
	if word(text) == none {
		return None, nil
	}
	n, ok := scaled(strings.TrimSuffix(word(text), "/s"), rateUnits, maxRate)
	if !ok || n != 0 && n < minRate {
		return 0, fmt.Errorf("%.40q is not a rate such as 5mbit, 500kbit, 0bit or none", text)
	}
	return n, nil
}

func writeRate(n int64) string {
	if n == None {
		return none
	}
	return written(n, rateUnits)
}

// WriteCap writes a bound in bytes per second, or None, as a rate.
func WriteCap(bytesPerSecond int64) string {
	if bytesPerSecond == None {
		return none
	}
	return writeRate(min(bytesPerSecond, maxRate/8) * 8)
}

// ParseSize reads a number of bytes: 20GB, or none, which is None.
func ParseSize(text string) (int64, error) {
	if word(text) == none {
		return None, nil
	}
	n, ok := scaled(text, sizeUnits, maxSize)
	if !ok || n == 0 {
		return 0, fmt.Errorf("%.40q is not a size such as 500MB, 10GB or none", text)
	}
	return n, nil
}

func writeSize(n int64) string {
	if n == None {
		return none
	}
	return written(n, sizeUnits)
}

// ParseDuration reads 8s, 1h30m or 30d.
func ParseDuration(text string) (time.Duration, error) {
	if number, ok := strings.CutSuffix(word(text), "d"); ok {
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			return 0, fmt.Errorf("%.40q is not a time such as 8s, 1h30m or 30d", text)
		}
		return time.Duration(n) * day, nil
	}
	d, err := time.ParseDuration(word(text))
	if err != nil {
		return 0, fmt.Errorf("%.40q is not a time such as 8s, 1h30m or 30d", text)
	}
	return d, nil
}

func writeDuration(d time.Duration) string {
	if d == None {
		return none
	}
	if d > 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := d.String()
	for _, nothing := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, nothing) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// CheckHoldOff reports what is wrong with a site's hold-off.
func CheckHoldOff(d time.Duration) error {
	if d < 0 || d > MaxHoldOff || d%time.Millisecond != 0 {
		return fmt.Errorf("hold-off: want whole milliseconds up to %v", MaxHoldOff)
	}
	return nil
}

func parseHoldOff(text string) (time.Duration, error) {
	d, err := ParseDuration(text)
	if err != nil {
		return 0, err
	}
	return d, CheckHoldOff(d)
}

// ParseIdle reads how long a version stays that nothing needs, or none, which is None.
func ParseIdle(text string) (time.Duration, error) {
	if word(text) == none {
		return None, nil
	}
	d, err := ParseDuration(text)
	if err == nil && (d < minIdle || d > maxIdle) {
		err = fmt.Errorf("%.40q: want 1h to 3650d", text)
	}
	return d, err
}

// CheckReplicas reports what is wrong with a site's number of copies; 0 ends it.
func CheckReplicas(copies int) error {
	if copies < 0 || copies > MaxReplicas {
		return fmt.Errorf("replicas: want 0 to %d copies", MaxReplicas)
	}
	return nil
}

// ParseReplicas reads a number of copies.
func ParseReplicas(text string) (int, error) {
	n, err := strconv.Atoi(word(text))
	if err != nil {
		return 0, fmt.Errorf("%.40q is not a number of copies, 0 to %d", text, MaxReplicas)
	}
	return n, CheckReplicas(n)
}

// CheckNetworks reports what is wrong with the networks that a site's links may go over.
func CheckNetworks(networks []string) error {
	if len(networks) > MaxNetworks {
		return fmt.Errorf("%d networks, limit %d", len(networks), MaxNetworks)
	}
	for _, text := range networks {
		p, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
			return fmt.Errorf("network %.60q: want one such as 10.12.0.0/16 or fd00:12::/32", text)
		case p.Addr().Is4In6():
			return fmt.Errorf("network %s is IPv4 written as IPv6: write it as IPv4", text)
		case p != p.Masked():
			return fmt.Errorf("network %s has bits set behind its prefix: did you mean %v?", text, p.Masked())
		case p.Addr().IsLoopback(), p.Addr().IsMulticast(), p.Addr().IsLinkLocalUnicast():
			return fmt.Errorf("network %s: no link goes there", text)
		}
	}
	return nil
}

// ParseNetworks reads a list of networks; any is an empty one.
func ParseNetworks(text string) ([]string, error) {
	if word(text) == anyNetwork {
		return []string{}, nil
	}
	list := strings.Split(text, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list, CheckNetworks(list)
}

// WriteNetworks writes what ParseNetworks reads.
func WriteNetworks(networks []string) string {
	if len(networks) == 0 {
		return anyNetwork
	}
	return strings.Join(networks, ",")
}

// WriteHoldOff writes a hold-off.
func WriteHoldOff(d time.Duration) string { return writeDuration(d) }

// word is text as words are compared.
func word(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// parsed makes a parser that returns what is kept out of one that returns a value.
func parsed[V any](parse func(string) (V, error), write func(V) string) func(string) (string, error) {
	return func(text string) (string, error) {
		v, err := parse(text)
		if err != nil {
			return "", err
		}
		return write(v), nil
	}
}

// choice makes a parser of one of some words.
func choice(words ...string) func(string) (string, error) {
	return func(text string) (string, error) {
		if w := word(text); slices.Contains(words, w) {
			return w, nil
		}
		return "", errors.New("want " + strings.Join(words, " or "))
	}
}
