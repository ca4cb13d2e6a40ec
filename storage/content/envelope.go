package content

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// A signed document is a DSSE envelope (github.com/secure-systems-lab/dsse): the
// signature covers the payload and its type, so that nothing signed as one kind
// of document passes as another.
const (
	headType  = "application/vnd.sitecast.head+json"
	trustType = "application/vnd.sitecast.trust+json"

	maxSignatures = 8
)

// ErrUntrusted refuses a document that no key entitled to sign it has signed.
var ErrUntrusted = errors.New("not signed by a trusted key")

// KeyID names a public key in envelopes and messages: the SHA-256 of its 32 bytes.
func KeyID(key ed25519.PublicKey) string { return Sum(key).String() }

// seal signs payload with key. It refuses a payload over limit bytes.
func seal(kind string, payload []byte, limit int, key ed25519.PrivateKey) (json.RawMessage, error) {
	if len(payload) > limit {
		return nil, fmt.Errorf("payload of %d bytes, limit %d", len(payload), limit)
	}
	if len(key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("private key of %d bytes, want %d", len(key), ed25519.PrivateKeySize)
	}
	signer, err := dsse.NewEnvelopeSigner(signingKey(key))
	if err != nil {
		return nil, err
	}
	envelope, err := signer.SignPayload(context.Background(), kind, payload)
	if err != nil {
		return nil, err
	}
	return json.Marshal(envelope)
}

// unseal decodes an envelope and its payload within limit bytes, and checks the
// kind. It verifies nothing.
func unseal(kind string, encoded json.RawMessage, limit int) (*dsse.Envelope, []byte, error) {
	if bound := envelopeBound(limit); len(encoded) > bound {
		return nil, nil, fmt.Errorf("envelope of %d bytes, limit %d", len(encoded), bound)
	}
	var envelope dsse.Envelope
	if err := json.Unmarshal(encoded, &envelope); err != nil {
		return nil, nil, fmt.Errorf("decode envelope: %w", err)
	}
	if envelope.PayloadType != kind {
		return nil, nil, fmt.Errorf("envelope of a %.80q, want %q", envelope.PayloadType, kind)
	}
	if n := len(envelope.Signatures); n > maxSignatures {
		return nil, nil, fmt.Errorf("envelope with %d signatures, limit %d", n, maxSignatures)
	}
	payload, err := envelope.DecodeB64Payload()
	if err != nil {
		return nil, nil, fmt.Errorf("decode payload: %w", err)
	}
	if len(payload) > limit {
		return nil, nil, fmt.Errorf("payload of %d bytes, limit %d", len(payload), limit)
	}
	return &envelope, payload, nil
}

// envelopeBound is the most bytes an envelope takes around a payload of n bytes:
// base64, and room for the signatures with their key ids.
func envelopeBound(n int) int { return n*4/3 + 512 + 256*maxSignatures }

// signedBy reports whether at least one of keys, which are distinct, signed.
func signedBy(envelope *dsse.Envelope, keys ...ed25519.PublicKey) bool {
	verifiers := make([]dsse.Verifier, len(keys))
	for i, key := range keys {
		verifiers[i] = verifyingKey(key)
	}
	verifier, err := dsse.NewEnvelopeVerifier(verifiers...)
	if err != nil {
		return false // there are no keys
	}
	_, err = verifier.Verify(context.Background(), envelope)
	return err == nil
}

type signingKey ed25519.PrivateKey

func (k signingKey) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ed25519.Sign(ed25519.PrivateKey(k), data), nil
}

func (k signingKey) KeyID() (string, error) {
	return KeyID(ed25519.PrivateKey(k).Public().(ed25519.PublicKey)), nil
}

type verifyingKey ed25519.PublicKey

func (k verifyingKey) Verify(_ context.Context, data, sig []byte) error {
	if len(k) != ed25519.PublicKeySize || !ed25519.Verify(ed25519.PublicKey(k), data, sig) {
		return ErrUntrusted
	}
	return nil
}

func (k verifyingKey) KeyID() (string, error)   { return KeyID(ed25519.PublicKey(k)), nil }
func (k verifyingKey) Public() crypto.PublicKey { return ed25519.PublicKey(k) }
