package content

import (
	"encoding/json"
	"time"
)

// What a key that signed a head is worth now.
const (
	SignerValid   = "valid"
	SignerExpired = "expired" // the key's time has passed
	SignerRevoked = "revoked"
	SignerUnknown = "unknown" // no key that may publish under that name
)

// Signer says who signed a head.
type Signer struct {
	Key   string `json:"key"`            // id of the key; empty: it can't be told
	Name  string `json:"name,omitempty"` // of the publisher
	State string `json:"state" enum:"valid,expired,revoked,unknown"`
}

// Signer says who signed a head that is published, and what that is worth at now. Where
// several did, it names the one that is worth most.
func (t *Trust) Signer(envelope json.RawMessage, now time.Time) Signer {
	signed, payload, err := unseal(headType, envelope, MaxHeadBytes)
	if err != nil {
		return Signer{State: SignerUnknown}
	}
	h, _, err := parseHead(payload)
	if err != nil {
		return Signer{State: SignerUnknown}
	}
	found := Signer{State: SignerUnknown}
	if len(signed.Signatures) > 0 {
		found.Key = cutID(signed.Signatures[0].KeyID)
	}
	for _, p := range t.doc.Publishers {
		switch {
		case !p.covers(h.Name) || !signedBy(signed, p.Key):
		case passed(p.Expires, now):
			found = Signer{KeyID(p.Key), p.Name, SignerExpired}
		default:
			return Signer{KeyID(p.Key), p.Name, SignerValid}
		}
	}
	if found.State == SignerExpired {
		return found
	}
	for _, r := range t.doc.Revoked {
		if signedBy(signed, r.Key) {
			return Signer{KeyID(r.Key), r.Name, SignerRevoked}
		}
	}
	return found
}

// cutID is the id of a key as somebody else wrote it, if it can be one.
func cutID(id string) string {
	if _, err := ParseDigest(id); err != nil {
		return ""
	}
	return id
}
