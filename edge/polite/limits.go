package polite

import (
	"fmt"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/units"
	"github.com/sitecast/sitecast/signaling/wire"
)

// Scope is what a setting holds: a [wire.Scope], or Nothing.
type Scope string

// Nothing switches a limit off.
const Nothing Scope = "nothing"

// hold is what a scope takes away.
func (s Scope) hold() wire.Scope {
	if s == Nothing {
		return wire.ScopeNone
	}
	return wire.Scope(s)
}

// Limits are what an endpoint goes by out of regard for its user. The zero value has none.
type Limits struct {
	Metered      Scope
	VPN          Scope
	Battery      Scope
	BatteryBelow int   // percent of charge below which Battery holds
	Allowance    int64 // bytes a month over the WAN; 0 for no bound
	Working      int64 // bytes a second while somebody works; 0 for no bound
}

// DefaultLimits are those of a computer that people use: what costs money or time on their
// line is left to others, and where there are no others it waits.
func DefaultLimits() Limits {
	return Limits{Metered: Scope(wire.ScopeFetch), VPN: Scope(wire.ScopeFetch), Battery: Scope(wire.ScopeServe), BatteryBelow: 40, Working: 10_000_000}
}

// Check reports what is wrong with limits.
func (l Limits) Check() error {
	for name, s := range map[string]Scope{"metered": l.Metered, "vpn": l.VPN, "battery": l.Battery} {
		switch s.hold() {
		case wire.ScopeNone, wire.ScopeFetch, wire.ScopeServe, wire.ScopeAll:
		default:
			return fmt.Errorf("--on-%s %.20q: it is nothing, fetch, serve or all", name, s)
		}
	}
	if l.BatteryBelow < 0 || l.BatteryBelow > 100 {
		return fmt.Errorf("--battery-below %d: it is a percentage, from 0 to 100", l.BatteryBelow)
	}
	if l.Allowance < 0 || l.Working < 0 {
		return fmt.Errorf("an allowance of %d and a rate of %d can't be", l.Allowance, l.Working)
	}
	return nil
}

// Senses reports whether any limit asks what the computer's sensors say.
func (l Limits) Senses() bool {
	return l.Metered.hold().Fetch() || l.VPN.hold().Fetch() || l.Battery.hold().Fetch() || l.Working > 0
}

// Seen is what limits are applied to.
type Seen struct {
	Battery bool   // it runs on one
	Charge  int    // percent
	Metered string // who says so; empty: it is not, or nobody knows
	Tunnel  string // that the way to the server goes through; empty: through none
	Working bool   // somebody works at the computer
	// Disk and Processor say why content moves slowly because of others; empty: it does
	// not.
	Disk, Processor string
	Memory          Memory
}

// Restraint is what is done without. What is Firm holds for flows of high priority, too: it
// costs money, or the user wants it so.
type Restraint struct {
	wire.Restraint
	Firm bool `json:"firm,omitempty"`
}

// Apply says what is done without at a time of the server's, the most important first.
func (l Limits) Apply(now time.Time, s Seen) (all []Restraint) {
	add := func(code string, hold wire.Scope, firm bool, reason string, args ...any) {
		all = append(all, Restraint{wire.Restraint{Code: code, Reason: fmt.Sprintf(reason, args...), Scope: hold}, firm})
	}
	if s.Memory.Paused(now) {
		add(wire.RestraintPaused, wire.ScopeAll, true, "paused by its user until %s", s.Memory.PausedUntil.UTC().Format("15:04 UTC"))
	}
	if l.Allowance > 0 && s.Memory.Bytes >= l.Allowance {
		add(wire.RestraintAllowance, wire.ScopeFetch, true, "took the %s that it may over the WAN in %s", units.Bytes(l.Allowance), s.Memory.Month)
	}
	if hold := l.Metered.hold(); hold.Fetch() && s.Metered != "" {
		add(wire.RestraintMetered, hold, true, "its network is metered (%s)", s.Metered)
	}
	if hold := l.VPN.hold(); hold.Fetch() && s.Tunnel != "" {
		add(wire.RestraintVPN, hold, false, "its way to the server is a tunnel (%s)", s.Tunnel)
	}
	if hold := l.Battery.hold(); hold.Fetch() && s.Battery && s.Charge < l.BatteryBelow {
		add(wire.RestraintBattery, hold, false, "runs on a battery with less than %d %%", l.BatteryBelow)
	}
	if l.Working > 0 && s.Working {
		add(wire.RestraintUser, wire.ScopeNone, false, "somebody works at it: it moves at most %s", units.Bits(8*l.Working))
	}
	if s.Processor != "" {
		add(wire.RestraintProcessor, wire.ScopeNone, false, "%s", s.Processor)
	}
	if s.Disk != "" {
		add(wire.RestraintDisk, wire.ScopeNone, false, "%s", s.Disk)
	}
	return all
}

// For puts together what a flow does without; nothing: the zero value. An urgent one goes
// past what is only regard.
func For(all []Restraint, urgent bool) (sum wire.Restraint) {
	var reasons []string
	for _, r := range all {
		if urgent && !r.Firm {
			continue
		}
		if sum.Code == "" {
			sum.Code = r.Code
		}
		if !sum.Scope.Fetch() || r.Scope.Serve() && !sum.Scope.Take() {
			sum.Scope = r.Scope
		}
		reasons = append(reasons, r.Reason)
	}
	sum.Reason = wire.Clip(strings.Join(reasons, "; "))
	return sum
}
