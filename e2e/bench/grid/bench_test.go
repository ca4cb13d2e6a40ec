//go:build linux

package grid

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sitecast/sitecast/e2e/bench/book"
)

// record is a phase that showed so much.
type record struct {
	book.Mark
	Value float64
}

func (r record) Missed(Cell) []string {
	if r.Value < 1 {
		return []string{"value", "all"}
	}
	return nil
}
func (r record) Ours(Cell) string     { return fmt.Sprint(r.Value) }
func (r record) Rival(Cell) string    { return fmt.Sprintf("%g | x", r.Value) }
func (r record) Over(o record) string { return fmt.Sprintf("%.1f", r.Value/o.Value) }

var good, bad, broken = Cell{Mbit: 1}, Cell{Mbit: 2}, Cell{Mbit: 3, RTT: time.Second, Loss: 0.05}

// bench notes what it measures; some of it goes wrong.
func bench(done *[]string) Bench[record] {
	return Bench[record]{
		Phases: []string{"rival", book.Sitecast}, Rivals: []string{"rival"}, Head: "head", Legend: "legend",
		Takes: func(Cell, string) time.Duration { return time.Hour },
		Measure: func(_ context.Context, c Cell, m book.Mark) (record, error) {
			*done = append(*done, c.String()+" "+m.Phase)
			switch {
			case c == broken || c == bad && m.Phase == "rival":
				return record{}, errors.New("no luck")
			case c == bad:
				return record{m, 0.5}, nil
			}
			return record{m, 2}, nil
		},
	}
}

func TestRunGoesOnWhereTheLastEnded(t *testing.T) {
	kept, err := book.Open(filepath.Join(t.TempDir(), "book"), func(r record) string { return r.Key("a") })
	if err != nil {
		t.Fatal(err)
	}
	var done []string
	b := bench(&done)
	b.begun, b.Limit = time.Now(), time.Minute
	if err := b.measure(t.Context(), kept, "a", []Cell{good}); err != nil || done != nil {
		t.Errorf("measured %q though nothing fits: %v", done, err)
	}
	b.Limit = 0
	for _, want := range [][]string{
		{"1mbit-0ms-0% rival", "1mbit-0ms-0% sitecast", "2mbit-0ms-0% rival", "2mbit-0ms-0% sitecast", "3mbit-1000ms-5% rival", "3mbit-1000ms-5% sitecast"},
		{"2mbit-0ms-0% rival", "3mbit-1000ms-5% rival", "3mbit-1000ms-5% sitecast"},
	} {
		done = nil
		if err := b.measure(t.Context(), kept, "a", []Cell{good, bad, broken}); err == nil || !slices.Equal(done, want) {
			t.Errorf("measured %q: %v, want %q and what went wrong", done, err, want)
		}
	}
	var out bytes.Buffer
	measured, met := b.print(&out, kept, []Cell{good, bad, broken})
	const want = `head
| 1mbit-0ms-0% | 2 | 2 | x | 1.0 | none |
| 2mbit-0ms-0% | 0.5 | - | - | - | value, all |
| 3mbit-1000ms-5% | not measured yet |
legend`
	if out.String() != want || measured != 2 || met != 1 {
		t.Errorf("%d measured, %d met:\n%s\nwant 2, 1:\n%s", measured, met, &out, want)
	}
}

func TestVerdictIsGoodWhenAllIsMeasuredAndMet(t *testing.T) {
	for _, c := range []struct {
		all, measured, met int
		good               bool
	}{{2, 2, 2, true}, {2, 2, 1, false}, {2, 1, 1, false}} {
		if err := Verdict(c.all, c.measured, c.met); (err == nil) != c.good {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestOnlyCellsThatMatchAreChosen(t *testing.T) {
	if got, err := Choose([]Cell{good, bad, broken}, "^2mbit"); err != nil || !slices.Equal(got, []Cell{bad}) {
		t.Errorf("chose %v: %v", got, err)
	}
	for _, only := range []string{"9mbit", "("} {
		if got, err := Choose([]Cell{good}, only); err == nil {
			t.Errorf("%q chose %v", only, got)
		}
	}
}
