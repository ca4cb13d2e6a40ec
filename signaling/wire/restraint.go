package wire

import (
	"errors"
	"fmt"
)

// Restraint is what an endpoint could do and does not, out of regard for who else uses
// the computer or its line, or because its user said so. Pages know of none.
type Restraint struct {
	Code   string `json:"code"`   // one of those below, for programs
	Reason string `json:"reason"` // for people
	Scope  Scope  `json:"scope,omitempty"`
}

// Scope is how much an endpoint does without. Each is more than the one before.
type Scope string

// The scopes.
const (
	ScopeNone  Scope = ""      // it goes on, but slowly
	ScopeFetch Scope = "fetch" // it takes no lease
	ScopeServe Scope = "serve" // and peers get nothing of it, whatever it holds
	ScopeAll   Scope = "all"   // and it takes nothing from peers
)

// Fetch reports whether the endpoint takes no lease.
func (s Scope) Fetch() bool { return s != ScopeNone }

// Serve reports whether peers get nothing of it.
func (s Scope) Serve() bool { return s == ScopeServe || s == ScopeAll }

// Take reports whether it takes nothing from peers.
func (s Scope) Take() bool { return s == ScopeAll }

// Codes in [Restraint.Code].
const (
	RestraintPaused    = "paused_here" // by the computer's user
	RestraintAllowance = "allowance"   // it took what it may in this month
	RestraintMetered   = "metered"     // its network is paid for by the byte
	RestraintVPN       = "vpn"         // the way to the server is a tunnel
	RestraintBattery   = "battery"     // it runs on one that is low
	RestraintUser      = "user"        // somebody works at it
	RestraintProcessor = "processor"   // other programs wait for it
	RestraintDisk      = "disk"        // likewise
)

func (r *Restraint) check() error {
	if r == nil {
		return nil
	}
	if r.Code == "" || r.Reason == "" {
		return errors.New("a restraint needs code and reason")
	}
	switch r.Scope {
	case ScopeNone, ScopeFetch, ScopeServe, ScopeAll:
	default:
		return fmt.Errorf("scope %.20q is not known", r.Scope)
	}
	return first(size("code of a restraint", r.Code, maxCodeBytes), size("reason of a restraint", r.Reason, MaxReasonBytes))
}
