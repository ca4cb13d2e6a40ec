package catalog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"strconv"
	"time"
)

// Entry is a line of the audit log. Each is chained to the one before by its hash, so
// that none can be altered, taken out or moved without all that came later.
type Entry struct {
	ID     int64     `json:"id"` // 1, 2, 3 and so on
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Action string    `json:"action"`
	Target string    `json:"target"`
	Detail string    `json:"detail,omitempty"`
	// Before and After say what was changed; see [Bounded].
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
	From
	Hash string `json:"hash"` // in hexadecimal digits, see [Entry.Sum]
}

// From says from where somebody asks.
type From struct {
	Address string `json:"address,omitempty"` // host of the connection
	Via     string `json:"via,omitempty"`     // what proved who it is, as "token 0123456789abcdef"
	Agent   string `json:"agent,omitempty"`   // the program, as it calls itself
}

type fromKey struct{}

// WithFrom is a context in which changes are made from somewhere.
func WithFrom(ctx context.Context, f From) context.Context {
	return context.WithValue(ctx, fromKey{}, f)
}

// FromOf is where the changes of a context are made from.
func FromOf(ctx context.Context) From {
	f, _ := ctx.Value(fromKey{}).(From)
	return f
}

// chainName begins what is hashed, so that the digests of another format are others.
const chainName = "sitecast audit 1"

// Sum is what an entry's Hash has to be when the hash of the one before is prev, "" for
// the first: the SHA-256 of these texts, each as LENGTH:TEXT, (a netstring): the name
// of the format, prev, number, time in milliseconds, and the others in the order of
// the fields.
func (e Entry) Sum(prev string) string {
	h := sha256.New()
	for _, text := range []string{chainName, prev, strconv.FormatInt(e.ID, 10), strconv.FormatInt(e.At.UnixMilli(), 10), e.By, e.Action, e.Target,
		e.Detail, string(e.Before), string(e.After), e.Address, e.Via, e.Agent} {
		netstring(h, text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func netstring(h hash.Hash, text string) {
	_, _ = fmt.Fprintf(h, "%d:", len(text)) // hashes never fail
	_, _ = io.WriteString(h, text+",")
}

// MaxAuditValue bounds what an entry says of a thing before or after, in bytes.
const MaxAuditValue = 4 << 10

// Bounded is how an entry tells a value: as JSON, or, where that is too long, by its
// length and digest; nil for nil.
func Bounded(value any) (json.RawMessage, error) {
	if value == nil {
		return nil, nil
	}
	text, err := json.Marshal(value)
	if err != nil || len(text) <= MaxAuditValue {
		return text, err
	}
	sum := sha256.Sum256(text)
	return json.Marshal(struct {
		Bytes  int    `json:"bytes"`
		SHA256 string `json:"sha256"`
	}{len(text), hex.EncodeToString(sum[:])})
}

// Difference leaves of two objects the members in which they differ.
func Difference(before, after any) (was, became map[string]json.RawMessage, err error) {
	if was, err = members(before); err != nil {
		return nil, nil, err
	}
	if became, err = members(after); err != nil {
		return nil, nil, err
	}
	for name, value := range was {
		if other, ok := became[name]; ok && bytes.Equal(value, other) {
			delete(was, name)
			delete(became, name)
		}
	}
	return was, became, nil
}

func members(object any) (out map[string]json.RawMessage, err error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	return out, json.Unmarshal(text, &out)
}

// AuditHead is the end of the audit log at some time: the newest entry's number and
// hash. Who keeps it elsewhere can tell later whether what led to it is still there.
type AuditHead struct {
	ID   int64  `json:"id"`
	Hash string `json:"hash"`
}

// A BrokenChain says where the audit log is not what was written.
type BrokenChain struct {
	ID  int64
	Why string
}

func (b *BrokenChain) Error() string {
	return fmt.Sprintf("the audit log is broken at entry %d: %s", b.ID, b.Why)
}

// VerifyAudit reads a whole audit log, which list tells newest first before a number (0:
// from the newest), and returns its head. It fails with a BrokenChain where an entry was
// altered, taken out or moved, or where one of the heads that are known is not on the way.
func VerifyAudit(list func(before int64) ([]Entry, error), known ...AuditHead) (head AuditHead, err error) {
	var later *Entry
	for {
		before := int64(0)
		if later != nil {
			before = later.ID
		}
		page, err := list(before)
		if err != nil {
			return head, err
		}
		for _, e := range page {
			if later == nil {
				head = AuditHead{e.ID, e.Hash}
				for _, k := range known {
					if k.ID > e.ID {
						return head, &BrokenChain{k.ID, fmt.Sprintf("it was written, and the log ends with entry %d", e.ID)}
					}
				}
			} else if err := follows(*later, e); err != nil {
				return head, err
			}
			for _, k := range known {
				if k.ID == e.ID && k.Hash != e.Hash {
					return head, &BrokenChain{e.ID, "its hash is not the one that is known"}
				}
			}
			later = &e
		}
		if len(page) == 0 {
			return head, first(later, known)
		}
	}
}

// follows checks an entry and that the one listed after it is the one before.
func follows(later, e Entry) error {
	switch {
	case e.ID != later.ID-1:
		return &BrokenChain{later.ID, fmt.Sprintf("the entry before it has number %d", e.ID)}
	case later.Sum(e.Hash) != later.Hash:
		return &BrokenChain{later.ID, "it, or the hash of the entry before, was altered"}
	}
	return nil
}

// first checks the oldest entry, nil when there is none.
func first(e *Entry, known []AuditHead) error {
	switch {
	case e == nil && len(known) > 0:
		return &BrokenChain{known[0].ID, "it was written, and the log is empty"}
	case e == nil:
		return nil
	case e.ID != 1:
		return &BrokenChain{e.ID, "what came before it is gone"}
	case e.Sum("") != e.Hash:
		return &BrokenChain{e.ID, "it was altered"}
	}
	return nil
}
