package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// Activate is `sitecast activate`.
type Activate struct {
	Remote
	Ref  string   `arg:"" help:"Version that is distributed." placeholder:"NAME@V"`
	Site []string `help:"Site where it is used (repeatable)." placeholder:"NAME" sep:"none"`
	All  bool     `help:"It is used wherever it is distributed."`
	At   ReadyBy  `help:"From when on: 2026-12-01T03:00:00+01:00, or from now: 6h. Signed here with the publisher key, so that it holds without a server." placeholder:"TIME"`
	Hold bool     `help:"Hold it (again): it is not used before it is activated. This withdraws a time that was signed."`
	Key  string   `help:"With --at: publisher key (default: publisher.key in the user's sitecast configuration folder)." type:"path" env:"SITECAST_PUBLISHER_KEY" placeholder:"FILE"`
}

// Help is the long help with examples.
func (Activate) Help() string {
	return `What was distributed with --activate hold lies at every endpoint and is used by none.
This says from when on it is: at once, or with --at from an instant on. The instant is
signed here, and endpoints go by it when it comes, also those that have no network then,
were restarted meanwhile, or have a clock that is wrong. Windows of kiosks don't delay it,
their hook before does. Who is offline now keeps to what it heard last. While four-eyes
is on, --all waits until somebody else approves it; --hold does not.

Examples:
  sitecast distribute prices@7 --all --activate hold
  sitecast activate prices@7 --site shop-12
  sitecast activate prices@7 --all --at 2026-12-01T03:00:00+01:00
  sitecast activate prices@7 --all --hold`
}

// Validate wants sites or all, and one meaning.
func (c Activate) Validate() error {
	if c.All == (len(c.Site) > 0) {
		return errors.New("say where: --site NAME (repeatable), or --all")
	}
	if c.Hold && c.At != (ReadyBy{}) {
		return errors.New("say --at or --hold, not both")
	}
	if _, err := content.ParseRef(c.Ref); err != nil {
		return err
	}
	return checkAt("--at", c.At)
}

// checkAt refuses an instant that the server would refuse.
func checkAt(flag string, at ReadyBy) error {
	if at == (ReadyBy{}) {
		return nil
	}
	now := time.Now()
	if err := catalog.CheckInstant(at.time(now), now); err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return nil
}

// Run tells the server.
func (c Activate) Run(ctx context.Context) error {
	ref, err := content.ParseRef(c.Ref)
	if err != nil {
		return err
	}
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	c.Site = slices.Compact(slices.Sorted(slices.Values(c.Site)))
	in := api.NewActivation{Name: ref.Name, Version: ref.Version, Sites: c.Site, All: c.All, Activate: "now"}
	done := "Activated " + ref.String()
	switch at := c.At.time(time.Now()); {
	case c.Hold:
		in.Activate, done = catalog.ActivateHold, "Held "+ref.String()
	case !at.IsZero():
		in.Activate, done = catalog.ActivateAt, ref.String()+" is used from "+instantText(at)+" on"
		if in.Statement, err = server.instant(ctx, ref, at, c.Key); err != nil {
			return fmt.Errorf("sign the instant: %w", err)
		}
	}
	var change api.Change
	if err := server.call(ctx, http.MethodPost, "/activations", nil, in, &change); err != nil {
		return fmt.Errorf("activate %s: %w", ref, err)
	}
	if change.Proposal > 0 {
		c.say("Proposed that %s is used wherever it is distributed. Somebody else approves it with: sitecast approve %d", ref, change.Proposal)
		return nil
	}
	where := strings.Join(c.Site, ", ")
	if c.All {
		where = "all sites that have it"
	}
	c.say("%s at %s (generation %d).", done, where, change.Generation)
	return nil
}

// instantText writes an instant as it is signed, in local time.
func instantText(at time.Time) string { return at.Local().Truncate(time.Second).Format(time.RFC3339) }

// heldText says from when on a version is used that is held.
func heldText(f site.FlowView) string {
	if f.ActivateAt.IsZero() {
		return "held until sitecast activate"
	}
	return "used from " + instantText(f.ActivateAt) + " on"
}

// instant signs from when on a version is used, with the publisher's key of this machine.
// The version is the one with that head, whatever the server says of its id.
func (c *client) instant(ctx context.Context, ref content.Ref, at time.Time, keyFile string) (json.RawMessage, error) {
	key, err := readPublisherKey(keyFile)
	if err != nil {
		return nil, err
	}
	var shown api.Published
	if err := c.call(ctx, http.MethodGet, versionPath(ref), nil, nil, &shown); err != nil {
		return nil, err
	}
	if _, id, err := content.SignHead(shown.Head, key); err != nil || id != shown.ID || shown.Head.Ref() != ref {
		return nil, errors.Join(err, fmt.Errorf("the server shows another version than %s", ref))
	}
	var last api.LastInstant
	if err := c.call(ctx, http.MethodGet, versionPath(ref)+"/instant", nil, nil, &last); err != nil {
		return nil, err
	}
	serial := max(uint64(time.Now().UnixMilli()), last.Serial+1)
	return content.SignInstant(content.Instant{Name: ref.Name, ID: shown.ID, At: at, Serial: serial}, key)
}

// Held are the flags of a distribution that is not used as soon as it is there.
type Held struct {
	Activate   string  `help:"now: each endpoint uses it as soon as it has it; hold: when sitecast activate says so." enum:"now,hold" default:"now"`
	ActivateAt ReadyBy `name:"activate-at" help:"From when on it is used: 2026-12-01T03:00:00+01:00, or from now: 6h. Signed here with the publisher key, so that it holds without a server." placeholder:"TIME"`
	Key        string  `help:"With --activate-at: publisher key (default: publisher.key in the user's sitecast configuration folder)." type:"path" env:"SITECAST_PUBLISHER_KEY" placeholder:"FILE"`
}

// Validate wants one meaning.
func (h Held) Validate() error {
	if h.Activate == catalog.ActivateHold && h.ActivateAt != (ReadyBy{}) {
		return errors.New("say --activate hold or --activate-at, not both")
	}
	return checkAt("--activate-at", h.ActivateAt)
}

// order fills in when what is ordered is used, and returns it in words.
func (h Held) order(ctx context.Context, server *client, in *api.NewDistribution) (text string, err error) {
	switch at := h.ActivateAt.time(time.Now()); {
	case h.Activate == catalog.ActivateHold:
		in.Activate = catalog.ActivateHold
		return ", held until it is activated", nil
	case !at.IsZero():
		in.Activate = catalog.ActivateAt
		in.Statement, err = server.instant(ctx, content.Ref{Name: in.Name, Version: in.Version}, at, h.Key)
		return ", to be used from " + instantText(at) + " on", err
	}
	return "", nil
}
