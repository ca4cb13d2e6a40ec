package operator

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/storage/content"
)

// Publisher is `sitecast publisher`.
type Publisher struct {
	List   PublisherList   `cmd:"" help:"List the keys that may publish."`
	Key    PublisherKey    `cmd:"" help:"Make a key."`
	Add    PublisherAdd    `cmd:"" help:"Let a key publish."`
	Rotate PublisherRotate `cmd:"" help:"Put a new key in the place of an old one."`
	Revoke PublisherRevoke `cmd:"" help:"Let a key publish no more, for ever."`
}

// shownID is how much of a key's id is shown, and leastID how much of one has to be said.
const (
	shownID = 16
	leastID = 8
)

// PublisherList is `sitecast publisher list`.
type PublisherList struct {
	Remote
	JSON bool `name:"json" help:"Print a JSON array."`
}

// Help is the long help with an example.
func (PublisherList) Help() string { return "Example:\n  sitecast publisher list --json" }

// shownKey is one key of the trust document.
type shownKey struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	State    string    `json:"state"` // valid, expired, revoked
	Prefixes []string  `json:"prefixes,omitempty"`
	Expires  time.Time `json:"expires,omitzero"`
	Revoked  time.Time `json:"revoked,omitzero"`
}

// Run lists the publishers.
func (c PublisherList) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	_, doc, err := server.trust(ctx)
	if err != nil {
		return fmt.Errorf("list publishers: %w", err)
	}
	keys := []shownKey{}
	for _, p := range doc.Publishers {
		k := shownKey{ID: content.KeyID(p.Key), Name: p.Name, State: "valid", Prefixes: p.Prefixes, Expires: p.Expires}
		if !p.Expires.IsZero() && !time.Now().Before(p.Expires) {
			k.State = "expired"
		}
		keys = append(keys, k)
	}
	for _, r := range doc.Revoked {
		keys = append(keys, shownKey{ID: content.KeyID(r.Key), Name: r.Name, State: "revoked", Revoked: r.At})
	}
	if c.JSON {
		return c.printJSON(keys)
	}
	if len(keys) == 0 {
		c.say("No key may publish yet. The first `sitecast publish` makes one, or `sitecast publisher add`.")
		return nil
	}
	t := tabwriter.NewWriter(c.stdout(), 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "KEY\tNAME\tSTATE\tMAY PUBLISH\tUNTIL")
	for _, k := range keys {
		until := k.Expires
		if k.State == "revoked" {
			until = k.Revoked
		}
		text := "-"
		if !until.IsZero() {
			text = until.Local().Format(time.DateTime)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", k.ID[:shownID], clean(k.Name), k.State, clean(prefixText(k.Prefixes)), text)
	}
	return t.Flush()
}

// prefixText says which names prefixes cover.
func prefixText(prefixes []string) string {
	if slices.Contains(prefixes, "") {
		return "everything"
	}
	var names []string
	for _, p := range prefixes {
		names = append(names, p+"*")
	}
	return strings.Join(names, " ")
}

// trust reads the newest trust document.
func (c *client) trust(ctx context.Context) (state api.TrustState, doc content.TrustDocument, err error) {
	if err := c.call(ctx, http.MethodGet, "/trust", nil, nil, &state); err != nil {
		return state, doc, err
	}
	trust, err := content.OpenTrust(state.Document, state.Root)
	if err != nil {
		return state, doc, err
	}
	return state, trust.Document(), nil
}

// PublisherKey is `sitecast publisher key`.
type PublisherKey struct {
	Remote
	File string `arg:"" type:"path" help:"File for the key, which must not be there; its public half is written to FILE.pub."`
}

// Help is the long help with an example.
func (PublisherKey) Help() string {
	return `Whoever has FILE can publish once its public half was added: keep it where it is used.

Example:
  sitecast publisher key publisher.key`
}

// Run makes a key. No server is asked.
func (c PublisherKey) Run() error {
	key, err := credential.MakeKey(c.File)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	c.say("Made %s and %s.pub. Next: sitecast publisher add NAME --key %s.pub\n%s", c.File, c.File, c.File, content.KeyID(key))
	return nil
}

// rooted are changes of the trust document, which the root key signs.
type rooted struct {
	Remote
	RootKey string `name:"root-key" help:"The organisation's root key, where it is not kept on the server." type:"path" env:"SITECAST_ROOT_KEY" placeholder:"FILE"`
}

// change has the next trust document made: by the server, as ask asks it, or here, by edit,
// with the root key.
func (r rooted) change(ctx context.Context, server *client, ask func(state *api.TrustState) error,
	edit func(content.TrustDocument) (content.TrustDocument, error)) (state api.TrustState, err error) {
	if r.RootKey == "" {
		err := ask(&state)
		return state, err
	}
	root, err := credential.ReadPrivate(r.RootKey)
	if err != nil {
		return state, fmt.Errorf("read the root key: %w", err)
	}
	if err := server.call(ctx, http.MethodGet, "/trust", nil, nil, &state); err != nil {
		return state, err
	}
	trust, err := content.OpenTrust(state.Document, root.Public().(ed25519.PublicKey))
	if err != nil {
		return state, fmt.Errorf("%s is not the root key of this organisation: %w", r.RootKey, err)
	}
	doc, err := edit(trust.Document())
	if err != nil {
		return state, err
	}
	signed, err := content.SignTrust(doc, root)
	if err != nil {
		return state, err
	}
	err = server.call(ctx, http.MethodPut, "/trust", nil, api.SignedTrust{Document: signed}, &state)
	return state, err
}

// find returns the id of the key that is meant: by the beginning of its id, or by a name
// that one valid key has.
func find(doc content.TrustDocument, text string) (string, error) {
	var found []string
	for _, p := range doc.Publishers {
		id := content.KeyID(p.Key)
		if len(text) >= leastID && strings.HasPrefix(id, strings.ToLower(text)) || p.Name == text {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("no key is called %.80q: `sitecast publisher list` lists them", text)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%d keys are called %.80q: say the beginning of the id of one, as `sitecast publisher list` shows it", len(found), text)
}

// PublisherAdd is `sitecast publisher add`.
type PublisherAdd struct {
	rooted
	Name    string   `arg:"" help:"Name of the publisher, for people."`
	Key     string   `help:"Its key: the public half, or the key itself, which stays here." required:"" type:"existingfile" placeholder:"FILE"`
	Prefix  []string `help:"Beginning of the names that it may publish (repeatable; default: all names)." placeholder:"P"`
	Expires ReadyBy  `help:"When the key ends, as 2027-03-04T06:00:00Z or 8760h (default: never)." placeholder:"TIME"`
}

// Help is the long help with examples.
func (PublisherAdd) Help() string {
	return `The key stands in the next trust document, which endpoints get at once.

Examples:
  sitecast publisher add alice --key alice.pub --prefix till-
  sitecast publisher add alice --key alice.pub --root-key /media/safe/root.key`
}

// Run adds the publisher.
func (c PublisherAdd) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	key, err := credential.ReadPublic(c.Key)
	if err != nil {
		return fmt.Errorf("read the publisher's key: %w", err)
	}
	if len(c.Prefix) == 0 {
		c.Prefix = []string{""}
	}
	now := time.Now()
	p := content.Publisher{Key: key, Name: c.Name, Prefixes: c.Prefix, Expires: c.Expires.time(now)}
	state, err := c.change(ctx, server, func(state *api.TrustState) error {
		in := api.NewPublisher{Key: key, Name: p.Name, Prefixes: p.Prefixes, Expires: p.Expires}
		return server.call(ctx, http.MethodPost, "/publishers", nil, in, state)
	}, func(doc content.TrustDocument) (content.TrustDocument, error) { return doc.With(p, now) })
	if err != nil {
		return fmt.Errorf("add %s: %w", c.Name, err)
	}
	c.say("%s may publish with key %s (trust document %d).", c.Name, content.KeyID(key)[:shownID], state.Serial)
	return nil
}

// PublisherRotate is `sitecast publisher rotate`.
type PublisherRotate struct {
	rooted
	Old     string        `arg:"" name:"key-id" help:"The old key: the beginning of its id, or its publisher's name."`
	Key     string        `help:"The new key: the public half, or the key itself, which stays here." required:"" type:"existingfile" placeholder:"FILE"`
	Overlap time.Duration `help:"How long the old key is good beside the new one." default:"720h" placeholder:"TIME"`
	Expires ReadyBy       `help:"When the new key ends, as 2027-03-04T06:00:00Z or 8760h (default: never)." placeholder:"TIME"`
}

// Help is the long help with an example.
func (PublisherRotate) Help() string {
	return `The new key may do what the old one may. Versions that the old key signed are taken
by endpoints until it ends; sign those anew that are still to be delivered then.

Example:
  sitecast publisher key new.key
  sitecast publisher rotate alice --key new.key.pub
  sitecast resign --all --key new.key`
}

// Validate refuses a time that runs backward.
func (c PublisherRotate) Validate() error {
	if c.Overlap < 0 {
		return errors.New("--overlap is negative: with 0 the old key ends at once")
	}
	return nil
}

// Run rotates the key.
func (c PublisherRotate) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	key, err := credential.ReadPublic(c.Key)
	if err != nil {
		return fmt.Errorf("read the new key: %w", err)
	}
	_, doc, err := server.trust(ctx)
	if err != nil {
		return err
	}
	id, err := find(doc, c.Old)
	if err != nil {
		return err
	}
	now := time.Now()
	until, expires := now.Add(c.Overlap), c.Expires.time(now)
	state, err := c.change(ctx, server, func(state *api.TrustState) error {
		in := api.Rotation{Key: key, Expires: expires, Until: until}
		return server.call(ctx, http.MethodPost, "/publishers/"+id+"/rotation", nil, in, state)
	}, func(doc content.TrustDocument) (content.TrustDocument, error) {
		return doc.Rotated(id, key, expires, until, now)
	})
	if err != nil {
		return fmt.Errorf("rotate %s: %w", c.Old, err)
	}
	c.say("Key %s takes the place of %s, which is good until %s (trust document %d).\nNext: sitecast resign --all --key FILE of the new key.",
		content.KeyID(key)[:shownID], id[:shownID], until.Local().Format(time.DateTime), state.Serial)
	return nil
}

// PublisherRevoke is `sitecast publisher revoke`.
type PublisherRevoke struct {
	rooted
	Key    string `arg:"" name:"key-id" help:"The key: the beginning of its id, or its publisher's name."`
	Reason string `help:"Why, for the audit log." placeholder:"TEXT"`
}

// Help is the long help with an example.
func (PublisherRevoke) Help() string {
	return `Endpoints take nothing more that the key signed, and complete no version of it. What
they hold whole stays, but a kiosk does not begin to use it. Flows of such versions are
paused until another key signed them (sitecast resign). The key can't be added again.

Example:
  sitecast publisher revoke 3f9a1c2b --reason "laptop stolen"`
}

// Run revokes the key.
func (c PublisherRevoke) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	_, doc, err := server.trust(ctx)
	if err != nil {
		return err
	}
	id, err := find(doc, c.Key)
	if err != nil {
		return err
	}
	state, err := c.change(ctx, server, func(state *api.TrustState) error {
		return server.call(ctx, http.MethodDelete, "/publishers/"+id, url.Values{"reason": {c.Reason}}, nil, state)
	}, func(doc content.TrustDocument) (content.TrustDocument, error) {
		doc, _, err := doc.Without(id, time.Now())
		return doc, err
	})
	if err != nil {
		return fmt.Errorf("revoke %s: %w", c.Key, err)
	}
	c.say("Revoked key %s (trust document %d).\nNext: look at `sitecast flows` for what it signed, and sign what is good with `sitecast resign NAME@V`.",
		id[:shownID], state.Serial)
	return nil
}
