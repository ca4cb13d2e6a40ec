package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/sitecast/sitecast/signaling/wire"
)

// turnsAway are the codes with which a server says that it does not know an endpoint, or
// believes its key no more.
var turnsAway = []string{"revoked", "unknown_endpoint"}

// again returns the identity of an endpoint that is enrolled. Where the server turns it
// away, or the token is of another organisation, it becomes another endpoint, with another
// key, by a token that it was not enrolled by before; what it holds stays. Without such a
// token, or a server that answers, it goes on as who it is.
func again(ctx context.Context, cfg Config, id *identity) *identity {
	text, err := cfg.EnrolToken()
	if err != nil {
		return id
	}
	token, err := wire.ParseEnrolToken(text)
	if err != nil || token.ID == id.Token {
		return id
	}
	root := sha256.Sum256(id.Root)
	if elsewhere := !bytes.Equal(root[:], token.Root); !elsewhere && !turnedAway(ctx, cfg, id) {
		return id
	}
	key, err := newKey()
	if err == nil {
		var made *identity
		if made, err = enrol(ctx, cfg, token, key); err == nil {
			cfg.Log.Info("enrolled again", "endpoint", made.id(), "before", id.id())
			return made
		}
	}
	cfg.Log.Warn("this endpoint was turned away, and can't enrol again: get a token with `sitecast enrol`, put it into the token file, and start the agent anew", "err", err)
	return id
}

// turnedAway asks the server whether it takes an endpoint.
func turnedAway(ctx context.Context, cfg Config, id *identity) bool {
	_, err := newAPI(cfg, id.Pin).session(ctx, id.Key)
	refused := new(refusal)
	return errors.As(err, &refused) && slices.Contains(turnsAway, refused.code)
}
