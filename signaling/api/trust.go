package api

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// TrustState is the newest trust document and the root key that signs it.
type TrustState struct {
	Serial   uint64          `json:"serial"`
	Document json.RawMessage `json:"document"`
	Root     []byte          `json:"root"`
}

// NewPublisher adds a key that may sign versions of contents whose names begin
// with one of the prefixes ("" for all).
type NewPublisher struct {
	Key      []byte    `json:"key"`
	Name     string    `json:"name" maxLength:"100"`
	Prefixes []string  `json:"prefixes" minItems:"1" maxItems:"64"`
	Expires  time.Time `json:"expires,omitzero" doc:"When the key ends; absent: never."`
}

// publisherAttempts is how often a publisher is added when others are added at the
// same time: each needs the serial after that of the other.
const publisherAttempts = 10

func newID() string { return strings.ToLower(rand.Text()) }

func (s *server) trust() {
	register(s, about(scopeShared, operation("GET", "/trust", "show-trust", "Show the trust document", catalog.RoleViewer)),
		func(ctx context.Context, _ *struct{}) (*reply[TrustState], error) {
			serial, document, err := s.Catalog.Trust(ctx)
			return &reply[TrustState]{TrustState{serial, document, s.Keys.RootPublic}}, err
		})
	register(s, about(scopeOrganisation, operation("POST", "/publishers", "add-publisher", "Let a key publish", catalog.RoleAdmin)),
		func(ctx context.Context, in *struct{ Body NewPublisher }) (*reply[TrustState], error) {
			if len(in.Body.Key) != ed25519.PublicKeySize {
				return nil, bad("key is not an Ed25519 public key", "")
			}
			p := content.Publisher{Key: in.Body.Key, Name: in.Body.Name, Prefixes: in.Body.Prefixes, Expires: in.Body.Expires}
			return s.changeTrust(ctx, "add publisher", content.KeyID(p.Key), p.Name, func(doc content.TrustDocument) (content.TrustDocument, error) {
				return doc.With(p, time.Now())
			})
		})
}

func (s *server) currentTrust(ctx context.Context) (*content.Trust, error) {
	_, document, err := s.Catalog.Trust(ctx)
	if err != nil {
		return nil, err
	}
	return content.OpenTrust(document, s.Keys.RootPublic)
}
