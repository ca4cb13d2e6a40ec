// Package staging is what an endpoint knows of versions that are not to be used yet, or
// not any more: until when they are held, and which are blocked. It is kept over restarts,
// so that a version is used at its instant, and none too soon, where there is no server.
//
// The package is pure. Who signed an instant is for the caller, which has the keys.
package staging

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// When says from when on a version is used. The zero value is: as soon as it is there.
type When struct {
	Held bool      // until somebody says otherwise
	At   time.Time // or from then on, by the server's time; zero where it is not that
	// Statement is what says At (see [content.Instant]), and Serial the highest serial of
	// those that were taken so far.
	Statement json.RawMessage
	Serial    uint64
}

// Waits reports whether it is not to be used, at the server's time; zero is not known.
func (w When) Waits(server time.Time) bool {
	return w.Held || !w.At.IsZero() && (server.IsZero() || server.Before(w.At))
}

// A RefusedError says why an instant is not taken.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "instant of activation refused: " + e.Reason }

// Take takes an instant whose signature was verified, for a version. What was taken
// before stays where it is refused.
func (w When) Take(of content.Head, id content.VersionID, i content.Instant, statement json.RawMessage) (When, error) {
	switch {
	case i.Name != of.Name:
		return w, &RefusedError{fmt.Sprintf("it is of %s, and not of %s", i.Name, of.Name)}
	case i.ID != id:
		return w, &RefusedError{fmt.Sprintf("it is of another version than %s", of.Ref())}
	case i.Serial < w.Serial:
		return w, &RefusedError{fmt.Sprintf("its serial is %d, and one with %d was signed later", i.Serial, w.Serial)}
	}
	return When{At: i.At, Statement: statement, Serial: i.Serial}, nil
}

// Hold is w, held until somebody says otherwise; Free is w for use at once. Both keep the
// serial, so that what was withdrawn does not come back.
func (w When) Hold() When { return When{Held: true, Serial: w.Serial} }

// Free see Hold.
func (w When) Free() When { return When{Serial: w.Serial} }

// Block keeps a version of a content from being used or kept; an empty version is every
// one.
type Block struct {
	Content string `json:"content"`
	Version string `json:"version,omitempty"`
	Why     string `json:"why,omitempty"`
}

// Covers reports whether a version is blocked by b.
func (b Block) Covers(ref content.Ref) bool {
	return b.Content == ref.Name && (b.Version == "" || b.Version == ref.Version)
}

// Blocks are those that stand.
type Blocks []Block

// Of says why a version is blocked, and whether it is.
func (all Blocks) Of(ref content.Ref) (why string, blocked bool) {
	for _, b := range all {
		if b.Covers(ref) {
			return b.Why, true
		}
	}
	return "", false
}
