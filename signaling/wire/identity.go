package wire

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
)

// EndpointID names an endpoint: the first 160 bits of the SHA-256 of its
// Ed25519 public key, in lower-case base32 without padding (32 characters). It
// holds no ':' so that it can stand in a TURN user name.
type EndpointID string

const endpointIDChars = 32

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// IDOf returns the name of the endpoint that holds the private half of key.
func IDOf(key ed25519.PublicKey) EndpointID {
	sum := sha256.Sum256(key)
	return EndpointID(idEncoding.EncodeToString(sum[:20]))
}

// Check reports what is wrong with an id that came from elsewhere.
func (id EndpointID) Check() error {
	if len(id) != endpointIDChars {
		return fmt.Errorf("endpoint id of %d characters, want %d", len(id), endpointIDChars)
	}
	if strings.Trim(string(id), "abcdefghijklmnopqrstuvwxyz234567") != "" {
		return fmt.Errorf("endpoint id %q holds characters other than a-z and 2-7", id)
	}
	return nil
}

// Short is the first eight characters, for logs and tables.
func (id EndpointID) Short() string { return string(id[:min(8, len(id))]) }
