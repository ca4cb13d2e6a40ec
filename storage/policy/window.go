package policy

import (
	"errors"
	"strings"
)

// alwaysClosed covers what no rule of a window does.
const alwaysClosed = "* " + closed

// ParseWindow reads in which hours of the week something is open, as [ParseWindows] does, and
// more briefly: a rule that says neither open nor closed is open, and hours that no rule covers
// are closed. It returns what is kept of it, too, which says all. One that never opens is refused.
func ParseWindow(text string) (*Week[bool], string, error) {
	var rules []string
	for rule := range strings.SplitSeq(normal(text), "; ") {
		if rule == "" {
			return nil, "", errors.New(`a window has at least one rule such as "mon-fri 22:00-05:00"`)
		}
		if !strings.HasSuffix(rule, " "+open) && !strings.HasSuffix(rule, " "+closed) && rule != open && rule != closed {
			rule += " " + open
		}
		rules = append(rules, rule)
	}
	if rules[len(rules)-1] != alwaysClosed {
		rules = append(rules, alwaysClosed)
	}
	full := strings.Join(rules, "; ")
	week, err := ParseWindows(full)
	if err != nil {
		return nil, "", err
	}
	if *week == (Week[bool]{}) {
		return nil, "", errors.New("the window never opens")
	}
	return week, full, nil
}

// Both is open where two windows are. One that is nil never closes.
func Both(a, b *Week[bool]) *Week[bool] {
	if a == nil || b == nil || a == b {
		if a == nil {
			return b
		}
		return a
	}
	var both Week[bool]
	for h := range both {
		both[h] = a[h] && b[h]
	}
	return &both
}
