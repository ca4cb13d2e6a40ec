package policy

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// WeekHours is how many hours a week has.
const WeekHours = 7 * 24

// maxRules bounds the rules of one week.
const maxRules = 96

// What a window is.
const (
	open   = "open"
	closed = "closed"
)

// Week holds a value for each hour of the week, from Monday midnight on, by the clock on
// the wall: in a week in which the clocks go back an hour counts twice, and where they
// go forward one is left out.
type Week[V comparable] [WeekHours]V

// Hour is the hour of the week in a zone, nil for UTC.
func Hour(at time.Time, zone *time.Location) int {
	if zone == nil {
		zone = time.UTC
	}
	at = at.In(zone)
	return (int(at.Weekday())+6)%7*24 + at.Hour()
}

// At is the value at a time in a zone, nil for UTC.
func (w *Week[V]) At(at time.Time, zone *time.Location) V { return w[Hour(at, zone)] }

// Until is when another value begins. It reports false where there is only one.
func (w *Week[V]) Until(at time.Time, zone *time.Location) (time.Time, bool) {
	is := w.At(at, zone)
	// The one hour that has another value may be left out this week.
	for range 2*WeekHours + 2 {
		at = nextHour(at, zone)
		if w.At(at, zone) != is {
			return at, true
		}
	}
	return time.Time{}, false
}

// Time is how much of the time between two moments has a value.
func (w *Week[V]) Time(value V, from, to time.Time, zone *time.Location) (sum time.Duration) {
	for from.Before(to) {
		next := nextHour(from, zone)
		if next.After(to) {
			next = to
		}
		if w.At(from, zone) == value {
			sum += next.Sub(from)
		}
		from = next
	}
	return sum
}

// After is when so much time with a value will have passed since a moment. It reports
// false where that would take more than a year.
func (w *Week[V]) After(value V, from time.Time, span time.Duration, zone *time.Location) (time.Time, bool) {
	for end := from.Add(366 * day); from.Before(end); {
		next := nextHour(from, zone)
		if w.At(from, zone) == value {
			if span <= next.Sub(from) {
				return from.Add(span), true
			}
			span -= next.Sub(from)
		}
		from = next
	}
	return time.Time{}, false
}

// nextHour is when the clock on the wall shows a full hour next, or was set meanwhile.
func nextHour(at time.Time, zone *time.Location) time.Time {
	if zone == nil {
		zone = time.UTC
	}
	local := at.In(zone)
	into := time.Duration(local.Minute())*time.Minute + time.Duration(local.Second())*time.Second + time.Duration(local.Nanosecond())
	return at.Add(time.Hour - into)
}

// ParseRates reads rates by the hour of the week, in bits per second or None.
func ParseRates(text string) (*Week[int64], error) { return parseWeek(text, none, ParseRate) }

// ParseWindows reads in which hours of the week something is open.
func ParseWindows(text string) (*Week[bool], error) {
	return parseWeek(text, closed, func(word string) (bool, error) {
		if word != open && word != closed {
			return false, fmt.Errorf("%.40q is neither open nor closed", word)
		}
		return word == open, nil
	})
}

// parseWeek reads a week: rules with ";" between them, of which the first counts that
// covers an hour. A rule is "DAYS HOURS VALUE", where days and hours may be left out. Days
// are "mon", "mon-fri" or "mon,wed-fri", or "*" for all; hours "08:00-18:00", which end the
// next day where the end is not after the beginning. rest is a value to suggest.
func parseWeek[V comparable](text, rest string, value func(string) (V, error)) (*Week[V], error) {
	var week Week[V]
	var covered [WeekHours]bool
	rules := strings.Split(normal(text), "; ")
	if len(rules) > maxRules {
		return nil, fmt.Errorf("%d rules, limit %d", len(rules), maxRules)
	}
	for _, rule := range rules {
		hours, word, err := parseRule(rule)
		if err != nil {
			return nil, err
		}
		v, err := value(word)
		if err != nil {
			return nil, err
		}
		for _, h := range hours {
			if !covered[h] {
				week[h], covered[h] = v, true
			}
		}
	}
	for h, is := range covered {
		if !is {
			return nil, fmt.Errorf("no rule says what holds on %s at %02d:00: end with %q", days[h/24], h%24, "; * "+rest)
		}
	}
	return &week, nil
}

// normal is text with single spaces, and "; " between rules.
func normal(text string) string {
	var rules []string
	for rule := range strings.SplitSeq(strings.ToLower(text), ";") {
		if fields := strings.Fields(rule); len(fields) > 0 {
			rules = append(rules, strings.Join(fields, " "))
		}
	}
	return strings.Join(rules, "; ")
}

// weekly makes a parser that returns what is kept of a week: what was written.
func weekly[V comparable](parse func(string) (*Week[V], error)) func(string) (string, error) {
	return func(text string) (string, error) {
		_, err := parse(text)
		return normal(text), err
	}
}

// days of the week, as they are written.
var days = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// parseRule reads one rule, and returns the hours of the week that it is about.
func parseRule(rule string) (hours []int, value string, err error) {
	on, from, to := []int{0, 1, 2, 3, 4, 5, 6}, 0, 24
	fields := strings.Fields(rule)
	if len(fields) == 0 || len(fields) > 3 {
		return nil, "", fmt.Errorf("%.60q is not a rule such as \"mon-fri 08:00-18:00 2mbit\" or \"* none\"", rule)
	}
	value, fields = fields[len(fields)-1], fields[:len(fields)-1]
	if len(fields) > 0 && !strings.Contains(fields[0], ":") {
		if on, err = parseDays(fields[0]); err != nil {
			return nil, "", err
		}
		fields = fields[1:]
	}
	if len(fields) > 0 {
		if from, to, err = parseHours(fields[0]); err != nil {
			return nil, "", err
		}
		if len(fields) > 1 {
			return nil, "", fmt.Errorf("%.60q: the days come before the hours", rule)
		}
	}
	for _, d := range on {
		for h := from; h < to; h++ {
			hours = append(hours, (24*d+h)%WeekHours)
		}
	}
	return hours, value, nil
}

// parseDays reads "*", or days and ranges of days.
func parseDays(text string) (on []int, err error) {
	if text == "*" {
		return []int{0, 1, 2, 3, 4, 5, 6}, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, b := dayOf(first), dayOf(last)
		if a < 0 || b < 0 {
			return nil, fmt.Errorf("%.40q are no days such as mon, mon-fri, sat,sun or *", text)
		}
		for d := a; ; d = (d + 1) % 7 {
			on = append(on, d)
			if d == b {
				break
			}
		}
		if len(on) > 7 {
			return nil, fmt.Errorf("%.40q names a day twice", text)
		}
	}
	return on, nil
}

func dayOf(text string) int {
	for i, d := range days {
		if d == text {
			return i
		}
	}
	return -1
}

// parseHours reads "08:00-18:00"; an end that is not after the beginning is on the next day.
func parseHours(text string) (from, to int, err error) {
	first, last, _ := strings.Cut(text, "-")
	from, ok1 := hourOf(first)
	to, ok2 := hourOf(last)
	if !ok1 || !ok2 || from == 24 || from == to {
		return 0, 0, fmt.Errorf("%.40q are no hours such as 08:00-18:00 or 22:00-06:00: they begin and end at a full hour", text)
	}
	if to < from {
		to += 24
	}
	return from, to, nil
}

func hourOf(text string) (int, bool) {
	hour, ok := strings.CutSuffix(text, ":00")
	n, err := strconv.ParseUint(hour, 10, 8)
	return int(n), ok && err == nil && len(hour) <= 2 && n <= 24
}
