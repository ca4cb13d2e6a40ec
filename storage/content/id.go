package content

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Digest is a SHA-256, the name of chunks, bodies and packs. As text it is 64
// lower-case hexadecimal digits.
type Digest [sha256.Size]byte

// Sum returns the digest of b.
func Sum(b []byte) Digest { return sha256.Sum256(b) }

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText and UnmarshalText make a Digest a JSON string and map key.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText accepts exactly 64 hexadecimal digits.
func (d *Digest) UnmarshalText(text []byte) error { return unhex(d[:], text, "digest") }

// ParseDigest reads the text form.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	err := d.UnmarshalText([]byte(s))
	return d, err
}

// VersionID names one version wherever bytes are exchanged and flows are
// controlled: the first 16 bytes of the SHA-256 of its head's signed payload.
// Two heads never share it, even when they name the same body.
type VersionID [16]byte

func (v VersionID) String() string { return hex.EncodeToString(v[:]) }

// MarshalText and UnmarshalText make a VersionID a JSON string and map key.
func (v VersionID) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText accepts exactly 32 hexadecimal digits.
func (v *VersionID) UnmarshalText(text []byte) error { return unhex(v[:], text, "version id") }

func unhex(dst, text []byte, what string) error {
	if len(text) != hex.EncodedLen(len(dst)) {
		return fmt.Errorf("%s of %d characters, want %d", what, len(text), hex.EncodedLen(len(dst)))
	}
	if _, err := hex.Decode(dst, text); err != nil {
		return fmt.Errorf("%s %.80q: %w", what, text, err)
	}
	return nil
}
