package catalog

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// Limits of accounts, tokens and sessions.
const (
	// MaxScope bounds the sites to which one account or token is held.
	MaxScope = 256
	// MaxOperatorName bounds the name of an account or token, in bytes.
	MaxOperatorName = 100
	// InviteLife is how long an invitation is good for.
	InviteLife = 24 * time.Hour
	// SessionIdle ends a session that nothing was asked in.
	SessionIdle = 12 * time.Hour
	// SessionLife ends every session.
	SessionLife = 7 * 24 * time.Hour
	// UsedEvery is how exactly it is noted when a token or session was used last.
	UsedEvery = time.Minute
)

// ForeignPrefix begins the names of accounts that somebody else vouches for, which no
// other account can have.
const ForeignPrefix = "oidc:"

// Operator is an account of a person.
type Operator struct {
	Name      string    `json:"name"`
	Title     string    `json:"title,omitempty"` // what the person is called; only to be shown
	Role      string    `json:"role"`
	Sites     []string  `json:"sites,omitempty"` // it may act at these; none: at all, also later ones
	Password  string    `json:"-"`               // its hash; empty where the issuer vouches
	Issuer    string    `json:"issuer,omitempty"`
	Created   time.Time `json:"created"`
	LastLogin time.Time `json:"last_login,omitzero"`
}

// Invite lets somebody choose a password, once, and so make an account or get into it
// again. The account then has the role and sites that it says.
type Invite struct {
	Hash    []byte    `json:"-"`    // of its secret
	Name    string    `json:"name"` // of the account; empty: whoever uses it chooses
	Role    string    `json:"role"`
	Sites   []string  `json:"sites,omitempty"`
	By      string    `json:"by"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

// Session is a person's, from log-in to log-out.
type Session struct {
	Hash     []byte // of its secret
	Operator string
	Created  time.Time
	Used     time.Time // last, see UsedEvery
}

// Ended reports whether a session is over at now.
func (s Session) Ended(now time.Time) bool {
	return !now.Before(s.Used.Add(SessionIdle)) || !now.Before(s.Created.Add(SessionLife))
}

// Operators are the people and programs that may ask for changes.
type Operators interface {
	// Tokens lists API tokens by name and id. RevokeToken ends one. TokenUsed notes that
	// one was used, which is not audited.
	Tokens(ctx context.Context) ([]Token, error)
	RevokeToken(ctx context.Context, by, id string) error
	TokenUsed(ctx context.Context, hash []byte, at time.Time) error

	// PutInvite keeps an invitation in place of others to the same name. Invite finds one
	// that is good at now, ErrNotFound otherwise. Accept spends it: the account, of that
	// name where the invitation says none, has the password whose hash is given, and its
	// sessions end; ErrConflict when an account of the chosen name is there, or when this
	// would leave no admin.
	PutInvite(ctx context.Context, by string, i Invite) error
	Invite(ctx context.Context, hash []byte, now time.Time) (Invite, error)
	Accept(ctx context.Context, hash []byte, name, password string, now time.Time) (Operator, error)

	// Operators lists accounts by name.
	Operators(ctx context.Context) ([]Operator, error)
	Operator(ctx context.Context, name string) (Operator, error)
	// ChangeOperator sets role and sites, RemoveOperator ends an account and its sessions;
	// ErrConflict when no account would be left that is an admin of all sites. SetPassword
	// ends the account's sessions, too.
	ChangeOperator(ctx context.Context, by, name, role string, sites []string) error
	RemoveOperator(ctx context.Context, by, name string) error
	SetPassword(ctx context.Context, by, name, password string) error
	// Vouched creates an account that its issuer vouches for, or brings it up to date;
	// ErrConflict when another issuer vouched for it before.
	Vouched(ctx context.Context, o Operator) error

	// Begin keeps a session, and forgets those that ended. Session finds one that is going
	// on at now, and its account; ErrNotFound otherwise. SessionUsed notes that it was
	// used, which is not audited. EndSession ends it.
	Begin(ctx context.Context, s Session) error
	Session(ctx context.Context, hash []byte, now time.Time) (Session, Operator, error)
	SessionUsed(ctx context.Context, hash []byte, at time.Time) error
	EndSession(ctx context.Context, hash []byte) error

	// AuditHead is where the audit log ended last; the zero value before its first entry.
	AuditHead(ctx context.Context) (AuditHead, error)
}

// idBytes is how much of a token's hash names it.
const idBytes = 8

// ID names a token where its secret is not known.
func (t Token) ID() string { return hex.EncodeToString(t.Hash[:min(idBytes, len(t.Hash))]) }

// roles in the order of what they may do.
var roles = []string{RoleViewer, RoleOperator, RoleAdmin}

// Allows reports whether who has a role may do what another is needed for.
func Allows(has, needed string) bool {
	return slices.Contains(roles, has) && slices.Index(roles, has) >= slices.Index(roles, needed)
}

// CheckRole reports what is wrong with a role.
func CheckRole(role string) error {
	if !slices.Contains(roles, role) {
		return fmt.Errorf("role %.20q: want %s", role, strings.Join(roles, ", "))
	}
	return nil
}

// CheckScope reports what is wrong with the sites of an account or token.
func CheckScope(sites []string) error {
	if len(sites) > MaxScope {
		return fmt.Errorf("%d sites, limit %d: leave them out for all", len(sites), MaxScope)
	}
	for i, site := range sites {
		if err := content.CheckName(site); err != nil {
			return fmt.Errorf("site: %w", err)
		}
		if slices.Contains(sites[:i], site) {
			return fmt.Errorf("site %s is named twice", site)
		}
	}
	return nil
}

// CheckOperatorName reports what is wrong with the name of a local account or a token.
func CheckOperatorName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len(name) > MaxOperatorName:
		return fmt.Errorf("the name has %d bytes, limit %d", len(name), MaxOperatorName)
	case strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-+@", r)
	}):
		return errors.New("names hold letters, digits, '.', '_', '-', '+' and '@'")
	}
	return nil
}
