package catalog

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// When a version is used that is there; empty is as soon as it is.
const (
	ActivateHold = "hold" // when an operator says so
	ActivateAt   = "at"   // from an instant on that a publisher signed
)

// When says from when on a version is used that is distributed.
type When struct {
	Activate string `json:"activate,omitempty"` // ActivateHold, ActivateAt, or empty
	// Statement is the signed instant of ActivateAt (a DSSE envelope), At its time, and
	// Instant its serial.
	Statement json.RawMessage `json:"statement,omitempty"`
	At        time.Time       `json:"activate_at,omitzero"`
	Instant   uint64          `json:"instant,omitempty"`
}

// Activation changes when a version is used, wherever it was distributed before.
type Activation struct {
	ID      int64
	Name    string
	Version string
	Site    string // empty: all
	When
	Upto    int64 // the newest distribution when it was made
	By      string
	Created time.Time
}

// Activations say when versions are used.
type Activations interface {
	// Activate changes desired state and returns its new generation: from when on a version
	// is used at the named sites, or at all of them where none is named, as far as it was
	// distributed so far. It fails with ErrConflict when an instant is not newer than those
	// that were signed for the version before.
	Activate(ctx context.Context, by string, a Activation, sites []string) (generation uint64, err error)
	// LastInstant is the highest serial of the instants of a version; 0 where there is none.
	LastInstant(ctx context.Context, name, version string) (serial uint64, err error)
}

// MaxStaged bounds the versions of a content that are held at a site beside the one in use:
// the newest.
const MaxStaged = 8

// Held reports whether a version is not to be used yet, at now; where that is zero no
// instant has come.
func (w When) Held(now time.Time) bool {
	switch w.Activate {
	case ActivateHold:
		return true
	case ActivateAt:
		return now.IsZero() || now.Before(w.At)
	}
	return false
}

func (w When) String() string {
	switch w.Activate {
	case ActivateHold:
		return "held until it is activated"
	case ActivateAt:
		return "from " + w.At.UTC().Format(time.RFC3339) + " on"
	}
	return "when it is there"
}

// ReadWhen is what a caller means: a word, and the statement that belongs to it, which has
// to be about the version and, at now, of an instant that is ahead. Whether its signature
// is good is for the endpoints, and for who knows the trust document.
func ReadWhen(activate string, statement json.RawMessage, v Version, now time.Time) (When, error) {
	w := When{Activate: activate, Statement: statement}
	switch activate {
	case "", ActivateHold:
		if len(statement) > 0 {
			return w, errors.New("only an instant has a statement")
		}
		return w, nil
	case ActivateAt:
	default:
		return w, fmt.Errorf("activate is %.20q, want %q, %q or nothing", activate, ActivateHold, ActivateAt)
	}
	i, err := content.ReadInstant(statement)
	switch {
	case err != nil:
		return w, err
	case i.Name != v.Name || i.ID != v.ID:
		return w, fmt.Errorf("the instant is of another version than %s", content.Ref{Name: v.Name, Version: v.Version})
	}
	w.At, w.Instant = i.At.UTC(), i.Serial
	return w, CheckInstant(w.At, now)
}

// CheckInstant reports what is wrong with an instant from which on a version shall be used.
func CheckInstant(at, now time.Time) error {
	switch {
	case !at.After(now):
		return fmt.Errorf("%s has passed (it is %s now)", at.Format(time.RFC3339), now.Format(time.RFC3339))
	case at.Sub(now) > MaxAhead:
		return fmt.Errorf("%s is more than a year ahead", at.Format(time.RFC3339))
	}
	return nil
}

// when is from when on what a distribution brings is used: as it says itself, or as an
// operator said later.
func (o Orders) when(d Distribution) When {
	w := d.When
	for _, a := range o.Activations {
		if a.Name == d.Name && a.Version == d.Version && a.Upto >= d.ID && (a.Site == "" || a.Site == o.Site.Name) {
			w = a.When
		}
	}
	return w
}

// staged tells distributions that bring what is not to be used yet from all others: of
// these the last of each version, the lowest serial first. What was distributed again
// counts as it was the last time.
func (o Orders) staged() (rest, held []Distribution) {
	last := map[content.Ref]Distribution{}
	for _, d := range o.Distributions {
		ref := content.Ref{Name: d.Name, Version: d.Version}
		if have, ok := last[ref]; d.PreStage == 0 && (!ok || d.ID > have.ID) {
			last[ref] = d
		}
	}
	for _, d := range o.Distributions {
		newest := last[content.Ref{Name: d.Name, Version: d.Version}]
		switch {
		case d.PreStage > 0 || !o.when(newest).Held(o.Now):
			rest = append(rest, d)
		case d.ID == newest.ID:
			held = append(held, d)
		}
	}
	slices.SortFunc(held, func(a, b Distribution) int { return cmp.Or(cmp.Compare(a.Serial, b.Serial), cmp.Compare(a.ID, b.ID)) })
	return rest, held
}

// beside adds to what is chosen what is held of newer versions: of each content the newest
// MaxStaged. Such a version is no copy ahead of need any more.
func beside(chosen []Distribution, open map[string]Distribution, held []Distribution) []Distribution {
	many, from := map[string]int{}, len(chosen)
	for _, d := range slices.Backward(held) {
		if d.Serial <= open[d.Name].Serial || many[d.Name] == MaxStaged {
			continue
		}
		many[d.Name]++
		chosen = slices.Insert(chosen, from, d)
	}
	return slices.DeleteFunc(chosen, func(d Distribution) bool {
		return d.PreStage > 0 && slices.ContainsFunc(held, func(h Distribution) bool { return h.Name == d.Name && h.Version == d.Version })
	})
}

// rank sorts orders of what is not to be used yet behind the others.
func rank(o Order) int {
	if o.When != nil {
		return 1
	}
	return 0
}
