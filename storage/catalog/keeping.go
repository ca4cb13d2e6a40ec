package catalog

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Kinds of rule about what endpoints keep on their disks.
const (
	// RulePin keeps what is held, until the rule expires.
	RulePin = "pin"
	// RulePurge ends every distribution made before it, and has what they brought
	// deleted. A later distribution brings the version back.
	RulePurge = "purge"
	// RuleBlock keeps what it covers away from everywhere, as long as it stands: nothing of
	// it is ordered, and what is held of it is deleted, used or not.
	RuleBlock = "block"
)

// MaxKeeping bounds the pins that an endpoint is told: the newest.
const MaxKeeping = 24

// Pin keeps a version, or (Version is empty) every version of a content.
type Pin struct {
	Name, Version string
	Until         time.Time // zero: until it is ended
}

// Purge deletes a version, or (Version is empty) every version of a content up to a
// serial.
type Purge struct {
	Name, Version string
	Serial        uint64
	Why           string // who set it, in words
	// Block says that it goes whatever holds it, and does not come as long as this stands.
	Block bool
}

// void reports whether a purge ended a distribution, or a block stands against it.
func (o Orders) void(d Distribution) bool {
	return o.blocked(d.Name, d.Version) || slices.ContainsFunc(o.Rules, func(r Rule) bool {
		return r.Kind == RulePurge && d.ID <= r.Upto && r.Covers(Selector{Site: o.Site.Name, Name: d.Name, Version: d.Version})
	})
}

// Keeping says what the endpoints of a site shall keep at all cost, at now, and what
// they shall delete, oldest first: of purges all there are. A purge of one version ends when that version is distributed
// again; one of all versions spares those that were published later.
func Keeping(o Orders, now time.Time) (pins []Pin, purges []Purge) {
	for _, r := range o.Rules {
		switch r.Kind {
		case RulePin:
			if r.Expires.IsZero() || r.Expires.After(now) {
				pins = append(pins, Pin{r.Name, r.Version, r.Expires})
			}
		case RulePurge:
			if p, ok := o.purge(r); ok {
				purges = append(purges, p)
			}
		case RuleBlock:
			purges = append(purges, r.block())
		}
	}
	return pins[max(len(pins)-MaxKeeping, 0):], purges
}

// purge is what a rule comes to.
func (o Orders) purge(r Rule) (Purge, bool) {
	p := Purge{Name: r.Name, Version: r.Version, Why: r.By + " purged " + r.Selector.String()}
	for _, d := range o.Distributions {
		switch {
		case d.Name != r.Name || r.Version != "" && d.Version != r.Version || !o.reaches(d):
		case d.ID <= r.Upto:
			p.Serial = max(p.Serial, d.Serial)
		case r.Version != "":
			return p, false
		}
	}
	return p, p.Serial > 0
}

// Crowded reports whether a site would have more pins than its endpoints are told,
// with one more; one about the same is replaced.
func Crowded(rules []Rule, pin Selector, now time.Time) bool {
	everywhere, most := 1, 0
	at := map[string]int{}
	for _, r := range rules {
		switch {
		case r.Kind != RulePin || r.Selector == pin || !r.Expires.IsZero() && !r.Expires.After(now):
		case r.Site == "":
			everywhere++
		case pin.Site == "" || pin.Site == r.Site:
			at[r.Site]++
			most = max(most, at[r.Site])
		}
	}
	return everywhere+most > MaxKeeping
}

// CheckKeeping reports what is wrong with a pin or a purge that is set at now.
func CheckKeeping(r Rule, now time.Time) error {
	switch {
	case r.Name == "":
		return errors.New("say which content: NAME, or NAME@V")
	case (r.Kind == RulePurge || r.Kind == RuleBlock) && !r.Expires.IsZero():
		return fmt.Errorf("a %s does not expire", r.Kind)
	case !r.Expires.IsZero() && (!r.Expires.After(now) || r.Expires.Sub(now) > MaxPin):
		return fmt.Errorf("a pin ends between now and %d days from now, or when it is ended", MaxPin/(24*time.Hour))
	}
	return CheckReason(r.Reason)
}

// MaxPin bounds how far ahead a pin may end.
const MaxPin = 3660 * 24 * time.Hour
