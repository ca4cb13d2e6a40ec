package content

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Limits of a trust document. It travels in one message, as a head does.
const (
	MaxTrustBytes = 32 << 10
	MaxPublishers = 64
	MaxPrefixes   = 64 // of one publisher
)

// ErrExpired refuses a head, or a publisher's key, whose time has passed.
var ErrExpired = errors.New("expired")

// Publisher is one key whose heads are trusted, for names with one of its prefixes.
type Publisher struct {
	Key      ed25519.PublicKey `json:"key"`
	Name     string            `json:"name"`             // for people
	Prefixes []string          `json:"prefixes"`         // of content names; "" is a prefix of all
	Expires  time.Time         `json:"expires,omitzero"` // zero: never
}

// TrustDocument lists an organisation's publishers. The organisation's root key
// signs it; a document with a higher serial supersedes one with a lower.
type TrustDocument struct {
	Serial     uint64      `json:"serial"` // 1 to MaxSerial
	Created    time.Time   `json:"created"`
	Publishers []Publisher `json:"publishers"`
	// Revoked are keys that are trusted no more, latest last. Programs of before don't read
	// it: they don't trust a key that is not listed either.
	Revoked []Revocation `json:"revoked,omitempty"`
}

// Check reports the first field of d that is out of bounds.
func (d TrustDocument) Check() error {
	switch {
	case d.Serial == 0 || d.Serial > MaxSerial:
		return fmt.Errorf("serial %d, want 1 to %d", d.Serial, uint64(MaxSerial))
	case d.Created.IsZero():
		return fmt.Errorf("no time of creation")
	case len(d.Publishers) > MaxPublishers:
		return fmt.Errorf("%d publishers, limit %d", len(d.Publishers), MaxPublishers)
	}
	for i, p := range d.Publishers {
		if err := p.check(); err != nil {
			return fmt.Errorf("publisher %.120q: %w", p.Name, err)
		}
		if slices.ContainsFunc(d.Publishers[:i], func(q Publisher) bool { return q.Key.Equal(p.Key) }) {
			return fmt.Errorf("publisher %q: its key is listed twice", p.Name)
		}
	}
	return d.checkRevoked()
}

func (p Publisher) check() error {
	switch {
	case len(p.Key) != ed25519.PublicKeySize:
		return fmt.Errorf("key of %d bytes, want %d", len(p.Key), ed25519.PublicKeySize)
	case p.Name == "" || len(p.Name) > MaxNameBytes:
		return fmt.Errorf("name of %d bytes, want 1 to %d", len(p.Name), MaxNameBytes)
	case len(p.Prefixes) == 0 || len(p.Prefixes) > MaxPrefixes:
		return fmt.Errorf("%d prefixes, want 1 to %d", len(p.Prefixes), MaxPrefixes)
	}
	for _, prefix := range p.Prefixes {
		if len(prefix) > MaxNameBytes {
			return fmt.Errorf("prefix of %d bytes, limit %d", len(prefix), MaxNameBytes)
		}
	}
	return nil
}

// covers reports whether p may publish content of that name.
func (p Publisher) covers(name string) bool {
	return slices.ContainsFunc(p.Prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// SignTrust checks and signs doc, with its times in UTC and whole seconds, with
// the organisation's root key.
func SignTrust(doc TrustDocument, root ed25519.PrivateKey) (json.RawMessage, error) {
	doc = doc.clone()
	doc.Created = wholeSeconds(doc.Created)
	for i := range doc.Publishers {
		doc.Publishers[i].Expires = wholeSeconds(doc.Publishers[i].Expires)
	}
	if err := doc.Check(); err != nil {
		return nil, fmt.Errorf("sign trust document: %w", err)
	}
	payload, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("sign trust document: %w", err)
	}
	envelope, err := seal(trustType, payload, MaxTrustBytes, root)
	if err != nil {
		return nil, fmt.Errorf("sign trust document: %w", err)
	}
	return envelope, nil
}

func (d TrustDocument) clone() TrustDocument {
	d.Publishers = slices.Clone(d.Publishers)
	for i, p := range d.Publishers {
		d.Publishers[i].Key, d.Publishers[i].Prefixes = slices.Clone(p.Key), slices.Clone(p.Prefixes)
	}
	d.Revoked = slices.Clone(d.Revoked)
	return d
}

// Trust is a verified trust document. It is constant, and safe for use by several
// goroutines. Whoever replaces one by another refuses a lower serial.
type Trust struct{ doc TrustDocument }

// OpenTrust verifies that root signed the document, and checks it. A document
// signed by anybody else is refused with [ErrUntrusted].
func OpenTrust(envelope json.RawMessage, root ed25519.PublicKey) (*Trust, error) {
	signed, payload, err := unseal(trustType, envelope, MaxTrustBytes)
	if err != nil {
		return nil, fmt.Errorf("open trust document: %w", err)
	}
	if !signedBy(signed, root) {
		return nil, fmt.Errorf("open trust document: %w", ErrUntrusted)
	}
	t := new(Trust)
	if err := json.Unmarshal(payload, &t.doc); err != nil {
		return nil, fmt.Errorf("open trust document: %w", err)
	}
	if err := t.doc.Check(); err != nil {
		return nil, fmt.Errorf("open trust document: %w", err)
	}
	return t, nil
}

// Serial returns the serial of the document.
func (t *Trust) Serial() uint64 { return t.doc.Serial }

// Document returns a copy of the document, to be changed and signed again.
func (t *Trust) Document() TrustDocument { return t.doc.clone() }

// OpenHead verifies that a publisher who may publish under the head's name signed
// it. It refuses with [ErrUntrusted] when none did, and with [ErrExpired] when
// at now (the server's time, not a device's) the head or the key has expired.
func (t *Trust) OpenHead(envelope json.RawMessage, now time.Time) (Head, VersionID, error) {
	signed, payload, err := unseal(headType, envelope, MaxHeadBytes)
	if err != nil {
		return Head{}, VersionID{}, fmt.Errorf("open head: %w", err)
	}
	h, id, err := parseHead(payload)
	if err != nil {
		return Head{}, VersionID{}, err
	}
	if err := t.vouch(signed, h.Name, now); err != nil {
		return Head{}, VersionID{}, fmt.Errorf("open head %s: %w", h.Ref(), err)
	}
	if passed(h.Expires, now) {
		return Head{}, VersionID{}, fmt.Errorf("open head %s: %w", h.Ref(), ErrExpired)
	}
	return h, id, nil
}

func passed(expires, now time.Time) bool { return !expires.IsZero() && !now.Before(expires) }
