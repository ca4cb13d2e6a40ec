package activation

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sitecast/sitecast/storage/content"
)

// Phase is how far an activation has come.
type Phase string

// The phases, in their order.
const (
	Idle         Phase = ""             // none goes on
	AskingFirst  Phase = "asking_first" // the hook before runs, for Next
	OnTrial      Phase = "on_trial"     // the active version is probed
	TellingAfter Phase = "telling_after"
)

// Outcome is how an activation ended.
type Outcome string

// The outcomes.
const (
	Activated  Outcome = "activated"
	RolledBack Outcome = "rolled_back"
	Refused    Outcome = "refused" // by the hook before
	Lost       Outcome = "lost"    // the files of the active version were gone
	Blocked    Outcome = "blocked" // by an operator
)

// Entry is a line of the history.
type Entry struct {
	At      time.Time `json:"at"` // in the server's time, or before that is known the device's
	Version string    `json:"version"`
	From    string    `json:"from,omitempty"` // the version that was active before
	Outcome Outcome   `json:"outcome"`
	Reason  string    `json:"reason,omitempty"`
	Again   int       `json:"again,omitempty"`  // how often the same came right before
	Before  string    `json:"before,omitempty"` // what the hooks wrote
	After   string    `json:"after,omitempty"`
}

// Failure is a version that is not tried again.
type Failure struct {
	ID     content.VersionID `json:"id"`
	Reason string            `json:"reason"`
	Retry  uint64            `json:"retry,omitempty"` // wish after which it was tried last
}

// Journal is what outlives the process.
type Journal struct {
	Format  int       `json:"format"`
	App     string    `json:"app"`              // the content
	Active  *Version  `json:"active,omitempty"` // nil: none yet
	Good    []Version `json:"good"`             // that passed, newest first
	Phase   Phase     `json:"phase,omitempty"`
	Next    *Version  `json:"next,omitempty"`   // that the activation is of; nil while none goes on
	From    *Version  `json:"from,omitempty"`   // that was active before it
	Starts  int       `json:"starts,omitempty"` // how often its trial was begun
	Failed  []Failure `json:"failed,omitempty"` // latest last
	History []Entry   `json:"history"`          // newest first
	// Tried is the highest serial of which an activation was decided.
	Tried uint64 `json:"tried,omitempty"`
	// Wish is the one after which the version was tried that was tried last.
	Wish uint64 `json:"wish,omitempty"`
	// TakenBack says that the watch took a version back, and none was kept since.
	TakenBack bool `json:"taken_back,omitempty"`
	// BeforeOutput is what the hook before wrote, until the history has it.
	BeforeOutput string `json:"before_output,omitempty"`
}

// Limits of a journal.
const (
	format = 1
	// MaxHistory bounds the lines of the history.
	MaxHistory = 20
	// MaxText is the most bytes that a hook's output or a reason may have.
	MaxText   = 1 << 10
	maxFailed = 8
	// MaxJournalBytes bounds the encoded journal; the longest has less, where every byte
	// of text takes six.
	MaxJournalBytes = 1 << 20
)

// NewJournal is that of a content of which nothing was ever active.
func NewJournal(app string) Journal { return Journal{Format: format, App: app} }

// Versions lists those that have to be on the disk, the active one first, then those to
// go back to.
func (j Journal) Versions() []Version { return slices.Concat(some(j.Active), j.Good, some(j.Next)) }

// Encode returns what ParseJournal reads.
func (j Journal) Encode() ([]byte, error) { return json.MarshalIndent(j, "", "  ") }

// ParseJournal reads a journal of a content.
func ParseJournal(text []byte, app string) (Journal, error) {
	if len(text) > MaxJournalBytes {
		return Journal{}, fmt.Errorf("read the journal of activations: %d bytes, limit %d", len(text), MaxJournalBytes)
	}
	var j Journal
	err := json.Unmarshal(text, &j)
	if err == nil {
		err = j.check(app)
	}
	if err != nil {
		return Journal{}, fmt.Errorf("read the journal of activations: %w", err)
	}
	return j, nil
}

func (j Journal) check(app string) error {
	switch {
	case j.Format != format:
		return fmt.Errorf("it has format %d, this program writes %d", j.Format, format)
	case j.App != app:
		return fmt.Errorf("it is of the content %.100q and not of %q", j.App, app)
	case len(j.Good) > MaxKeep || len(j.Failed) > maxFailed || len(j.History) > MaxHistory:
		return fmt.Errorf("%d good and %d failed versions, %d lines of history: too many", len(j.Good), len(j.Failed), len(j.History))
	case j.Starts < 0 || j.Starts > maxStarts:
		return fmt.Errorf("a trial was begun %d times", j.Starts)
	}
	for _, v := range slices.Concat(j.Good, some(j.Active), some(j.Next), some(j.From)) {
		if err := v.Ref.Check(); err != nil {
			return err
		}
		if v.Ref.Name != app {
			return fmt.Errorf("%s is no version of %s", v.Ref, app)
		}
	}
	for _, s := range j.texts() {
		if len(s) > MaxText {
			return fmt.Errorf("a text of %d bytes, limit %d", len(s), MaxText)
		}
	}
	return j.checkPhase()
}

func (j Journal) checkPhase() error {
	switch j.Phase {
	case Idle:
		return nil
	case AskingFirst, TellingAfter:
		if j.Next == nil {
			return errors.New("an activation of no version")
		}
	case OnTrial:
		if j.Next == nil || j.Active == nil || j.Next.ID != j.Active.ID {
			return errors.New("a trial of a version that is not active")
		}
	default:
		return fmt.Errorf("phase %.40q is not known", j.Phase)
	}
	return nil
}

func (j Journal) texts() []string {
	texts := []string{j.BeforeOutput}
	for _, f := range j.Failed {
		texts = append(texts, f.Reason)
	}
	for _, e := range j.History {
		texts = append(texts, e.Version, e.From, string(e.Outcome), e.Reason, e.Before, e.After)
	}
	return texts
}

func some(v *Version) []Version {
	if v == nil {
		return nil
	}
	return []Version{*v}
}

// clone copies what Step changes in place; versions are never changed.
func (j Journal) clone() Journal {
	j.Good, j.Failed, j.History = slices.Clone(j.Good), slices.Clone(j.Failed), slices.Clone(j.History)
	return j
}

// clip makes text fit the journal: the end of what is longer, as programs say there what
// went wrong.
func clip(s string) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "?"))
	if len(s) <= MaxText {
		return s
	}
	s = s[len(s)-MaxText:]
	for !utf8.RuneStart(s[0]) {
		s = s[1:]
	}
	return s
}

func join(a, b string) string {
	if b = strings.TrimSpace(b); a == "" || b == "" {
		return clip(a + b)
	}
	return clip(a + ": " + b)
}
