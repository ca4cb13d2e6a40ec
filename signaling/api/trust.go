package api

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/credential"
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
	Key      []byte   `json:"key"`
	Name     string   `json:"name" maxLength:"100"`
	Prefixes []string `json:"prefixes" minItems:"1" maxItems:"64"`
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
			for range publisherAttempts - 1 {
				state, err := s.addPublisher(ctx, in.Body)
				if !errors.Is(err, catalog.ErrConflict) {
					return state, err
				}
			}
			return s.addPublisher(ctx, in.Body)
		})
}

// addPublisher signs the next trust document, with the publisher in it. Adding a
// key again replaces its entry.
func (s *server) addPublisher(ctx context.Context, p NewPublisher) (*reply[TrustState], error) {
	if s.Keys.Root == nil {
		return nil, credential.ErrRootOffline
	}
	trust, err := s.currentTrust(ctx)
	if err != nil {
		return nil, err
	}
	doc := trust.Document()
	doc.Publishers = slices.DeleteFunc(doc.Publishers, func(have content.Publisher) bool { return have.Key.Equal(ed25519.PublicKey(p.Key)) })
	doc.Publishers = append(doc.Publishers, content.Publisher{Key: p.Key, Name: p.Name, Prefixes: p.Prefixes})
	doc.Serial++
	doc.Created = time.Now()
	signed, err := content.SignTrust(doc, s.Keys.Root)
	if err != nil { // the document before it was fine, so it is the new entry, or one too many
		return nil, bad(err.Error(), "name the publisher in 100 bytes at most, and give it few prefixes")
	}
	if err := s.Catalog.PutTrust(ctx, actor(ctx), doc.Serial, signed); err != nil {
		return nil, err
	}
	s.Hub.Changed("")
	return &reply[TrustState]{TrustState{doc.Serial, signed, s.Keys.RootPublic}}, nil
}

func (s *server) currentTrust(ctx context.Context) (*content.Trust, error) {
	_, document, err := s.Catalog.Trust(ctx)
	if err != nil {
		return nil, err
	}
	return content.OpenTrust(document, s.Keys.RootPublic)
}
