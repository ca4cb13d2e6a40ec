//go:build linux

package grid

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/sitecast/sitecast/e2e/bench/book"
	"github.com/sitecast/sitecast/e2e/netlab"
)

// Record is what one phase of a cell showed. It has a Mark, and knows how to show
// itself in a table.
type Record[R any] interface {
	Key(build string) string // the Mark's
	Missed(c Cell) []string  // the bounds that Sitecast's misses
	Ours(c Cell) string      // Sitecast's columns
	Rival(c Cell) string     // the two columns of a rival
	Over(rival R) string     // by what factor Sitecast's goodput is a rival's
}

// Bench is a benchmark over a grid. Its book has records R.
type Bench[R Record[R]] struct {
	Options
	Grid    Grid
	Program string   // whose build is measured
	Called  string   // what it is called in the heading
	Phases  []string // to measure
	Rivals  []string // phases that Sitecast's is compared with

	// Head has the names of a row's columns: the cell, Sitecast's, two for each rival,
	// the factor over each, and what is missed.
	Head, Legend string

	Takes   func(c Cell, phase string) time.Duration // about
	Measure func(ctx context.Context, c Cell, m book.Mark) (R, error)
}

// Run measures and shows what is asked for.
func (b Bench[R]) Run(ctx context.Context) error {
	if why := netlab.Unavailable(); why != "" {
		return errors.New(why)
	}
	cells := b.Grid.Short
	if b.Full {
		cells = b.Grid.Full()
	}
	cells, err := Choose(cells, b.Only)
	if err != nil {
		return err
	}
	build, err := Build(b.Program)
	if err != nil {
		return err
	}
	kept, err := book.Open(b.Out, func(r R) string { return r.Key(build) })
	if err != nil {
		return err
	}
	failed := b.measure(ctx, kept, build, cells)
	fmt.Printf("%s %s, %d cores, %s\n\n", b.Called, build, runtime.NumCPU(), runtime.Version())
	measured, met := b.print(os.Stdout, kept, cells)
	if failed != nil {
		return failed
	}
	return Verdict(len(cells), measured, met)
}

// measure does what is not known yet and fits.
func (b Bench[R]) measure(ctx context.Context, kept *book.Book[R], build string, cells []Cell) (failed error) {
	for _, c := range cells {
		for _, phase := range b.Phases {
			if _, known := kept.Find(book.Key(c.String(), phase)); known {
				continue
			}
			if !b.Fits(b.Takes(c, phase)) {
				return failed
			}
			b.Progress("%v, %s", c, phase)
			r, err := b.Measure(ctx, c, book.Begin(c, phase, build))
			if err == nil {
				err = kept.Note(r)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			} else if err != nil {
				failed = errors.Join(failed, fmt.Errorf("%v, %s: %w", c, phase, err))
			}
		}
	}
	return failed
}

// print writes Markdown, and returns how many cells are measured and how many of them
// meet all bounds.
func (b Bench[R]) print(w io.Writer, kept *book.Book[R], cells []Cell) (measured, met int) {
	fmt.Fprintln(w, b.Head)
	for _, c := range cells {
		ours, known := kept.Find(book.Key(c.String(), book.Sitecast))
		if !known {
			fmt.Fprintf(w, "| %v | not measured yet |\n", c)
			continue
		}
		measured++
		missed := ours.Missed(c)
		if len(missed) == 0 {
			met, missed = met+1, []string{"none"}
		}
		row := []string{c.String(), ours.Ours(c)}
		var factors []string
		for _, phase := range b.Rivals {
			own, factor := "- | -", "-"
			if r, known := kept.Find(book.Key(c.String(), phase)); known {
				own, factor = r.Rival(c), ours.Over(r)
			}
			row, factors = append(row, own), append(factors, factor)
		}
		row = append(append(row, factors...), strings.Join(missed, ", "))
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
	fmt.Fprint(w, b.Legend)
	return measured, met
}
