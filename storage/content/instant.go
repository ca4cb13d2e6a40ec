package content

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

const (
	instantType = "application/vnd.sitecast.instant+json"

	// MaxInstantBytes bounds the signed payload of an instant.
	MaxInstantBytes = 1 << 10
	// MaxInstantEnvelopeBytes bounds an instant as it travels, base64 and signatures around
	// the payload.
	MaxInstantEnvelopeBytes = 5 << 10
)

// Instant is a publisher's word on when a version is to be used from: by the server's
// time, at each endpoint that has it by then, with or without a network. Later ones are
// used when they have it.
type Instant struct {
	Name string    `json:"name"`
	ID   VersionID `json:"id"`
	At   time.Time `json:"at"`
	// Serial orders the instants of a version, 1 to MaxSerial: the higher supersedes the
	// lower, so that nobody can bring back what was withdrawn.
	Serial uint64 `json:"serial"`
}

// Check reports the first field of i that is out of bounds.
func (i Instant) Check() error {
	switch err := CheckName(i.Name); {
	case err != nil:
		return err
	case i.ID == VersionID{}:
		return errors.New("no version")
	case i.At.IsZero():
		return errors.New("no time")
	case i.Serial == 0 || i.Serial > MaxSerial:
		return fmt.Errorf("serial %d, want 1 to %d", i.Serial, uint64(MaxSerial))
	}
	return nil
}

// SignInstant checks and signs i, with its time in UTC and whole seconds, and returns the
// DSSE envelope.
func SignInstant(i Instant, key ed25519.PrivateKey) (json.RawMessage, error) {
	i.At = wholeSeconds(i.At)
	if err := i.Check(); err != nil {
		return nil, fmt.Errorf("sign instant: %w", err)
	}
	payload, err := json.Marshal(i)
	if err != nil {
		return nil, fmt.Errorf("sign instant: %w", err)
	}
	envelope, err := seal(instantType, payload, MaxInstantBytes, key)
	if err != nil {
		return nil, fmt.Errorf("sign instant: %w", err)
	}
	return envelope, nil
}

// ReadInstant decodes and checks an instant WITHOUT verifying any signature. It is for the
// server's catalog; whoever goes by it uses [Trust.OpenInstant].
func ReadInstant(envelope json.RawMessage) (Instant, error) {
	_, i, err := readInstant(envelope)
	return i, err
}

func readInstant(envelope json.RawMessage) (signed *dsse.Envelope, i Instant, err error) {
	signed, payload, err := unseal(instantType, envelope, MaxInstantBytes)
	if err != nil {
		return nil, i, fmt.Errorf("read instant: %w", err)
	}
	if err := json.Unmarshal(payload, &i); err != nil {
		return nil, Instant{}, fmt.Errorf("read instant: %w", err)
	}
	if err := i.Check(); err != nil {
		return nil, Instant{}, fmt.Errorf("read instant: %w", err)
	}
	return signed, i, nil
}

// OpenInstant verifies that a publisher who may publish under its name signed an instant.
// It refuses with [ErrUntrusted] when none did, and with [ErrExpired] when at now (the
// server's time; zero: no matter when) the key has expired.
func (t *Trust) OpenInstant(envelope json.RawMessage, now time.Time) (Instant, error) {
	signed, i, err := readInstant(envelope)
	if err != nil {
		return Instant{}, err
	}
	if err := t.vouch(signed, i.Name, now); err != nil {
		return Instant{}, fmt.Errorf("open instant of %s: %w", i.Name, err)
	}
	return i, nil
}

// vouch reports why none of the publishers of a name signed: nil where one did.
func (t *Trust) vouch(signed *dsse.Envelope, name string, now time.Time) error {
	var valid, expired []ed25519.PublicKey
	for _, p := range t.doc.Publishers {
		switch {
		case !p.covers(name):
		case passed(p.Expires, now):
			expired = append(expired, p.Key)
		default:
			valid = append(valid, p.Key)
		}
	}
	switch {
	case signedBy(signed, valid...):
		return nil
	case signedBy(signed, expired...):
		return fmt.Errorf("key of its publisher: %w", ErrExpired)
	}
	if name, was := t.revokedSigner(signed); was {
		return fmt.Errorf("the key of %s was revoked: %w", name, ErrUntrusted)
	}
	return ErrUntrusted
}
