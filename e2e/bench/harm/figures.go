//go:build linux

package main

import (
	"math"
	"slices"
	"time"
)

// never stands for a moment that did not come, where a time is a figure.
const never = -1

// solo is what others get from a cell's WAN while nothing else uses it.
type solo struct {
	BPS       float64 `json:"bps"`                   // of the foreground, at its receiver
	ProbeP95  float64 `json:"probe_p95_seconds"`     // round trip of the voice, alone
	BesideP95 float64 `json:"beside_p95_seconds"`    // and beside the foreground
	WebP50    float64 `json:"web_p50_seconds"`       // of one request
	WebP95    float64 `json:"web_p95_seconds"`       //
	CPU       float64 `json:"cpu"`                   // share of the machine while the foreground ran
	Lost      float64 `json:"beside_lost,omitempty"` // share of the voice's packets beside the foreground
}

// beside is what they get beside a distribution.
type beside struct {
	IdleUse      float64 `json:"idle_use"`                  // of what nobody else used, before the foreground
	IdleP95      float64 `json:"idle_probe_p95_seconds"`    // round trip of the voice beside the distribution alone
	BPS          float64 `json:"bps"`                       // of the foreground
	BesideP95    float64 `json:"beside_p95_seconds"`        // round trip of the voice beside both
	Lost         float64 `json:"beside_lost,omitempty"`     // share of the voice's packets, beside both
	Share        float64 `json:"share"`                     // the distribution's, of the bytes while the foreground ran
	Yield        float64 `json:"yield_seconds"`             // until it took a tenth of the link or less
	Back         float64 `json:"back_seconds"`              // until it had nine tenths of its earlier rate again
	WebP50       float64 `json:"web_p50_seconds,omitempty"` //
	WebP95       float64 `json:"web_p95_seconds,omitempty"` //
	CPU          float64 `json:"cpu"`                       // share of the machine, the larger of idle and beside
	OriginBytes  int64   `json:"origin_bytes,omitempty"`    // content that came over the WAN until the end
	ContentBytes int64   `json:"content_bytes,omitempty"`   // that there was
}

// quantile is the value that a share q of all do not exceed.
func quantile(all []time.Duration, q float64) float64 {
	if len(all) == 0 {
		return never
	}
	all = slices.Sorted(slices.Values(all))
	k := int(math.Ceil(q*float64(len(all)))) - 1
	return all[min(max(k, 0), len(all)-1)].Seconds()
}

// bound is a promise that a cell keeps or does not.
type bound struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
	Least bool    `json:"least,omitempty"` // the limit is the least that will do
}

func (b bound) met() bool {
	if b.Least {
		return b.Value >= b.Limit
	}
	return b.Value <= b.Limit && b.Value > -math.MaxFloat64
}

// judge compares what a cell's traffic had beside a distribution with what it had
// alone.
func judge(c cell, s solo, b beside) []bound {
	added := max(5*time.Millisecond, 4*c.packet()).Seconds()
	yield := max(4*c.rtt, 600*time.Millisecond).Seconds()
	all := []bound{
		{Name: "idle p95", Value: b.IdleP95 - s.ProbeP95, Limit: added},
		{Name: "p95", Value: b.BesideP95 - s.BesideP95, Limit: added},
		{Name: "web", Value: b.WebP95 / s.WebP95, Limit: 1.10},
		{Name: "idle use", Value: b.IdleUse, Limit: 0.93, Least: true},
		{Name: "yield", Value: orInf(b.Yield), Limit: yield},
	}
	switch c.queue {
	case fair:
		// The router gives each its share, whoever asks for more.
		all = append(all, bound{Name: "share", Value: b.Share, Limit: 0.25})
	case halfBDP:
		all = append(all, bound{Name: "kept", Value: b.BPS / s.BPS, Limit: 0.95, Least: true})
	default:
		all = append(all, bound{Name: "kept", Value: b.BPS / s.BPS, Limit: 0.98, Least: true})
	}
	if c.queue != halfBDP {
		all = append(all, bound{Name: "back", Value: orInf(b.Back), Limit: 5})
	}
	return all
}

// orInf makes of a moment that never came one that is too late.
func orInf(seconds float64) float64 {
	if seconds == never {
		return math.MaxFloat64
	}
	return seconds
}

// missed names the bounds that were not met.
func missed(all []bound) (names []string) {
	for _, b := range all {
		if !b.met() {
			names = append(names, b.Name)
		}
	}
	return names
}
