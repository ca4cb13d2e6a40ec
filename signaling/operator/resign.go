package operator

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/content"
)

// Resign is `sitecast resign`.
type Resign struct {
	Remote
	Versions []string `arg:"" optional:"" name:"version" help:"Version to sign, as NAME@V (repeatable)."`
	All      bool     `help:"All versions that are ordered somewhere."`
	Key      string   `help:"Publisher key (default: publisher.key in the user's sitecast configuration folder)." type:"path" env:"SITECAST_PUBLISHER_KEY" placeholder:"FILE"`
}

// Help is the long help with examples.
func (Resign) Help() string {
	return `Signs versions that are published with another key: after the first one was rotated or
revoked. What is signed stays the same to a byte, so the version does too, and no byte
of its content moves. Sign what you know to be yours: look at sitecast flows and at the
audit log for who published what, when a key was in wrong hands.

Examples:
  sitecast resign till-app@2.1 --key new.key
  sitecast resign --all --key new.key`
}

// Validate wants versions, or all.
func (c Resign) Validate() error {
	if (len(c.Versions) == 0) != c.All {
		return errors.New("say which versions, as NAME@V, or --all")
	}
	for _, v := range c.Versions {
		if _, err := content.ParseRef(v); err != nil {
			return err
		}
	}
	return nil
}

// Run signs.
func (c Resign) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	key, err := readPublisherKey(c.Key)
	if err != nil {
		return err
	}
	refs, err := c.refs(ctx, server)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if err := resign(ctx, server, ref, key); err != nil {
			return fmt.Errorf("sign %s: %w", ref, err)
		}
		c.say("%s", ref)
	}
	return nil
}

// refs are the versions that are meant, each once.
func (c Resign) refs(ctx context.Context, server *client) (refs []content.Ref, err error) {
	for _, v := range c.Versions {
		ref, err := content.ParseRef(v)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	if !c.All {
		return refs, nil
	}
	flows, err := server.flows(ctx, "", "")
	if err != nil {
		return nil, fmt.Errorf("list what is ordered: %w", err)
	}
	for _, f := range flows {
		if ref := (content.Ref{Name: f.Content, Version: f.Version}); !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	return refs, nil
}

// resign signs what the server shows of a version, if that is what was published.
func resign(ctx context.Context, server *client, ref content.Ref, key ed25519.PrivateKey) error {
	var shown api.Published
	if err := server.call(ctx, http.MethodGet, versionPath(ref), nil, nil, &shown); err != nil {
		return err
	}
	signed, id, err := content.SignHead(shown.Head, key)
	if err != nil {
		return err
	}
	if id != shown.ID {
		return errors.New("its head can't be made again as it was: publish it under a new version, which moves no chunk")
	}
	return server.call(ctx, http.MethodPut, versionPath(ref)+"/signature", nil, api.NewSignature{Head: signed}, nil)
}
