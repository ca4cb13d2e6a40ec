package operator

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// Terminal control (ECMA-48).
const (
	eraseLine  = "\x1b[K"
	eraseBelow = "\x1b[J"
	cursorUp   = "\x1b[%dA"
)

// screen shows a few lines that change. On a terminal it draws them in place,
// over what it drew before; elsewhere it prints them when they are worth a line
// in a log.
type screen struct {
	out   io.Writer
	term  bool
	size  func() (width, height int)
	drawn int       // lines on the terminal now
	told  time.Time // when show printed last
}

func newScreen(out io.Writer) *screen {
	s := &screen{out: out}
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return s
	}
	s.term = true
	s.size = func() (int, int) {
		width, height, err := term.GetSize(int(file.Fd()))
		if err != nil || width < 1 || height < 2 {
			return 80, 24
		}
		return width, height
	}
	return s
}

// show draws lines each time on a terminal. A log gets them now and then, and the last ones.
func (s *screen) show(now time.Time, lines []string, last bool) {
	if s.term || last || now.Sub(s.told) >= plainEvery {
		s.draw(lines)
		s.told = now
	}
}

// draw replaces what was drawn by lines; those that don't fit are counted. It
// writes once, so that nothing flickers.
func (s *screen) draw(lines []string) {
	if !s.term {
		for _, line := range lines {
			fmt.Fprintln(s.out, clean(line))
		}
		return
	}
	width, height := s.size()
	if len(lines) > height-1 {
		more := len(lines) - (height - 2)
		lines = append(lines[:height-2:height-2], fmt.Sprintf("... and %d more", more))
	}
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, cursorUp+"\r", s.drawn)
	}
	for _, line := range lines {
		b.WriteString(cut(clean(line), width-1) + eraseLine + "\n")
	}
	b.WriteString(eraseBelow)
	_, _ = io.WriteString(s.out, b.String()) // a terminal that is gone takes the process with it
	s.drawn = len(lines)
}

// clean replaces what would not print but move the cursor, or worse. Endpoints name
// themselves and say why they failed, and operators read it.
func clean(line string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, line)
}

// cut shortens a line to width characters.
func cut(line string, width int) string {
	if utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:max(width, 0)])
}

// bar draws how much is done, in eighths of a character.
func bar(done float64, width int) string {
	eighths := int(min(max(done, 0), 1)*float64(width*8) + 0.5)
	full, rest := eighths/8, eighths%8
	line := strings.Repeat("█", full)
	if rest > 0 {
		line += string([]rune(" ▏▎▍▌▋▊▉")[rest])
		full++
	}
	return line + strings.Repeat("░", width-full)
}
