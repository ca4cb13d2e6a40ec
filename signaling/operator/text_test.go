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
