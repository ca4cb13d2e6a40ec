package wire

import (
	"errors"
	"strings"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// MaxActivated bounds the history of an [Activation].
const MaxActivated = 8

// Activation says which version of a content a kiosk uses, and what becomes of the next.
type Activation struct {
	Content string `json:"content"`
	Version string `json:"version,omitempty"` // the active one; empty: none yet
	State   string `json:"state"`             // preparing, active, staged, activating, rolled_back, unhealthy
	// Staged is the version that waits for its window, is about to be active, or failed.
	Staged string `json:"staged,omitempty"`
	Reason string `json:"reason,omitempty"` // of the state, in words
	// Since is when the active version became unhealthy, in server time where the kiosk
	// knew it; zero where it is not.
	Since time.Time `json:"since,omitzero"`
	// History lists what was activated or not, newest first.
	History []Activated `json:"history,omitempty"`
}

// Activated is how one activation ended.
type Activated struct {
	At      time.Time `json:"at"`
	Version string    `json:"version"`
	From    string    `json:"from,omitempty"` // the version that was active before
	Outcome string    `json:"outcome"`        // activated, rolled_back, refused, lost, blocked
	Reason  string    `json:"reason,omitempty"`
}

// Text says it for people, on one line as far as the reason is.
func (a Activation) Text() string {
	text := "nothing of " + a.Content + " is active"
	if a.Version != "" {
		text = a.Content + "@" + a.Version + " is active"
	}
	if a.State != "active" {
		text += ", " + strings.ReplaceAll(a.State, "_", " ")
	}
	if !a.Since.IsZero() {
		text += " since " + a.Since.Local().Format(time.DateTime)
	}
	if a.Reason != "" {
		text += ": " + a.Reason
	}
	return text
}

func (a *Activation) check() error {
	if a == nil {
		return nil
	}
	if a.State == "" {
		return errors.New("state of an activation is needed")
	}
	if err := first(content.CheckName(a.Content), optional(a.Version), optional(a.Staged), size("state", a.State, maxCodeBytes),
		size("reason", a.Reason, MaxReasonBytes), count("activations", len(a.History), MaxActivated)); err != nil {
		return err
	}
	for _, h := range a.History {
		if err := first(content.CheckVersion(h.Version), optional(h.From), size("outcome", h.Outcome, maxCodeBytes),
			size("reason", h.Reason, MaxReasonBytes)); err != nil {
			return err
		}
	}
	return nil
}

// optional checks a version that may be left out.
func optional(version string) error {
	if version == "" {
		return nil
	}
	return content.CheckVersion(version)
}
