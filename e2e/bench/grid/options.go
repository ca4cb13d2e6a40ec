//go:build linux

package grid

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/sitecast/sitecast/e2e/rig"
)

// Options are the flags of every bench that measures cells.
type Options struct {
	Full  bool
	Only  string        // a regular expression
	Out   string        // file of the book
	Limit time.Duration // 0: none

	begun time.Time
}

// Flags puts them on the command line, of a bench that has so many cells and by default
// keeps its book in out. The limit counts from here.
func (o *Options) Flags(full, short int, out string) {
	o.begun = time.Now()
	flag.BoolVar(&o.Full, "full", false, fmt.Sprintf("all %d cells, not the short set of %d", full, short))
	flag.StringVar(&o.Only, "only", "", "only cells whose names match this regular expression")
	flag.StringVar(&o.Out, "out", out, "file that keeps what was measured")
	flag.DurationVar(&o.Limit, "limit", 0, "begin nothing that would not be done after this time (0: no limit)")
}

// Choose returns the cells that match only, of which there must be one.
func Choose[C fmt.Stringer](cells []C, only string) ([]C, error) {
	match, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	cells = slices.DeleteFunc(slices.Clone(cells), func(c C) bool { return !match.MatchString(c.String()) })
	if len(cells) == 0 {
		return nil, fmt.Errorf("no cell matches %q", only)
	}
	return cells, nil
}

// Fits reports whether what takes so long would be done within the limit.
func (o Options) Fits(d time.Duration) bool { return o.Limit == 0 || time.Since(o.begun)+d <= o.Limit }

// Progress tells whoever watches how far it is.
func (o Options) Progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%5.0f s: %s\n", time.Since(o.begun).Seconds(), fmt.Sprintf(format, args...))
}

// Verdict fails unless all cells are measured and meet their bounds.
func Verdict(all, measured, met int) error {
	switch {
	case measured < all:
		return fmt.Errorf("%d of %d cells measured, %d of them met all bounds; run it again for the rest", measured, all, met)
	case met < all:
		return errors.New("bounds are missed")
	}
	return nil
}

// Build names a program by its content.
func Build(program string) (string, error) {
	sum, err := rig.Sum(program)
	if err != nil {
		return "", fmt.Errorf("read the program to measure (make build): %w", err)
	}
	return hex.EncodeToString(sum[:6]), nil
}
