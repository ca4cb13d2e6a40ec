package catalog

import (
	"slices"

	"github.com/sitecast/sitecast/storage/content"
)

const (
	// MaxBlocks bounds the blocks that stand at a time.
	MaxBlocks = 1000
)

// blocked reports whether a block stands against a version at the site.
func (o Orders) blocked(name, version string) bool {
	return slices.ContainsFunc(o.Rules, func(r Rule) bool {
		return r.Kind == RuleBlock && r.Covers(Selector{Site: o.Site.Name, Name: name, Version: version})
	})
}

// block is what a rule comes to: every version there is or will be.
func (r Rule) block() Purge {
	why := r.By + " blocked " + r.Selector.String()
	if r.Reason != "" {
		why += ": " + r.Reason
	}
	return Purge{Name: r.Name, Version: r.Version, Serial: content.MaxSerial, Why: why, Block: true}
}
