package operator

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// Backward says to which version, and how it is signed.
type Backward struct {
	To       string `help:"The version to go back to." required:"" placeholder:"V"`
	As       string `help:"Name of the new version that is the same (default: V+rollback.N)." placeholder:"V2"`
	Key      string `help:"Publisher key (default: publisher.key in the user's sitecast configuration folder)." type:"path" env:"SITECAST_PUBLISHER_KEY" placeholder:"FILE"`
	Priority string `help:"high, normal or low." enum:"high,normal,low" default:"high"`
}

// Rollback is `sitecast rollback`.
type Rollback struct {
	Remote
	Backward
	Name    string   `arg:"" help:"Content."`
	Site    []string `help:"Where it goes: this site (repeatable)." placeholder:"NAME" sep:"none"`
	All     bool     `help:"Where it goes: every site, also those created later."`
	Rollout int64    `help:"Where it goes: to where this distribution went, which ends." placeholder:"ID"`
}

// Help is the long help with examples.
func (Rollback) Help() string {
	return `Makes a new version that is the old one to a byte, signed here with the publisher's key,
and distributes it. It is newer than the bad one, so that it takes its place everywhere,
also where somebody comes back after months; endpoints that still hold the old one need
nothing over the WAN. With --rollout it goes to where that distribution went, no more of
that goes anywhere, and a rollout in rings ends.

Examples:
  sitecast rollback till-app --to 2.0 --rollout 7
  sitecast rollback till-app --to 2.0 --site shop-12`
}

// Validate wants one way to say where.
func (c Rollback) Validate() error {
	said := 0
	for _, is := range []bool{len(c.Site) > 0, c.All, c.Rollout != 0} {
		if is {
			said++
		}
	}
	if said != 1 || c.Rollout < 0 {
		return errors.New("say where, in one way: --rollout ID, --site NAME (repeatable) or --all")
	}
	return c.Backward.check(c.Name)
}

func (b Backward) check(name string) error {
	err := errors.Join(content.CheckName(name), content.CheckVersion(b.To))
	if b.As != "" {
		err = errors.Join(err, content.CheckVersion(b.As))
	}
	return err
}

// Run goes back.
func (c Rollback) Run(ctx context.Context) error {
	return c.back(ctx, c.Backward, c.Name, api.NewDistribution{Sites: c.Site, All: c.All, Replaces: c.Rollout})
}

// RolloutRollback is `sitecast rollout rollback`.
type RolloutRollback struct {
	Remote
	One
	Backward
}

// Help is the long help with an example.
func (RolloutRollback) Help() string {
	return "As sitecast rollback --rollout ID, which says more.\n\nExample:\n  sitecast rollout rollback 7 --to 2.0"
}

// Run goes back where a rollout went.
func (c RolloutRollback) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	v, err := server.rollout(ctx, c.ID)
	if err != nil {
		return err
	}
	if err := c.Backward.check(v.Name); err != nil {
		return err
	}
	return c.back(ctx, c.Backward, v.Name, api.NewDistribution{Replaces: c.ID})
}

// back makes the new version, and distributes it.
func (r Remote) back(ctx context.Context, b Backward, name string, where api.NewDistribution) error {
	server, err := r.client()
	if err != nil {
		return err
	}
	defer server.close()
	key, err := readPublisherKey(b.Key)
	if err != nil {
		return err
	}
	old := content.Ref{Name: name, Version: b.To}
	ref, err := again(ctx, server, old, b.As, key)
	if err != nil {
		return fmt.Errorf("go back to %s: %w", old, err)
	}
	where.Name, where.Version, where.Priority = ref.Name, ref.Version, wire.Priority(b.Priority)
	var change api.Change
	if err := server.call(ctx, http.MethodPost, "/distributions", nil, where, &change); err != nil {
		return fmt.Errorf("%s is published as %s and not distributed: %w", ref, old, err)
	}
	if change.Proposal > 0 {
		r.say("Proposed %s, which is %s again. Somebody else approves it with: sitecast approve %d", ref, old, change.Proposal)
		return nil
	}
	r.say("Ordered %s, which is %s again (distribution %d).", ref, old, change.Distribution)
	return nil
}

// maxRollbacks bounds how often one version is gone back to without a name for it.
const maxRollbacks = 100

// again publishes what a version is as a new one, and returns that. Nothing is uploaded: all
// of it lies at the origin.
func again(ctx context.Context, server *client, old content.Ref, as string, key ed25519.PrivateKey) (ref content.Ref, err error) {
	var shown api.Published
	if err := server.call(ctx, http.MethodGet, versionPath(old), nil, nil, &shown); err != nil {
		return ref, err
	}
	if ref, err = backName(ctx, server, old, as); err != nil {
		return ref, err
	}
	var reserved api.Reserved
	if err := server.call(ctx, http.MethodPost, "/versions", nil, api.NewVersion{Name: ref.Name, Version: ref.Version}, &reserved); err != nil {
		return ref, err
	}
	head := shown.Head
	head.Version, head.Serial, head.Created, head.Expires = ref.Version, reserved.Serial, time.Now(), time.Time{}
	signed, _, err := content.SignHead(head, key)
	if err != nil {
		return ref, err
	}
	return ref, server.call(ctx, http.MethodPut, versionPath(ref), nil, api.SignedVersion{Head: signed, Packs: []content.Digest{}}, nil)
}

// backName is the name of the new version.
func backName(ctx context.Context, server *client, old content.Ref, as string) (content.Ref, error) {
	if as != "" {
		return content.Ref{Name: old.Name, Version: as}, nil
	}
	plain, _, _ := strings.Cut(old.Version, "+rollback.")
	for n := 1; n <= maxRollbacks; n++ {
		ref := content.Ref{Name: old.Name, Version: fmt.Sprintf("%s+rollback.%d", plain, n)}
		if err := ref.Check(); err != nil {
			return ref, fmt.Errorf("%w: say a name by --as", err)
		}
		err := server.call(ctx, http.MethodGet, versionPath(ref), nil, nil, nil)
		if refusedAs(err, "not_found") {
			return ref, nil
		}
		if err != nil {
			return ref, err
		}
	}
	return content.Ref{}, fmt.Errorf("%d versions are rollbacks to it: say a name by --as", maxRollbacks)
}
