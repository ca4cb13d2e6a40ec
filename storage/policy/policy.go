// Package policy says what may be set of how sites and endpoints use their lines and
// disks, at which levels, and what holds where several levels say something: the endpoint
// before its site, that before the tags of both, those before the organisation, and else
// the default. It is pure: it is given all that was set and answers what holds, who says
// so and what was overridden.
//
// Values are text, as people write them; [Key.Parse] checks and normalizes them, and
// what was parsed once is parsed again whenever it is read.
package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Level is where something is set.
type Level string

// The levels, the weakest first. Default is where nobody said anything.
const (
	Default      Level = "default"
	Organisation Level = "organisation"
	Tag          Level = "tag"
	Site         Level = "site"
	Endpoint     Level = "endpoint"
)

// Scope is a level and who it is about there: the name of a tag or site, the id of an
// endpoint, nothing for the organisation.
type Scope struct {
	Level   Level  `json:"level"`
	Subject string `json:"subject,omitempty"`
}

func (s Scope) String() string {
	if s.Subject == "" {
		return string(s.Level)
	}
	return string(s.Level) + " " + s.Subject
}

// Check reports what is wrong with a scope.
func (s Scope) Check() error {
	switch s.Level {
	case Organisation:
		if s.Subject != "" {
			return fmt.Errorf("there is one organisation, and %.60q is none", s.Subject)
		}
	case Tag, Site, Endpoint:
		if s.Subject == "" {
			return fmt.Errorf("say which %s", s.Level)
		}
	default:
		return fmt.Errorf("level %.20q: want organisation, tag, site or endpoint", s.Level)
	}
	return nil
}

// Of is what a setting is about.
type Of string

// A setting of a site holds for the site as a whole, one of an endpoint for each by itself.
const (
	OfSite     Of = "site"
	OfEndpoint Of = "endpoint"
)

// Names of the settings.
const (
	WANRate           = "wan_rate"
	WANCap            = "wan_cap"
	WANCapHours       = "wan_cap_hours"
	Windows           = "windows"
	MonthlyAllowance  = "monthly_allowance"
	Relay             = "relay"
	HoldOff           = "hold_off"
	Replicas          = "replicas"
	PeersOn           = "peers_on"
	WANTariff         = "wan_tariff"
	EndpointAllowance = "endpoint_allowance"
	CacheQuota        = "cache_quota"
	CacheFloor        = "cache_floor"
	CacheIdle         = "cache_idle"
)

// MaxValueBytes bounds the text of a value.
const MaxValueBytes = 2048

// Key is something that can be set.
type Key struct {
	Name    string  `json:"key"`
	Type    string  `json:"type"`
	Of      Of      `json:"of"`
	Levels  []Level `json:"levels"`
	Default string  `json:"default"`
	Bounds  string  `json:"bounds"` // and unit, in words
	Help    string  `json:"help"`

	parse func(string) (string, error)
}

// siteLevels are the levels of a setting that is about a site.
var siteLevels = []Level{Organisation, Tag, Site}

// allLevels are those of one that is about each endpoint.
var allLevels = []Level{Organisation, Tag, Site, Endpoint}

// keys are all settings, in the order in which they are shown.
var keys = []Key{
	{Name: WANRate, Type: "rate", Of: OfSite, Levels: siteLevels, Default: none, Bounds: "bits per second, as 50mbit, or none",
		Help:  "what the line to the WAN is said to carry: where nothing was learned of it, its governor begins with that",
		parse: parsed(ParseRate, writeRate)},
	{Name: WANCap, Type: "rate", Of: OfSite, Levels: siteLevels, Default: none, Bounds: "bits per second, as 5mbit, 0bit for nothing, or none",
		Help:  "most that the site takes over the WAN; `sitecast cap` sets it for a site",
		parse: parsed(ParseRate, writeRate)},
	{Name: WANCapHours, Type: "rates by hour", Of: OfSite, Levels: siteLevels, Default: none, Bounds: "as `mon-fri 08:00-18:00 2mbit; * none`",
		Help:  "most that it takes in each hour of the week, in the site's time; the least of it and wan_cap counts",
		parse: weekly(ParseRates)},
	{Name: Windows, Type: "windows", Of: OfSite, Levels: siteLevels, Default: open, Bounds: "as `* 22:00-06:00 open; * closed`",
		Help:  "when anything is fetched over the WAN at all, in the site's time",
		parse: weekly(ParseWindows)},
	{Name: MonthlyAllowance, Type: "size", Of: OfSite, Levels: siteLevels, Default: none, Bounds: "bytes in a calendar month, as 200GB, or none",
		Help:  "most that the site takes over the WAN in a calendar month of its time; then all its flows wait",
		parse: parsed(ParseSize, writeSize)},
	{Name: Relay, Type: "choice", Of: OfSite, Levels: siteLevels, Default: RelayAuto, Bounds: RelayAuto + " or " + RelayNever,
		Help:  "whether a relay beyond the WAN carries content between endpoints that can't link otherwise: where it is cheaper than the origin, or never",
		parse: choice(RelayAuto, RelayNever)},
	{Name: HoldOff, Type: "duration", Of: OfSite, Levels: siteLevels, Default: "0s", Bounds: "whole milliseconds up to 24h",
		Help:  "how long new content waits for a peer that holds it before the WAN is used",
		parse: parsed(parseHoldOff, writeDuration)},
	{Name: Replicas, Type: "count", Of: OfSite, Levels: siteLevels, Default: "0", Bounds: fmt.Sprintf("0 to %d; 0 for as they come", MaxReplicas),
		Help:  "copies that the site keeps of each version distributed to it",
		parse: parsed(ParseReplicas, func(n int) string { return fmt.Sprint(n) })},
	{Name: PeersOn, Type: "networks", Of: OfSite, Levels: siteLevels, Default: anyNetwork, Bounds: fmt.Sprintf("up to %d networks, as 10.12.0.0/16,fd00:12::/32, or any", MaxNetworks),
		Help:  "networks that links between its endpoints may go over",
		parse: parsed(ParseNetworks, WriteNetworks)},
	{Name: WANTariff, Type: "price", Of: OfSite, Levels: siteLevels, Default: none, Bounds: "as 0.08EUR/GB, 40USD/TB, or none",
		Help:  "what bytes over the site's WAN cost, for `sitecast report`; nothing is decided by it",
		parse: parsed(ParseTariff, Tariff.String)},
	{Name: EndpointAllowance, Type: "size", Of: OfEndpoint, Levels: allLevels, Default: none, Bounds: "bytes in a calendar month, as 5GB, or none",
		Help:  "most that each endpoint takes over the WAN in a month; less where the device itself says less",
		parse: parsed(ParseSize, writeSize)},
	{Name: CacheQuota, Type: "size", Of: OfEndpoint, Levels: allLevels, Default: none, Bounds: "bytes, as 20GB, or none",
		Help:  "most of its disk that an endpoint's store takes; less where the device itself says less",
		parse: parsed(ParseSize, writeSize)},
	{Name: CacheFloor, Type: "size", Of: OfEndpoint, Levels: allLevels, Default: none, Bounds: "bytes, as 2GB, or none",
		Help:  "what stays free on an endpoint's disk at least; more where the device itself says more",
		parse: parsed(ParseSize, writeSize)},
	{Name: CacheIdle, Type: "duration", Of: OfEndpoint, Levels: allLevels, Default: none, Bounds: "1h to 3650d, or none",
		Help:  "how long an endpoint keeps a version that nothing needs; shorter where the device itself says shorter",
		parse: parsed(ParseIdle, writeDuration)},
}

// Keys lists all settings, in the order in which they are shown.
func Keys() []Key { return slices.Clone(keys) }

// Find returns a setting by its name.
func Find(name string) (Key, error) {
	for _, k := range keys {
		if k.Name == name {
			return k, nil
		}
	}
	var names []string
	for _, k := range keys {
		names = append(names, k.Name)
	}
	return Key{}, fmt.Errorf("there is no setting %.40q; there are %s", name, strings.Join(names, ", "))
}

// Parse checks a value of the setting, and returns it as it is kept.
func (k Key) Parse(text string) (string, error) {
	if len(text) > MaxValueBytes {
		return "", fmt.Errorf("%s: a value of %d bytes, limit %d", k.Name, len(text), MaxValueBytes)
	}
	kept, err := k.parse(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", k.Name, err)
	}
	return kept, nil
}

// May reports what is wrong with setting it at a level.
func (k Key) May(level Level) error {
	if slices.Contains(k.Levels, level) {
		return nil
	}
	return fmt.Errorf("%s holds for a site as a whole and can't be set for one endpoint: set it for the organisation, a tag or a site", k.Name)
}

// Assignment is one setting that is set, or (Value is empty) is not set any more.
type Assignment struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
}

// CheckChanges reports what is wrong with changes at a scope, and returns them with their
// values as they are kept.
func CheckChanges(scope Scope, changes []Assignment) ([]Assignment, error) {
	if err := scope.Check(); err != nil {
		return nil, err
	}
	if len(changes) == 0 {
		return nil, fmt.Errorf("nothing to change: give KEY=VALUE, as %s=5mbit", WANCap)
	}
	out, seen := make([]Assignment, 0, len(changes)), map[string]bool{}
	for _, c := range changes {
		k, err := Find(c.Key)
		if err == nil {
			err = k.May(scope.Level)
		}
		if err == nil && seen[c.Key] {
			err = fmt.Errorf("%s is named twice", c.Key)
		}
		if err == nil && c.Value != "" {
			c.Value, err = k.Parse(c.Value)
		}
		if err != nil {
			return nil, err
		}
		seen[c.Key] = true
		out = append(out, c)
	}
	return out, nil
}
