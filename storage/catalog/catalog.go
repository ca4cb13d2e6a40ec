// Package catalog is the contract for what the server remembers: sites,
// endpoints, enrolment tokens, versions and where their chunks lie, what was
// distributed where, the rules operators set, API tokens, trust documents and the
// audit log. Implementations are in subfolders; catalogtest holds the tests each
// must pass.
//
// Every change of desired state raises the organisation's generation, and every
// change is written to the audit log in the same transaction.
package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/policy"
)

// Answers that callers branch on.
var (
	ErrNotFound = errors.New("not found")
	ErrConflict = errors.New("conflict")
	// ErrSpent means that an enrolment token is used up, expired or unknown.
	ErrSpent = errors.New("enrolment token is used up, expired or unknown")
	// ErrUnavailable means that the database can't be reached, which may pass.
	ErrUnavailable = errors.New("the database can't be reached")
)

// MaxPage bounds what one listing returns.
const MaxPage = 1000

// NoCap as a site's cap means that nothing bounds its use of the WAN.
const NoCap = -1

// Site is a place with a LAN of its own.
type Site struct {
	Name  string   `json:"name"`
	CIDRs []string `json:"cidrs"`
	TZ    string   `json:"tz,omitempty"`
	Cap   int64    `json:"cap_bytes_per_second"` // over the WAN, or NoCap
	// HoldOffMs is how long a version that nobody at the site holds waits for a peer
	// that does, before it is fetched over the WAN.
	HoldOffMs int64 `json:"hold_off_ms"`
	// Replicas is how many copies the site shall keep of each version that was
	// distributed to it, also once a newer one superseded it; 0: as it comes.
	Replicas int `json:"replicas"`
	// PeersOn are the networks that links between the site's endpoints may go over, as
	// 10.12.0.0/16; none stands for any.
	PeersOn []string `json:"peers_on"`
	// Relay is the address of the relay at the site; its secret is for the server only.
	Relay       string    `json:"relay,omitempty"`
	RelaySecret []byte    `json:"-"`
	Created     time.Time `json:"created"`
}

// Endpoint is a device that enrolled.
type Endpoint struct {
	ID       string    `json:"id"`
	Key      []byte    `json:"-"` // Ed25519 public key
	Name     string    `json:"name"`
	Device   string    `json:"device"`
	Site     string    `json:"site"`
	Roaming  bool      `json:"roaming,omitempty"` // it is where its networks say, and nowhere by itself
	Created  time.Time `json:"created"`
	LastSeen time.Time `json:"last_seen"`
}

// Enrolment is a token that lets endpoints enrol at a site.
type Enrolment struct {
	ID         string
	Site       string
	SecretHash []byte
	Uses       int // left
	Roaming    bool
	Expires    time.Time
}

// Version is one published version of content.
type Version struct {
	Name      string
	Version   string
	Serial    uint64
	ID        content.VersionID
	Head      json.RawMessage // signed
	Body      content.Digest
	Placement []byte // encoded Placement
	Created   time.Time
}

// Distribution orders a version to sites.
type Distribution struct {
	ID       int64     `json:"id"`
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	Serial   uint64    `json:"serial"` // of the version
	Sites    []string  `json:"sites,omitempty"`
	All      bool      `json:"all,omitempty"` // every site, also later ones
	Priority string    `json:"priority"`
	ReadyBy  time.Time `json:"ready_by,omitzero"`   // when it shall be complete at the latest, in milliseconds; zero: no matter when
	PreStage int       `json:"pre_stage,omitempty"` // copies placed at each site ahead of need; 0: every endpoint shall have it
	Created  time.Time `json:"created"`
	Removed  bool      `json:"-"` // the version was removed since, so it brings nothing; it supersedes others all the same
	When
	Aim
}

// Kinds of rule.
const (
	RulePause    = "pause"
	RulePriority = "priority"
)

// Selector says what a rule is about; an empty field means any.
type Selector struct {
	Site    string `json:"site,omitempty"`
	Name    string `json:"content,omitempty"`
	Version string `json:"version,omitempty"`
}

func (s Selector) String() string {
	what := s.Name
	if s.Version != "" {
		what += "@" + s.Version
	}
	switch {
	case what != "" && s.Site != "":
		return what + " at " + s.Site
	case what != "":
		return what + " everywhere"
	case s.Site != "":
		return "everything at " + s.Site
	}
	return "everything everywhere"
}

// Rule is what an operator set for all flows that match, also later ones.
type Rule struct {
	Selector
	Kind       string    `json:"kind"`
	Priority   string    `json:"priority,omitempty"` // of RulePriority
	Generation uint64    `json:"generation"`         // in which it was set
	By         string    `json:"by"`
	Created    time.Time `json:"created"`
	Expires    time.Time `json:"expires,omitzero"`               // when it ends by itself; zero: never
	Reason     string    `json:"reason,omitempty"`               // why it was set, in the words of who did
	Cap        int64     `json:"cap_bytes_per_second,omitempty"` // of RuleCap and RuleBudget
	Upto       int64     `json:"upto,omitempty"`                 // of RulePurge: the newest distribution when it was set
}

// Roles of API tokens, each including those before it.
const (
	RoleViewer   = "viewer"
	RoleOperator = "operator"
	RoleAdmin    = "admin"
)

// Token is an API token, known by the hash of its secret.
type Token struct {
	Name    string    `json:"name"`
	Hash    []byte    `json:"-"`
	Role    string    `json:"role"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
	Sites   []string  `json:"sites,omitempty"`  // it is good for these; none: for all, also later ones
	By      string    `json:"by,omitempty"`     // who made it
	Created time.Time `json:"created,omitzero"`
	Used    time.Time `json:"used,omitzero"` // last, see UsedEvery
}

// Orders is everything that decides a site's flows; see Resolve.
type Orders struct {
	Site          Site
	Generation    uint64         // all that was ordered up to it is here
	Distributions []Distribution // that reach the site, oldest first, without their Sites
	Rules         []Rule         // oldest first
	Activations   []Activation   // of the site or of all, oldest first
	Now           time.Time      // the time for which they are resolved; zero: no instant has come
	Tags          []string       // that the site bears, in order
}

// Catalog remembers. Its methods may be called from several goroutines, and what
// they return belongs to the caller. When a mutating method returns nil, the
// change is durable. By names who asked, for the audit log.
type Catalog interface {
	Keys
	Networks
	Lists
	Answers
	Operators
	Proposals
	Externals
	Activations
	Rollouts
	Upkeep

	CreateSite(ctx context.Context, by string, s Site) error // ErrConflict when the name is taken
	Site(ctx context.Context, name string) (Site, error)
	Sites(ctx context.Context, after string, limit int) ([]Site, error) // by name
	SetCap(ctx context.Context, by, site string, bytesPerSecond int64) error
	SetHoldOff(ctx context.Context, by, site string, d time.Duration) error
	SetReplicas(ctx context.Context, by, site string, copies int) error
	SetPeersOn(ctx context.Context, by, site string, networks []string) error
	SetRelay(ctx context.Context, by, site string, r SiteRelay) error // the zero value: none
	// KeepLearned replaces the receipts and lines of a site that are named, and
	// forgets the oldest lines beyond MaxLines. It is not audited. Learned lists
	// both, by version and by egress.
	KeepLearned(ctx context.Context, site string, receipts []Receipt, lines []Line) error
	Learned(ctx context.Context, site string) ([]Receipt, []Line, error)
	Settings

	CreateEnrolment(ctx context.Context, by string, e Enrolment) error // ErrConflict when the id is taken
	// Enrol spends one use of a token and creates the endpoint, or moves the one
	// with the same key to the token's site; ErrConflict when the id is that of
	// another key. It returns the endpoint as kept.
	Enrol(ctx context.Context, id string, secretHash []byte, ep Endpoint, now time.Time) (Endpoint, error)
	Endpoint(ctx context.Context, id string) (Endpoint, error)
	// Endpoints lists by id, of one site or (empty) of all.
	Endpoints(ctx context.Context, site, after string, limit int) ([]Endpoint, error)
	// Seen notes when endpoints were last online. It is not audited.
	Seen(ctx context.Context, at map[string]time.Time) error

	// Trust returns the newest trust document and its serial, 0 and nil before
	// the first. PutTrust adds the next; ErrConflict when its serial is not next.
	Trust(ctx context.Context) (serial uint64, document json.RawMessage, err error)
	PutTrust(ctx context.Context, by string, serial uint64, document json.RawMessage) error

	// Reserve gives a new version its serial, higher than all before. Reserving a
	// version again returns the same serial; ErrConflict when it is published.
	Reserve(ctx context.Context, by, name, version string) (serial uint64, err error)
	// Publish completes a version; ErrConflict when it is published, or not
	// reserved with this serial.
	Publish(ctx context.Context, by string, v Version) error
	Version(ctx context.Context, name, version string) (Version, error)
	// Newest names the version of a content that was published with the highest
	// serial; ErrNotFound while none was.
	Newest(ctx context.Context, name string) (version string, err error)

	// AddPack notes where the chunks of a pack lie, which the caller has verified; one
	// that is known to lie elsewhere stays there. It is not audited. HasPack reports
	// whether a pack was added. Locate returns where chunks lie, of those it knows.
	AddPack(ctx context.Context, pack content.Digest, chunks []Packed) error
	HasPack(ctx context.Context, pack content.Digest) (bool, error)
	Locate(ctx context.Context, chunks []content.Digest) (map[content.Digest]Packed, error)

	// PutPatches notes what became of the patches of a version, by its serial; again, it
	// replaces that. Patches returns it, or whether they are due. Unpatched lists all of
	// which they are due, the oldest first. OldPatches lists what became of those of
	// versions that are not the newest any more, DropPatches forgets it. It is not audited.
	PutPatches(ctx context.Context, serial uint64, p Patches) error
	Patches(ctx context.Context, serial uint64) (Patches, error)
	Unpatched(ctx context.Context) ([]Succession, error)
	OldPatches(ctx context.Context) ([]OldPatches, error)
	DropPatches(ctx context.Context, serial uint64) error

	// Distribute, SetRule and ClearRules change desired state and return its new
	// generation. ClearRules removes the rules of a kind that a selector covers
	// and returns how many, and the generation. Setting a rule again, on the same selector, replaces it;
	// a purge ends the distributions made so far.
	Distribute(ctx context.Context, by string, d Distribution) (generation uint64, err error)
	SetRule(ctx context.Context, by string, r Rule) (generation uint64, err error)
	ClearRules(ctx context.Context, by, kind string, s Selector) (removed int, generation uint64, err error)
	Orders(ctx context.Context, site string) (Orders, error)
	Rules(ctx context.Context) ([]Rule, error)

	PutToken(ctx context.Context, by string, t Token) error // ErrConflict when the hash is taken
	Token(ctx context.Context, hash []byte) (Token, error)

	// Meta reads and SetMeta writes a setting of the organisation.
	Meta(ctx context.Context, key string) (string, error)
	SetMeta(ctx context.Context, key, value string) error

	// Note writes what changes nothing here into the audit log.
	Note(ctx context.Context, by, action, target, detail string) error
	// Audit lists entries newest first, before the id given (0: the newest).
	Audit(ctx context.Context, before int64, limit int) ([]Entry, error)

	Removals
	Daily
	Together
	Holder
	Roaming

	Close() error
}

// Check reports what is wrong with a site.
func (s Site) Check() error {
	if err := content.CheckName(s.Name); err != nil {
		return fmt.Errorf("site name: %w", err)
	}
	if err := errors.Join(CheckCap(s.Cap), CheckHoldOff(time.Duration(s.HoldOffMs)*time.Millisecond), CheckReplicas(s.Replicas), CheckPeersOn(s.PeersOn)); err != nil {
		return err
	}
	for _, cidr := range s.CIDRs {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			return fmt.Errorf("address range %.60q: want one such as 10.12.0.0/16", cidr)
		}
	}
	if s.TZ != "" {
		if _, err := time.LoadLocation(s.TZ); err != nil {
			return fmt.Errorf("time zone: %w", err)
		}
	}
	return nil
}

// MaxAhead bounds how far in the future a version may have to be ready.
const MaxAhead = 366 * 24 * time.Hour

// CheckReadyBy reports what is wrong with a time, at now, by which a version shall
// be ready; the zero time is none.
func CheckReadyBy(by, now time.Time) error {
	switch {
	case by.IsZero():
		return nil
	case !by.After(now):
		return fmt.Errorf("it can't be ready by %s: that time has passed (it is %s now)", by.Format(time.RFC3339), now.Format(time.RFC3339))
	case by.Sub(now) > MaxAhead:
		return fmt.Errorf("it shall be ready by %s, which is more than a year ahead", by.Format(time.RFC3339))
	}
	return nil
}

// CheckCap reports what is wrong with a site's cap.
func CheckCap(bytesPerSecond int64) error {
	if bytesPerSecond < NoCap {
		return errors.New("cap is negative")
	}
	return nil
}

// MaxHoldOff bounds a site's hold-off.
const MaxHoldOff = policy.MaxHoldOff

// CheckHoldOff reports what is wrong with a site's hold-off.
func CheckHoldOff(d time.Duration) error { return policy.CheckHoldOff(d) }

// MaxReplicas bounds the copies that a site shall keep, or place ahead of need.
const MaxReplicas = policy.MaxReplicas

// CheckReplicas reports what is wrong with a site's number of copies; 0 ends it.
func CheckReplicas(copies int) error { return policy.CheckReplicas(copies) }

// MaxPeersOn bounds the networks that a site's links may go over.
const MaxPeersOn = policy.MaxNetworks

// CheckPeersOn reports what is wrong with the networks that a site's links may go over.
func CheckPeersOn(networks []string) error { return policy.CheckNetworks(networks) }
