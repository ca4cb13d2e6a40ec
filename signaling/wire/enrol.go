package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// HTTP paths that endpoints use, besides the URLs in leases.
const (
	PathEnrol     = "/api/v1/enrol"
	PathChallenge = "/api/v1/challenge"
	PathSession   = "/api/v1/session"
	PathSignal    = "/api/v1/signal"
)

// EnrolToken is what `sitecast enrol` prints: a secret that lets an endpoint
// enrol at a site, and all an endpoint needs to trust nothing on first use.
type EnrolToken struct {
	ID     string `json:"id"`
	Secret []byte `json:"secret"`
	Root   []byte `json:"root"`          // SHA-256 of the organisation's root public key
	Pin    string `json:"pin,omitempty"` // hex SHA-256 of the SPKI in the server's chain; empty: system CAs decide
}

const (
	enrolTokenPrefix   = "sce1."
	maxEnrolTokenBytes = 1024
)

// String is the token as people copy it.
func (t EnrolToken) String() string {
	text, err := json.Marshal(t)
	if err != nil {
		panic(err) // strings and bytes always encode
	}
	return enrolTokenPrefix + base64.RawURLEncoding.EncodeToString(text)
}

// ParseEnrolToken reads a token.
func ParseEnrolToken(s string) (EnrolToken, error) {
	var t EnrolToken
	s = strings.TrimSpace(s)
	rest, ok := strings.CutPrefix(s, enrolTokenPrefix)
	if !ok || len(s) > maxEnrolTokenBytes {
		return t, errors.New("this is not an enrolment token; they begin with " + enrolTokenPrefix + ", as `sitecast enrol` prints them")
	}
	text, err := base64.RawURLEncoding.DecodeString(rest)
	if err != nil {
		return t, fmt.Errorf("enrolment token is damaged: %w", err)
	}
	if err := json.Unmarshal(text, &t); err != nil {
		return t, fmt.Errorf("enrolment token is damaged: %w", err)
	}
	if t.ID == "" || len(t.ID) > 64 || len(t.Secret) < 16 || len(t.Root) != 32 || len(t.Pin) != 0 && len(t.Pin) != 64 {
		return t, errors.New("enrolment token is damaged: a part is missing")
	}
	return t, nil
}

// EnrolRequest asks for a place at the token's site. Proof signs EnrolClaim with
// the new endpoint's key.
type EnrolRequest struct {
	Token  string `json:"token"` // EnrolToken.ID
	Secret []byte `json:"secret"`
	Key    []byte `json:"key"` // Ed25519 public key
	Proof  []byte `json:"proof"`
	Name   string `json:"name,omitempty"`
	Device string `json:"device,omitempty"`
}

// EnrolClaim is what an endpoint signs to enrol.
func EnrolClaim(tokenID string) []byte { return []byte("sitecast enrol 1\n" + tokenID) }

// EnrolResponse answers EnrolRequest. The endpoint checks Root against the
// digest in its token before it believes anything else.
type EnrolResponse struct {
	Endpoint   EndpointID      `json:"endpoint"`
	Site       string          `json:"site"`
	Root       []byte          `json:"root"`  // the organisation's root public key
	Trust      json.RawMessage `json:"trust"` // the newest trust document
	ServerTime time.Time       `json:"server_time"`
}

// ChallengeResponse brings a nonce to sign.
type ChallengeResponse struct {
	Nonce      string    `json:"nonce"`
	ServerTime time.Time `json:"server_time"`
}

// SessionRequest proves that the sender holds an endpoint's key: Proof signs
// SessionClaim.
type SessionRequest struct {
	Endpoint EndpointID `json:"endpoint"`
	Nonce    string     `json:"nonce"`
	Proof    []byte     `json:"proof"`
}

// SessionClaim is what an endpoint signs to get a token.
func SessionClaim(nonce string) []byte {
	return bytes.Join([][]byte{[]byte("sitecast session 1"), []byte(nonce)}, []byte("\n"))
}

// SessionResponse brings a token for the signaling socket.
type SessionResponse struct {
	Token      string    `json:"token"`
	Expires    time.Time `json:"expires"`
	ServerTime time.Time `json:"server_time"`
}
