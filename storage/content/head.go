package content

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"
)

// MaxHeadBytes bounds the signed payload of a head.
const MaxHeadBytes = 4<<10 - 1

// MaxSerial is the highest serial: what a JavaScript number and a database's
// signed integer both hold exactly.
const MaxSerial = 1<<53 - 1

// Kind says whether a version is one file or a folder.
type Kind string

// The kinds of version.
const (
	KindFile Kind = "file"
	KindTree Kind = "tree"
)

// Head is the signed statement that a version exists. It is small, so that it
// travels in a message; what the version consists of is in the body it names.
type Head struct {
	Name        string    `json:"name"`
	Version     string    `json:"version"`
	Serial      uint64    `json:"serial"`           // given by the server, 1 to MaxSerial; the higher supersedes the lower
	Created     time.Time `json:"created"`          // by the publisher's clock
	Expires     time.Time `json:"expires,omitzero"` // zero: never
	Kind        Kind      `json:"kind"`
	Bytes       int64     `json:"bytes"`        // of all files together
	UniqueBytes int64     `json:"unique_bytes"` // of all chunks together, each once
	Chunks      uint32    `json:"chunks"`       // unique chunks
	Body        Digest    `json:"body"`         // of the encoded body
	BodyBytes   int64     `json:"body_bytes"`   // length of the encoded body
}

// Ref returns the name and version of h.
func (h Head) Ref() Ref { return Ref{Name: h.Name, Version: h.Version} }

// Check reports the first field of h that is out of bounds.
func (h Head) Check() error {
	if err := h.Ref().Check(); err != nil {
		return err
	}
	switch {
	case h.Serial == 0 || h.Serial > MaxSerial:
		return fmt.Errorf("serial %d, want 1 to %d", h.Serial, uint64(MaxSerial))
	case h.Created.IsZero():
		return fmt.Errorf("no time of creation")
	case !h.Expires.IsZero() && !h.Expires.After(h.Created):
		return fmt.Errorf("expires at %s, not after its creation at %s", h.Expires, h.Created)
	case h.Kind != KindFile && h.Kind != KindTree:
		return fmt.Errorf("kind %.20q, want %q or %q", h.Kind, KindFile, KindTree)
	case h.Chunks > MaxChunks:
		return fmt.Errorf("%d chunks, limit %d", h.Chunks, MaxChunks)
	case h.UniqueBytes < int64(h.Chunks) || h.UniqueBytes > int64(h.Chunks)*MaxChunkBytes:
		return fmt.Errorf("%d unique bytes in %d chunks", h.UniqueBytes, h.Chunks)
	case h.Bytes < h.UniqueBytes || h.Bytes > MaxStreamChunks*MaxChunkBytes || h.Bytes > 0 && h.Chunks == 0:
		return fmt.Errorf("%d bytes made of %d unique bytes", h.Bytes, h.UniqueBytes)
	case h.BodyBytes < bodyHeaderBytes+int64(h.Chunks)*chunkBytes || h.BodyBytes > MaxBodyBytes:
		return fmt.Errorf("body of %d bytes for %d chunks, limit %d", h.BodyBytes, h.Chunks, MaxBodyBytes)
	}
	return nil
}

// SignHead checks and signs h, with its times in UTC and whole seconds, and
// returns the DSSE envelope and the id of the version, which is the first 16
// bytes of the SHA-256 of the signed payload.
func SignHead(h Head, key ed25519.PrivateKey) (json.RawMessage, VersionID, error) {
	h.Created, h.Expires = wholeSeconds(h.Created), wholeSeconds(h.Expires)
	if err := h.Check(); err != nil {
		return nil, VersionID{}, fmt.Errorf("sign head %.220s: %w", h.Ref(), err)
	}
	payload, err := json.Marshal(h)
	if err != nil {
		return nil, VersionID{}, fmt.Errorf("sign head %s: %w", h.Ref(), err)
	}
	envelope, err := seal(headType, payload, MaxHeadBytes, key)
	if err != nil {
		return nil, VersionID{}, fmt.Errorf("sign head %s: %w", h.Ref(), err)
	}
	return envelope, versionID(payload), nil
}

// ReadHead decodes and checks a head WITHOUT verifying any signature. It is for
// the server's catalog; whoever stores or runs content uses [Trust.OpenHead].
func ReadHead(envelope json.RawMessage) (Head, VersionID, error) {
	_, payload, err := unseal(headType, envelope, MaxHeadBytes)
	if err != nil {
		return Head{}, VersionID{}, fmt.Errorf("read head: %w", err)
	}
	return parseHead(payload)
}

func parseHead(payload []byte) (Head, VersionID, error) {
	var h Head
	if err := json.Unmarshal(payload, &h); err != nil {
		return Head{}, VersionID{}, fmt.Errorf("read head: %w", err)
	}
	if err := h.Check(); err != nil {
		return Head{}, VersionID{}, fmt.Errorf("read head: %w", err)
	}
	return h, versionID(payload), nil
}

// OpenBody is the way from a trusted head to its body: it checks the length and
// digest of encoded, decodes it, and checks that it is what h announces.
func (h Head) OpenBody(encoded []byte) (*Body, error) {
	if int64(len(encoded)) != h.BodyBytes {
		return nil, fmt.Errorf("open body of %s: %d bytes, want %d", h.Ref(), len(encoded), h.BodyBytes)
	}
	if got := Sum(encoded); got != h.Body {
		return nil, fmt.Errorf("open body of %s: digest %s, want %s", h.Ref(), got, h.Body)
	}
	b, err := DecodeBody(encoded)
	if err != nil {
		return nil, fmt.Errorf("open body of %s: %w", h.Ref(), err)
	}
	if b.Bytes() != h.Bytes || b.UniqueBytes() != h.UniqueBytes || len(b.Chunks) != int(h.Chunks) ||
		h.Kind == KindFile && !b.singleFile() {
		return nil, fmt.Errorf("open body of %s: it is not what the head announces", h.Ref())
	}
	return b, nil
}

func versionID(payload []byte) VersionID {
	sum := sha256.Sum256(payload)
	return VersionID(sum[:len(VersionID{})])
}

// wholeSeconds drops what JSON would carry at length and nobody needs.
func wholeSeconds(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Second)
}
