package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// Rotation puts a new key in the place of an old one.
type Rotation struct {
	Key     []byte    `json:"key" doc:"The new key."`
	Expires time.Time `json:"expires,omitzero" doc:"When the new key ends; absent: never."`
	Until   time.Time `json:"until" doc:"When the old key ends."`
}

// SignedTrust is a trust document that was signed where the root key is kept.
type SignedTrust struct {
	Document json.RawMessage `json:"document"`
}

// NewSignature is a head of a version that is published, as it is but for its signature.
type NewSignature struct {
	Head json.RawMessage `json:"head"`
}

// publishers is how keys that may publish come and go, besides the first.
func (s *server) publishers() {
	register(s, operation("PUT", "/trust", "replace-trust", "Bring the next trust document, signed offline", catalog.RoleAdmin),
		func(ctx context.Context, in *struct{ Body SignedTrust }) (*reply[TrustState], error) {
			return s.replaceTrust(ctx, in.Body.Document)
		})
	register(s, operation("POST", "/publishers/{key}/rotation", "rotate-publisher", "Put a new key in the place of a publisher's", catalog.RoleAdmin),
		func(ctx context.Context, in *struct {
			Key  string `path:"key" doc:"id of the old key: the SHA-256 of it, in hex"`
			Body Rotation
		}) (*reply[TrustState], error) {
			return s.changeTrust(ctx, "rotate publisher", in.Key, "to "+content.KeyID(in.Body.Key), func(doc content.TrustDocument) (content.TrustDocument, error) {
				return doc.Rotated(in.Key, in.Body.Key, in.Body.Expires, in.Body.Until, time.Now())
			})
		})
	register(s, operation("DELETE", "/publishers/{key}", "revoke-publisher", "Revoke a publisher's key", catalog.RoleAdmin),
		func(ctx context.Context, in *struct {
			Key    string `path:"key" doc:"id of the key: the SHA-256 of it, in hex"`
			Reason string `query:"reason" maxLength:"200" doc:"for the audit log"`
		}) (*reply[TrustState], error) {
			if !printable(in.Reason) {
				return nil, bad("the reason has characters that can't be printed", "")
			}
			return s.changeTrust(ctx, "revoke publisher", in.Key, in.Reason, func(doc content.TrustDocument) (content.TrustDocument, error) {
				doc, _, err := doc.Without(in.Key, time.Now())
				return doc, err
			})
		})
	register(s, operation("PUT", "/versions/{name}/{version}/signature", "resign-version", "Sign a version anew", catalog.RoleOperator),
		func(ctx context.Context, in *struct {
			Name    string `path:"name"`
			Version string `path:"version"`
			Body    NewSignature
		}) (*reply[Published], error) {
			return s.resign(ctx, content.Ref{Name: in.Name, Version: in.Version}, in.Body.Head)
		})
}

// changeTrust signs the next trust document, and notes what was done. Others may change it
// at the same time: then it is tried again on theirs.
func (s *server) changeTrust(ctx context.Context, action, target, detail string,
	edit func(content.TrustDocument) (content.TrustDocument, error)) (*reply[TrustState], error) {
	if s.Keys.Root == nil {
		return nil, credential.ErrRootOffline
	}
	for attempt := 1; ; attempt++ {
		state, err := s.nextTrust(ctx, edit)
		if errors.Is(err, catalog.ErrConflict) && attempt < publisherAttempts {
			continue
		}
		if err != nil {
			return nil, err
		}
		return state, s.Catalog.Note(ctx, actor(ctx), action, target, detail)
	}
}

// nextTrust signs the document that follows the newest.
func (s *server) nextTrust(ctx context.Context, edit func(content.TrustDocument) (content.TrustDocument, error)) (*reply[TrustState], error) {
	trust, err := s.currentTrust(ctx)
	if err != nil {
		return nil, err
	}
	doc, err := edit(trust.Document())
	if err != nil {
		return nil, keyProblem(err)
	}
	signed, err := content.SignTrust(doc, s.Keys.Root)
	if err != nil { // the document before it was fine, so it is the new entry, or one too many
		return nil, bad(err.Error(), "name the publisher in 100 bytes at most, and give it few prefixes")
	}
	return s.keepTrust(ctx, doc.Serial, signed)
}

// keepTrust makes a document the newest, and has endpoints told.
func (s *server) keepTrust(ctx context.Context, serial uint64, signed json.RawMessage) (*reply[TrustState], error) {
	if err := s.Catalog.PutTrust(ctx, actor(ctx), serial, signed); err != nil {
		return nil, err
	}
	s.Hub.Changed("")
	return &reply[TrustState]{TrustState{serial, signed, s.Keys.RootPublic}}, nil
}

// replaceTrust takes a document that was signed elsewhere.
func (s *server) replaceTrust(ctx context.Context, document json.RawMessage) (*reply[TrustState], error) {
	trust, err := content.OpenTrust(document, s.Keys.RootPublic)
	if err != nil {
		return nil, bad(err.Error(), "sign it with the organisation's root key")
	}
	return s.keepTrust(ctx, trust.Serial(), document)
}

// resign replaces the signature of a version that is published. What was signed is the
// same to a byte, so that nothing of it moves.
func (s *server) resign(ctx context.Context, ref content.Ref, envelope json.RawMessage) (*reply[Published], error) {
	trust, err := s.currentTrust(ctx)
	if err != nil {
		return nil, err
	}
	head, id, err := trust.OpenHead(envelope, time.Now())
	if err != nil {
		return nil, bad(err.Error(), "sign with a key in the trust document whose prefixes cover the name")
	}
	v, err := s.Catalog.Version(ctx, ref.Name, ref.Version)
	if err != nil {
		return nil, err
	}
	if head.Ref() != ref || id != v.ID {
		return nil, bad(fmt.Sprintf("it is not the head of %s that was published", ref), "sign what GET /api/v1/versions shows, as it is")
	}
	if err := s.Catalog.Resign(ctx, actor(ctx), ref.Name, ref.Version, id, envelope); err != nil {
		return nil, err
	}
	if s.Resigned != nil {
		s.Resigned(ref)
	}
	s.Hub.Changed("")
	v.Head = envelope
	return s.published(ctx, v)
}

// keyProblem is the answer where a publisher's key is not what it should be.
func keyProblem(err error) error {
	switch {
	case errors.Is(err, content.ErrNoPublisher):
		return &Problem{Status: http.StatusNotFound, Code: "not_found", Detail: err.Error(), Hint: "list them with `sitecast publisher list`"}
	case errors.Is(err, content.ErrRevoked):
		return &Problem{Status: http.StatusConflict, Code: "key_revoked", Detail: err.Error(), Hint: "make another with `sitecast publisher key FILE`"}
	}
	return bad(err.Error(), "")
}
