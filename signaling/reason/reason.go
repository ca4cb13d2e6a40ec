// Package reason says why a flow, or an endpoint's part in it, moves or does not: by a code
// that stays the same for programs, in words for people, and with what to do where there is
// something. It is pure. All codes are in one table (codes.go); who adds one adds a row there,
// and the place in signaling/site that decides it.
package reason

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Code names a reason. It is snake_case, and never changes its meaning.
type Code string

// Kind is what a code means for who waits.
type Kind string

// The kinds.
const (
	Done    Kind = "done"    // there is nothing left to do
	Moving  Kind = "moving"  // bytes come, and the code says from where
	Waiting Kind = "waiting" // it goes on by itself when something else happens
	Stopped Kind = "stopped" // it goes on only when somebody does something
)

// MaxText bounds what a reason is about, in bytes.
const MaxText = 200

// Reason is a code, and what it is about this time. What a code does not use is zero.
type Reason struct {
	Code  Code
	Who   string    // names of endpoints
	What  string    // another content, or what somebody else said
	N     int64     // seconds, or how many
	Until time.Time // when it ends by itself, as far as that is known
}

// Subject is what a reason is told of, for what is to be done.
type Subject struct {
	Site, Flow, Endpoint string // a flow as NAME@V
}

// IsZero reports whether there is no reason.
func (r Reason) IsZero() bool { return r.Code == "" }

// Kind is that of the code.
func (r Reason) Kind() Kind { return meanings[r.Code].is }

// Text is the reason in words. Times are in zone (nil: UTC).
func (r Reason) Text(zone *time.Location) string {
	return r.fill(meanings[r.Code].says, zone, Subject{})
}

// Do says what somebody could do about it, "" where that is nothing.
func (r Reason) Do(zone *time.Location, s Subject) string {
	return r.fill(meanings[r.Code].do, zone, s)
}

// clipped is the reason within its bounds.
func (r Reason) clipped() Reason {
	r.Who, r.What = clip(r.Who), clip(r.What)
	return r
}

// clip makes text fit, without cutting a character in two.
func clip(text string) string {
	if len(text) <= MaxText {
		return text
	}
	const more = "..."
	text = text[:MaxText-len(more)]
	for !utf8.ValidString(text) && len(text) > 0 {
		text = text[:len(text)-1]
	}
	return text + more
}

// same reports whether two reasons are one that goes on. What a loose code is about may
// change meanwhile.
func (r Reason) same(other Reason) bool {
	return r.Code == other.Code && (meanings[r.Code].loose || r.Who == other.Who && r.What == other.What)
}

// fill writes parameters into a template. A part in brackets is left out where a parameter in
// it is missing; what stands there behind a bar is said instead.
func (r Reason) fill(template string, zone *time.Location, s Subject) string {
	if !strings.ContainsAny(template, "[{") {
		return template
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(template, "[")
		text, _ := r.put(before, zone, s)
		out.WriteString(text)
		if !found {
			return out.String()
		}
		part, after, _ := strings.Cut(rest, "]")
		part, other, _ := strings.Cut(part, "|")
		text, whole := r.put(part, zone, s)
		if !whole {
			text, _ = r.put(other, zone, s)
		}
		out.WriteString(text)
		template = after
	}
}

// put replaces the parameters in a text, and reports whether all were there.
func (r Reason) put(text string, zone *time.Location, s Subject) (out string, whole bool) {
	var b strings.Builder
	whole = true
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String(), whole
		}
		name, after, _ := strings.Cut(rest, "}")
		value := r.param(name, zone, s)
		whole = whole && value != ""
		b.WriteString(value)
		text = after
	}
}

// span is a duration as people read it.
func span(d time.Duration) string {
	if d < time.Minute {
		return strconv.FormatInt(int64(d.Seconds()), 10) + " s"
	}
	return d.Truncate(time.Second).String()
}

// params are the names that templates may use.
var params = []string{"who", "what", "n", "span", "until", "at", "site", "flow", "endpoint"}

// param is a parameter as it is written, "" where there is none.
func (r Reason) param(name string, zone *time.Location, s Subject) string {
	if zone == nil {
		zone = time.UTC
	}
	switch name {
	case "who":
		return r.Who
	case "what":
		return r.What
	case "site":
		return s.Site
	case "flow":
		return s.Flow
	case "endpoint":
		return s.Endpoint
	case "n":
		if r.N != 0 {
			return strconv.FormatInt(r.N, 10)
		}
	case "span":
		if r.N != 0 {
			return span(time.Duration(r.N) * time.Second)
		}
	case "until": // days away
		if !r.Until.IsZero() {
			return r.Until.In(zone).Format("Mon 2 Jan 15:04 MST")
		}
	case "at": // seconds away
		if !r.Until.IsZero() {
			return r.Until.In(zone).Format("15:04:05 MST")
		}
	}
	return ""
}
