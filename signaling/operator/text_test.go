package operator_test

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/operator"
)

func TestRatesAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]operator.Rate{
		"5mbit": 5e6, "500kbit": 5e5, "1.5gbit": 15e8, "1000bit": 1000, "1kbit": 1000, "1000000gbit": 1e15,
		"5Mbit": 5e6, "5MBIT/S": 5e6, "5mbit/s": 5e6, " 5mbit\n": 5e6, "none": operator.NoRate, "NONE": operator.NoRate,
	} {
		var r operator.Rate
		if err := r.UnmarshalText([]byte(text)); err != nil || r != want {
			t.Errorf("%q is read as %d, %v; want %d", text, r, err, want)
		}
	}
	for _, text := range []string{"", "5", "mbit", "5 mbit", "5mb", "5mbyte", "-5mbit", "0mbit", "999bit", "1000001gbit", "1e400mbit",
		"nanmbit", "infmbit", "none/s/s", "5mbit5", "0x1mbit!", "5mbit/h"} {
		var r operator.Rate
		if err := r.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %d, want an error", text, r)
		} else if !strings.Contains(err.Error(), "rate") {
			t.Errorf("%q: %v does not say what it is about", text, err)
		}
	}
}

func TestARateBecomesBytesPerSecond(t *testing.T) {
	for rate, want := range map[operator.Rate]int64{operator.NoRate: -1, 1000: 125, 5e6: 625_000, 1e15: 125e12} {
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
		var r operator.Rate
		if r.UnmarshalText([]byte(text)) != nil || r == operator.NoRate {
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
		if got := operator.BytesText(n); got != want {
			t.Errorf("%d bytes are written %q, want %q", n, got, want)
		}
	}
	if got := operator.Bits(5_000_000); got != "5.0 Mbit/s" {
		t.Errorf("5 Mbit/s are written %q", got)
	}
}

func TestABarIsAlwaysAsWide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(0, 40).Draw(t, "width")
		if got := utf8.RuneCountInString(operator.Bar(rapid.Float64().Draw(t, "done"), width)); got != width {
			t.Fatalf("the bar is %d characters wide, want %d", got, width)
		}
	})
	for done, want := range map[float64]string{-1: "░░", 0: "░░", 0.25: "▌░", 0.5: "█░", 1: "██", 7: "██"} {
		if got := operator.Bar(done, 2); got != want {
			t.Errorf("bar of %v = %q, want %q", done, got, want)
		}
	}
}

func TestALineIsCutByCharacters(t *testing.T) {
	for _, c := range []struct {
		line  string
		width int
		want  string
	}{{"abc", 3, "abc"}, {"abc", 2, "ab"}, {"äöü", 2, "äö"}, {"abc", 0, ""}, {"abc", -1, ""}} {
		if got := operator.Cut(c.line, c.width); got != c.want {
			t.Errorf("%q cut to %d = %q, want %q", c.line, c.width, got, c.want)
		}
	}
}

// terminal is as much of a terminal as screens use: it fails on anything else.
type terminal struct {
	rows          []string
	row, col      int
	width, height int
}

// play carries out what was written.
func (m *terminal) play(text string) error {
	for text != "" {
		switch {
		case strings.HasPrefix(text, "\x1b["):
			end := strings.IndexAny(text, "AKJ")
			if end < 0 {
				return fmt.Errorf("unknown sequence %q", text)
			}
			switch text[end] {
			case 'A':
				n, err := strconv.Atoi(text[2:end])
				if err != nil {
					return err
				}
				m.row = max(m.row-n, len(m.rows)-m.height, 0) // what has scrolled away is out of reach
			case 'K':
				m.rows[m.row] = string([]rune(m.rows[m.row])[:m.col])
			case 'J':
				m.rows = m.rows[:m.row+1]
				m.rows[m.row] = string([]rune(m.rows[m.row])[:m.col])
			}
			text = text[end+1:]
		case text[0] == '\r':
			m.col, text = 0, text[1:]
		case text[0] == '\n':
			m.row, m.col, text = m.row+1, 0, text[1:]
			if m.row == len(m.rows) {
				m.rows = append(m.rows, "")
			}
		default:
			r, n := utf8.DecodeRuneInString(text)
			line := append([]rune(m.rows[m.row])[:m.col:m.col], r)
			if old := []rune(m.rows[m.row]); len(old) > m.col+1 {
				line = append(line, old[m.col+1:]...)
			}
			m.rows[m.row], m.col, text = string(line), m.col+1, text[n:]
			if m.col > m.width {
				return fmt.Errorf("a line is wider than the terminal: %q", string(line))
			}
		}
	}
	return nil
}

// TestATerminalShowsWhatWasDrawnLast whatever was drawn before, in place.
func TestATerminalShowsWhatWasDrawnLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width, height := rapid.IntRange(20, 40).Draw(t, "width"), rapid.IntRange(2, 6).Draw(t, "height")
		var out bytes.Buffer
		draw := operator.Terminal(&out, width, height)
		shown := &terminal{rows: []string{""}, width: width, height: height}
		line := rapid.StringMatching(`[a-zäö█]{0,50}`)
		for range rapid.IntRange(1, 6).Draw(t, "draws") {
			lines := rapid.SliceOfN(line, 0, 9).Draw(t, "lines")
			draw(lines)
			if err := shown.play(out.String()); err != nil {
				t.Fatal(err)
			}
			out.Reset()
			want := []string{}
			for i, l := range lines {
				if len(lines) > height-1 && i == height-2 {
					want = append(want, operator.Cut(fmt.Sprintf("... and %d more", len(lines)-i), width-1))
					break
				}
				want = append(want, operator.Cut(l, width-1))
			}
			if got := strings.Join(shown.rows, "\n"); got != strings.Join(append(want, ""), "\n") {
				t.Fatalf("the terminal shows\n%q, want\n%q", got, strings.Join(want, "\n"))
			}
		}
	})
}

// TestATerminalShowsNoControlCharacters: names and reasons come from endpoints.
func TestATerminalShowsNoControlCharacters(t *testing.T) {
	var out bytes.Buffer
	operator.Terminal(&out, 80, 24)([]string{"till\x1b]0;owned\a \u009b2J \u202e end"})
	if got, want := out.String(), "till?]0;owned? ?2J ? end\x1b[K\n\x1b[J"; got != want {
		t.Errorf("drawn %q, want %q", got, want)
	}
}
