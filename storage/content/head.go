package content

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"time"
)

// Kind says whether a version is one file or a folder.
type Kind string

// The kinds of version.
const (
	KindFile Kind = "file"
	KindTree Kind = "tree"
)

// Head is the signed statement that a version exists.
type Head struct {
	Name        string    `json:"name"`
	Version     string    `json:"version"`
	Serial      uint64    `json:"serial"`  // given by the server; a higher one supersedes a lower one of the same name
	Created     time.Time `json:"created"` // by the publisher's clock
	Expires     time.Time `json:"expires,omitzero"`
	Kind        Kind      `json:"kind"`
	Bytes       int64     `json:"bytes"`        // all files together
	UniqueBytes int64     `json:"unique_bytes"` // all chunks together, each once
	Chunks      uint32    `json:"chunks"`
	Body        Digest    `json:"body"`
	BodyBytes   int64     `json:"body_bytes"`
}

// Ref returns the name and version of h.
func (h Head) Ref() Ref { return Ref{Name: h.Name, Version: h.Version} }

// Check reports whether every field of h is within bounds.
func (h Head) Check() error { panic("next commit") }

// OpenBody is the way from a trusted head to its body: it checks the length and
// the digest of encoded, decodes it, and checks that it is what h announces.
func (h Head) OpenBody(encoded []byte) (*Body, error) { panic("next commit") }

// SignHead signs h and returns the DSSE envelope and the id of the version.
func SignHead(h Head, key ed25519.PrivateKey) (json.RawMessage, VersionID, error) {
	panic("next commit")
}

// ReadHead reads and checks a head WITHOUT verifying any signature.
func ReadHead(envelope json.RawMessage) (Head, VersionID, error) { panic("next commit") }

// ErrUntrusted and ErrExpired refuse a signature.
var (
	ErrUntrusted = errors.New("not signed by a trusted key")
	ErrExpired   = errors.New("expired")
)

// Publisher is one key whose heads are trusted.
type Publisher struct {
	Key      ed25519.PublicKey `json:"key"`
	Name     string            `json:"name"`
	Prefixes []string          `json:"prefixes"` // of content names; "" is a prefix of all
	Expires  time.Time         `json:"expires,omitzero"`
}

// TrustDocument lists an organisation's publishers.
type TrustDocument struct {
	Serial     uint64      `json:"serial"`
	Created    time.Time   `json:"created"`
	Publishers []Publisher `json:"publishers"`
}

// SignTrust signs doc with the organisation's root key.
func SignTrust(doc TrustDocument, root ed25519.PrivateKey) (json.RawMessage, error) {
	panic("next commit")
}

// Trust is a verified trust document.
type Trust struct{ doc TrustDocument }

// OpenTrust verifies a trust document against the root key.
func OpenTrust(envelope json.RawMessage, root ed25519.PublicKey) (*Trust, error) {
	panic("next commit")
}

// Serial returns the serial of the document.
func (t *Trust) Serial() uint64 { return t.doc.Serial }

// Document returns a copy of the document.
func (t *Trust) Document() TrustDocument { panic("next commit") }

// OpenHead verifies that a publisher responsible for the name signed the head,
// and that neither has expired at now.
func (t *Trust) OpenHead(envelope json.RawMessage, now time.Time) (Head, VersionID, error) {
	panic("next commit")
}
