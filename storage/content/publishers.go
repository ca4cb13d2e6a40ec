package content

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// MaxRevoked bounds the revoked keys that a trust document remembers; the oldest are
// forgotten, which lets nobody in: what is not listed is not trusted.
const MaxRevoked = 64

// Answers about publishers' keys.
var (
	ErrNoPublisher = errors.New("no publisher has this key")
	ErrRevoked     = errors.New("this key was revoked, and is not taken again")
)

// Revocation is a key that was revoked. It is remembered so that nobody lets it publish
// again by mistake, and so that endpoints can say why they refuse what it signed.
type Revocation struct {
	Key  ed25519.PublicKey `json:"key"`
	Name string            `json:"name"` // of its publisher
	At   time.Time         `json:"at"`
}

func (d TrustDocument) checkRevoked() error {
	if len(d.Revoked) > MaxRevoked {
		return fmt.Errorf("%d revoked keys, limit %d", len(d.Revoked), MaxRevoked)
	}
	for _, r := range d.Revoked {
		if len(r.Key) != ed25519.PublicKeySize || len(r.Name) > MaxNameBytes {
			return fmt.Errorf("revoked key of %d bytes, of %.120q", len(r.Key), r.Name)
		}
		if d.at(KeyID(r.Key)) >= 0 {
			return fmt.Errorf("publisher %.120q: %w", r.Name, ErrRevoked)
		}
	}
	return nil
}

// at is where the publisher is whose key has an id, or -1.
func (d TrustDocument) at(id string) int {
	return slices.IndexFunc(d.Publishers, func(p Publisher) bool { return KeyID(p.Key) == id })
}

func (d TrustDocument) revoked(key ed25519.PublicKey) bool {
	return slices.ContainsFunc(d.Revoked, func(r Revocation) bool { return r.Key.Equal(key) })
}

// next is the document that follows at now, and may be changed.
func (d TrustDocument) next(now time.Time) TrustDocument {
	d = d.clone()
	d.Serial, d.Created = d.Serial+1, now
	return d
}

// With returns the next document, with a publisher in it in place of one that has the same
// key; [ErrRevoked] where that was revoked. What else is wrong with it is found when the
// document is signed.
func (d TrustDocument) With(p Publisher, now time.Time) (TrustDocument, error) {
	if d.revoked(p.Key) {
		return d, ErrRevoked
	}
	d = d.next(now)
	if i := d.at(KeyID(p.Key)); i >= 0 {
		d.Publishers = slices.Delete(d.Publishers, i, i+1)
	}
	d.Publishers = append(d.Publishers, p)
	return d, nil
}

// Rotated returns the next document, in which a new key may do what the key with an id may,
// until its own end (zero: none). The old one ends at until, or earlier if it would anyway.
// It fails with [ErrNoPublisher] or [ErrRevoked].
func (d TrustDocument) Rotated(id string, key ed25519.PublicKey, expires, until, now time.Time) (TrustDocument, error) {
	i := d.at(id)
	switch {
	case i < 0:
		return d, ErrNoPublisher
	case d.revoked(key):
		return d, ErrRevoked
	case d.Publishers[i].Key.Equal(key):
		return d, errors.New("the new key is the old one")
	}
	old := d.Publishers[i]
	d, err := d.With(Publisher{Key: key, Name: old.Name, Prefixes: old.Prefixes, Expires: expires}, now)
	if err != nil {
		return d, err
	}
	was := &d.Publishers[d.at(id)]
	if was.Expires.IsZero() || until.Before(was.Expires) {
		was.Expires = until
	}
	return d, nil
}

// Without returns the next document, without the publisher whose key has an id, and that
// key among the revoked; [ErrNoPublisher] where there is none. It returns who it was.
func (d TrustDocument) Without(id string, now time.Time) (TrustDocument, Publisher, error) {
	i := d.at(id)
	if i < 0 {
		return d, Publisher{}, ErrNoPublisher
	}
	d = d.next(now)
	gone := d.Publishers[i]
	d.Publishers = slices.Delete(d.Publishers, i, i+1)
	d.Revoked = append(d.Revoked, Revocation{Key: gone.Key, Name: gone.Name, At: wholeSeconds(now)})
	d.Revoked = d.Revoked[max(len(d.Revoked)-MaxRevoked, 0):]
	return d, gone, nil
}

// Distrusts says why no trusted key signed a head, whatever the time; empty where one did,
// although its time may have passed.
func (t *Trust) Distrusts(envelope json.RawMessage) string {
	if _, _, err := t.OpenHead(envelope, time.Time{}); !errors.Is(err, ErrUntrusted) {
		return ""
	}
	if signed, _, err := unseal(headType, envelope, MaxHeadBytes); err == nil {
		if name, was := t.revokedSigner(signed); was {
			return "the key of " + name + " was revoked"
		}
	}
	return "no key that is trusted signed it"
}

// revokedSigner is whose revoked key signed a document, if one did.
func (t *Trust) revokedSigner(signed *dsse.Envelope) (name string, was bool) {
	for _, r := range t.doc.Revoked {
		if signedBy(signed, r.Key) {
			return r.Name, true
		}
	}
	return "", false
}
