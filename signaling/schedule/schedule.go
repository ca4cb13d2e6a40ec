// Package schedule decides what a site does: which endpoints link to each other
// and when they are dialed, what the next lease covers and who gets it, how a
// bandwidth cap is shared, which rate suffices for flows to be complete in time, and
// when they will be. It is pure: no clock, no goroutine, no socket; equal
// inputs give equal answers. To act on the answers is for package site.
package schedule

import (
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// Member is what placing links and leases needs to know of an endpoint.
type Member struct {
	ID       wire.EndpointID
	Device   string
	Battery  bool
	Wireless bool
	Subnet   string // the first of its own prefixes; "" when unknown
	Fetcher  bool   // it fetches from the origin now
	Since    int64  // when it came online, any unit
	// Only are the flows that it takes part in; nil: in all.
	Only []content.VersionID
}
