package wire

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
)

// Statement binds one session description to the endpoint that wrote it. The
// endpoint's key signs the DTLS fingerprint, both peers, the site and the link,
// so that a server or relay in the middle can't put itself between two peers,
// and a description can't be used again elsewhere.
type Statement struct {
	Key       []byte `json:"key"` // Ed25519 public key of the author
	Signature []byte `json:"signature"`
}

// Claim is what a statement vouches for. Link doubles as the nonce: the offerer
// draws it at random for each attempt.
type Claim struct {
	Role        string // "offer" or "answer"
	From, To    EndpointID
	Site        string
	Link        string
	Fingerprint string // "sha-256 AA:BB:...", as in the SDP
}

func (c Claim) bytes() []byte {
	return []byte(strings.Join([]string{"sitecast link 1", c.Role, string(c.From), string(c.To),
		c.Site, c.Link, c.Fingerprint}, "\n"))
}

// Sign makes the statement for c.
func (c Claim) Sign(key ed25519.PrivateKey) Statement {
	return Statement{Key: key.Public().(ed25519.PublicKey), Signature: ed25519.Sign(key, c.bytes())}
}

// ErrStatement means that a description's author could not be proved.
var ErrStatement = errors.New("statement does not prove the author of the session description")

// Verify checks that s was signed for exactly c by the endpoint c.From.
func (c Claim) Verify(s Statement) error {
	for _, part := range []string{c.Role, string(c.From), string(c.To), c.Site, c.Link, c.Fingerprint} {
		if strings.Contains(part, "\n") {
			return fmt.Errorf("%w: line break in a claim", ErrStatement)
		}
	}
	if len(s.Key) != ed25519.PublicKeySize || IDOf(s.Key) != c.From {
		return fmt.Errorf("%w: key is not that of endpoint %s", ErrStatement, c.From)
	}
	if !ed25519.Verify(s.Key, c.bytes(), s.Signature) {
		return fmt.Errorf("%w: signature of endpoint %s is wrong", ErrStatement, c.From)
	}
	return nil
}
