package agent

import (
	"fmt"

	"github.com/sitecast/sitecast/edge/polite"
	"github.com/sitecast/sitecast/signaling/units"
)

// LimitFlags are the settings of what is done without out of regard for the user. What is
// not given is as [polite.DefaultLimits] has it, or off with --no-polite.
type LimitFlags struct {
	OnMetered    *polite.Scope `name:"on-metered" help:"What is held on a metered network, as NetworkManager knows it: nothing, fetch (from the origin), serve (peers, too) or all (default: fetch)." env:"SITECAST_ON_METERED" placeholder:"WHAT"`
	OnVPN        *polite.Scope `name:"on-vpn" help:"What is held while the way to the server is a tunnel (default: fetch)." env:"SITECAST_ON_VPN" placeholder:"WHAT"`
	OnBattery    *polite.Scope `help:"What is held on a low battery (default: serve)." env:"SITECAST_ON_BATTERY" placeholder:"WHAT"`
	BatteryBelow *int          `help:"Percent of charge below which a battery is low; 100 for always, but when full (default: 40)." env:"SITECAST_BATTERY_BELOW" placeholder:"PERCENT"`
	WorkingRate  *units.Rate   `help:"Most that moves while somebody works at this computer, as logind knows it: 80mbit (the default), or none for no bound." env:"SITECAST_WORKING_RATE" placeholder:"RATE"`
	WANAllowance units.Size    `name:"wan-allowance" help:"Most that this endpoint takes over the WAN in a month: 20GB, or none (the default)." env:"SITECAST_WAN_ALLOWANCE" placeholder:"SIZE"`
}

// limits fills in what is not given.
func (f LimitFlags) limits(isPolite bool) (polite.Limits, error) {
	l := polite.DefaultLimits()
	if !isPolite {
		l = polite.Limits{BatteryBelow: l.BatteryBelow}
	}
	given(&l.Metered, f.OnMetered)
	given(&l.VPN, f.OnVPN)
	given(&l.Battery, f.OnBattery)
	given(&l.BatteryBelow, f.BatteryBelow)
	if f.WorkingRate != nil {
		l.Working = max(f.WorkingRate.BytesPerSecond(), 0)
	}
	l.Allowance = int64(f.WANAllowance)
	if err := l.Check(); err != nil {
		return l, fmt.Errorf("limits: %w", err)
	}
	return l, nil
}
