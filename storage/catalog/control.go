package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// RuleCap bounds what flows take over the WAN: without a content the line of each site it
// is about, with one each flow of it at each site. It stands beside the cap that is set for
// a site, and the least of all that hold counts.
const RuleCap = "cap"

// RuleBudget bounds what all sites take over the WAN together. It is about all of them and of
// whatever they take, and the least of those that hold counts.
const RuleBudget = "budget"

const (
	// MaxReason bounds in bytes what is said of why a rule was set.
	MaxReason = 160
	// MaxRule bounds how far ahead a rule may end, unless it is a pin; see MaxPin.
	MaxRule = 366 * 24 * time.Hour
	// MaxRuleCap bounds the bytes per second of a cap.
	MaxRuleCap = 1 << 47
)

// Ended reports whether a rule holds no more.
func (r Rule) Ended(now time.Time) bool { return !r.Expires.IsZero() && !r.Expires.After(now) }

// outlasts reports whether a rule holds longer than another.
func (r Rule) outlasts(other Rule) bool {
	switch {
	case other.Expires.IsZero():
		return false
	case r.Expires.IsZero():
		return true
	}
	return r.Expires.After(other.Expires)
}

// At leaves out the rules that have ended.
func (o Orders) At(now time.Time) Orders {
	o.Rules = Holding(o.Rules, now)
	return o
}

// Holding lists the rules that have not ended.
func Holding(rules []Rule, now time.Time) []Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r Rule) bool { return r.Ended(now) })
}

// Ends is when the next rule ends, from when on what is wanted is to be read anew; zero:
// none does by itself.
func (o Orders) Ends() (at time.Time) {
	for _, r := range o.Rules {
		if !r.Expires.IsZero() && (at.IsZero() || r.Expires.Before(at)) {
			at = r.Expires
		}
	}
	return at
}

// Words say what a rule does, who set it, until when, at the clock of a site's zone (nil for
// UTC), and why.
func (r Rule) Words(zone *time.Location) string {
	did := map[string]string{RulePause: "paused ", RuleCap: "capped ", RuleBudget: "bounded all sites together, "}
	text := r.By + " " + cmp.Or(did[r.Kind], "set "+r.Kind+" of ") + r.Selector.String()
	if !r.Expires.IsZero() {
		if zone == nil {
			zone = time.UTC
		}
		text += " until " + r.Expires.In(zone).Format("Mon 2 Jan 15:04 MST")
	}
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	return text
}

// Detail is what the audit log says of a rule.
func (r Rule) Detail() string {
	var parts []string
	if r.Priority != "" {
		parts = append(parts, r.Priority)
	}
	if r.Kind == RuleCap || r.Kind == RuleBudget {
		parts = append(parts, fmt.Sprintf("%d bytes/s", r.Cap))
	}
	if !r.Expires.IsZero() {
		parts = append(parts, "until "+r.Expires.UTC().Format(time.RFC3339))
	}
	if r.Reason != "" {
		parts = append(parts, r.Reason)
	}
	return strings.Join(parts, ", ")
}

// zone is where the site's clock is; nil where that is not known.
func (s Site) zone() *time.Location {
	if s.TZ == "" {
		return nil
	}
	zone, err := time.LoadLocation(s.TZ)
	if err != nil { // this machine does not know it
		return nil
	}
	return zone
}

// ruled applies the rules to an order. Pauses add up: any that covers the flow pauses it,
// and what is said is the one that ends last, of several the newest. Of priorities the
// newest that covers it counts, and of caps the least.
func (o Orders) ruled(order Order) Order {
	var pause *Rule
	var set uint64
	for i, r := range o.Rules {
		if !r.Covers(Selector{Site: o.Site.Name, Name: order.Name, Version: order.Version}) {
			continue
		}
		switch {
		case r.Kind == RulePause && (pause == nil || !pause.outlasts(r)):
			pause = &o.Rules[i]
		case r.Kind == RulePriority && r.Generation >= set:
			order.Priority, set = r.Priority, r.Generation
		case r.Kind == RuleCap && r.Name != "" && (!order.Capped || r.Cap < order.Cap):
			order.Capped, order.Cap, order.CappedBy = true, r.Cap, r.Words(o.Site.zone())
		}
	}
	if pause != nil && !order.Paused { // or its rollout is halted, which no pause ends
		order.Paused, order.PausedBy, order.PausedUntil = true, pause.Words(o.Site.zone()), pause.Expires
	}
	return order
}

// LineCap is the least of the caps on all that the site takes over the WAN; NoCap where
// there is none.
func (o Orders) LineCap() (bytesPerSecond int64) {
	bytesPerSecond = NoCap
	for _, r := range o.Rules {
		if r.Kind == RuleCap && r.Name == "" && (r.Site == "" || r.Site == o.Site.Name) && (bytesPerSecond == NoCap || r.Cap < bytesPerSecond) {
			bytesPerSecond = r.Cap
		}
	}
	return bytesPerSecond
}

// Together is the least of the bounds on what all sites take over the WAN together; 0: there is
// none.
func (o Orders) Together() (bytesPerSecond int64) {
	for _, r := range o.Rules {
		if r.Kind == RuleBudget && (bytesPerSecond == 0 || r.Cap < bytesPerSecond) {
			bytesPerSecond = r.Cap
		}
	}
	return bytesPerSecond
}

// CheckRule reports what is wrong with a rule that is set at now, but for what CheckKeeping
// sees to.
func CheckRule(r Rule, now time.Time) error {
	last := MaxRule
	if r.Kind == RulePin {
		last = MaxPin
	}
	switch {
	case r.Kind == RulePriority && r.Priority == "":
		return errors.New("a priority rule needs a priority")
	case r.Kind == RuleBudget && (r.Selector != Selector{} || r.Cap < 1):
		return errors.New("a budget is for all sites together, and of a byte a second at least: a cap of 0 stops each of them")
	case r.Cap < 0 || r.Cap > MaxRuleCap:
		return fmt.Errorf("a cap is between 0 and %d bytes a second", int64(MaxRuleCap))
	case !r.Expires.IsZero() && (!r.Expires.After(now) || r.Expires.Sub(now) > last):
		return fmt.Errorf("a rule of this kind ends between now and %d days from now, or when it is ended", last/(24*time.Hour))
	}
	return CheckReason(r.Reason)
}

// CheckReason reports what is wrong with the reason that is given for something; it may be
// empty.
func CheckReason(reason string) error {
	switch {
	case len(reason) > MaxReason:
		return fmt.Errorf("a reason has at most %d bytes, and this has %d", MaxReason, len(reason))
	case !utf8.ValidString(reason) || strings.ContainsFunc(reason, func(c rune) bool { return !unicode.IsPrint(c) }):
		return errors.New("a reason is one line of text")
	}
	return nil
}
