package operator

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/sitecast/sitecast/storage/catalog"
)

func printJSON(v any) error {
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// printUnless prints v as JSON unless there was an error.
func printUnless(err error, v any) error {
	if err != nil {
		return err
	}
	return printJSON(v)
}

// onTerminal reports whether a person watches the output.
func onTerminal() bool { return term.IsTerminal(int(os.Stdout.Fd())) }

// units of rates, in bits per second.
var units = []struct {
	name string
	bits float64
}{{"gbit", 1e9}, {"mbit", 1e6}, {"kbit", 1e3}, {"bit", 1}}

// parseRate reads a rate such as 5mbit or 500kbit and returns bytes per second;
// "none" is catalog.NoCap.
func parseRate(s string) (int64, error) {
	if s == "none" {
		return catalog.NoCap, nil
	}
	for _, u := range units {
		number, ok := strings.CutSuffix(strings.ToLower(s), u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(number, 64)
		if bits := n * u.bits; err == nil && bits >= 8 && bits <= 1e12 {
			return int64(bits / 8), nil
		}
		break
	}
	return 0, errors.New("rate " + strconv.Quote(s) + " is not like 5mbit, 500kbit, 1gbit or none")
}

// rateText shows bits per second.
func rateText(bits int64) string {
	for _, u := range units {
		if float64(bits) >= u.bits {
			return fmt.Sprintf("%.3g %s/s", float64(bits)/u.bits, strings.ToUpper(u.name[:1])+u.name[1:])
		}
	}
	return "0"
}

// sizeText shows bytes.
func sizeText(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}

// timeText shows seconds as people say them.
func timeText(seconds float64) string {
	if seconds <= 0 {
		return ""
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}

// bar draws done of total.
func bar(done, total int64, width int) string {
	filled := width
	if total > 0 {
		filled = int(min(max(done, 0), total) * int64(width) / total)
	}
	return strings.Repeat("█", filled) + strings.Repeat("░", width-filled)
}
