package server

import (
	"context"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/policy"
)

// settings fills in what holds at a site and at its endpoints. Orders are resolved with
// what holds there, too.
func (s *source) settings(ctx context.Context, orders *catalog.Orders, d *site.Desired) error {
	name := orders.Site.Name
	book, err := s.catalog.Policy(ctx, name)
	if err != nil {
		return err
	}
	values := book.Values(name, "")
	set, err := values.SiteSettings()
	if err != nil { // of a newer release: what can be read holds
		s.log.Error("a setting can't be read; it is as by default", "site", name, "err", err)
	}
	orders.Site.Replicas, orders.Site.PeersOn = set.Replicas, set.PeersOn
	d.Cap, d.HoldOff, d.CapHours, d.Windows, d.NoRelay = set.Cap, set.HoldOff, set.CapHours, set.Windows, set.NoRelay
	d.Allowance, d.LineRate = max(set.Allowance, 0), max(set.Rate, 0)
	d.Limits, d.Own = s.limits(values), map[wire.EndpointID]wire.Limits{}
	for _, id := range book.Particular() {
		if own := s.limits(book.Values(name, id)); own != d.Limits {
			d.Own[wire.EndpointID(id)] = own
		}
	}
	return nil
}

// limits is what an endpoint is told, of the values that hold there.
func (s *source) limits(values policy.Values) wire.Limits {
	set, err := values.EndpointSettings()
	if err != nil {
		s.log.Error("a setting of endpoints can't be read; it is as by default", "err", err)
	}
	return wire.Limits{Allowance: max(set.Allowance, 0), CacheQuota: max(set.CacheQuota, 0), CacheFloor: max(set.CacheFloor, 0),
		CacheIdleMs: max(set.CacheIdle.Milliseconds(), 0)}
}
