package reason

import (
	"slices"
	"time"
)

// How many changes are remembered.
const (
	OfFlow     = 64
	OfEndpoint = 32 // in one flow
	OfDeadline = 16
)

// History is what the reason was, over time. Its zero value is one that remembers nothing but
// the present; make one with [NewHistory].
type History struct {
	most    int
	moments []moment // oldest first; the last one is the present
}

// moment is a reason and since when it was that. One that came back again and again, in turns
// with one other, is one moment with the number of times.
type moment struct {
	Reason
	first, last time.Time // when it began, the first time and the last
	times       int
}

// NewHistory returns a history of so many changes.
func NewHistory(most int) History { return History{most: most} }

// Note takes in what the reason is now, and reports whether it became another.
func (h *History) Note(now time.Time, r Reason) bool {
	r = r.clipped()
	n := len(h.moments)
	if n > 0 && h.moments[n-1].same(r) {
		was := &h.moments[n-1]
		was.Who, was.What, was.Until = r.Who, r.What, r.Until // N is of when it began
		return false
	}
	// After B, A and B comes A: it and its other go on, once more.
	if n > 2 && h.moments[n-2].same(r) && h.moments[n-3].same(h.moments[n-1].Reason) {
		between := h.moments[n-1]
		h.moments = h.moments[:n-1]
		was, is := &h.moments[n-3], &h.moments[n-2]
		was.times, was.last = was.times+between.times, between.last
		is.Reason, is.times, is.last = r, is.times+1, now
		return true
	}
	if over := n + 1 - max(h.most, 1); over > 0 {
		h.moments = slices.Delete(h.moments, 0, over)
	}
	h.moments = append(h.moments, moment{r, now, now, 1})
	return true
}

// Now is the present reason, and since when it is that; false where there is none.
func (h *History) Now() (r Reason, since time.Time, ok bool) {
	if len(h.moments) == 0 {
		return r, since, false
	}
	last := h.moments[len(h.moments)-1]
	return last.Reason, last.last, true
}

// Source is the last reason that says from where bytes came, and since when; false where none
// did.
func (h *History) Source() (r Reason, since time.Time, ok bool) {
	for _, m := range slices.Backward(h.moments) {
		if m.Kind() == Moving {
			return m.Reason, m.last, true
		}
	}
	return r, since, false
}

// Why is a reason for programs and people.
type Why struct {
	Code  Code      `json:"code"`
	Kind  Kind      `json:"kind" enum:"done,moving,waiting,stopped"`
	Text  string    `json:"text"`
	Since time.Time `json:"since" doc:"when it became so, as far as this server saw"`
	Until time.Time `json:"until,omitzero" doc:"when it ends by itself; absent: not known"`
	Do    string    `json:"do,omitempty" doc:"what somebody could do about it"`
}

// Why writes out a reason that holds since then.
func (r Reason) Why(since time.Time, zone *time.Location, s Subject) Why {
	return Why{Code: r.Code, Kind: r.Kind(), Text: r.Text(zone), Since: since.UTC(), Until: utc(r.Until), Do: r.Do(zone, s)}
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}

// Moment is a change of the reason.
type Moment struct {
	At    time.Time `json:"at"`
	Times int       `json:"times,omitempty" doc:"how often it came, in turns with the one before or behind it; absent: once"`
	Last  time.Time `json:"last,omitzero" doc:"when it came the last time; absent: it came once"`
	Code  Code      `json:"code"`
	Kind  Kind      `json:"kind" enum:"done,moving,waiting,stopped"`
	Text  string    `json:"text"`
	Who   string    `json:"who,omitempty" doc:"names of endpoints that the text names"`
	What  string    `json:"what,omitempty" doc:"another content that it names, or what somebody else said"`
	N     int64     `json:"n,omitempty" doc:"seconds or a number that it names"`
	Until time.Time `json:"until,omitzero"`
}

// Moments lists all changes, oldest first.
func (h *History) Moments(zone *time.Location) []Moment {
	out := make([]Moment, 0, len(h.moments))
	for _, m := range h.moments {
		v := Moment{At: m.first.UTC(), Code: m.Code, Kind: m.Kind(), Text: m.Text(zone), Who: m.Who, What: m.What, N: m.N, Until: utc(m.Until)}
		if m.times > 1 {
			v.Times, v.Last = m.times, m.last.UTC()
		}
		out = append(out, v)
	}
	return out
}
