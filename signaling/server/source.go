package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
	"github.com/sitecast/sitecast/storage/policy"
)

// source reads what is wanted of a site from the catalog. Versions never change,
// so those in use are kept.
type source struct {
	catalog catalog.Catalog
	objects blob.Store
	putOff  func(serial uint64) bool // whether patches that are due are made later, as it failed
	log     *slog.Logger
	revoked revoked

	// mu guards the rest.
	mu       sync.Mutex
	verdicts verdicts
	versions map[content.Ref]site.FlowSpec
}

// maxCached bounds the versions kept.
const maxCached = 256

func newSource(c catalog.Catalog, objects blob.Store, putOff func(serial uint64) bool, log *slog.Logger) *source {
	return &source{catalog: c, objects: objects, putOff: putOff, log: log, versions: map[content.Ref]site.FlowSpec{}}
}

// forget has a version read again.
func (s *source) forget(ref content.Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.versions, ref)
	s.verdicts.forget(ref)
}

// Desired implements site.Source.
func (s *source) Desired(ctx context.Context, name string, named []wire.Named) (site.Desired, error) {
	orders, err := s.catalog.Orders(ctx, name)
	if err != nil {
		return site.Desired{}, err
	}
	now := time.Now()
	orders = orders.At(now)
	orders.Now = now
	d := site.Desired{Generation: orders.Generation, Until: orders.Ends(), Together: orders.Together()}
	if err := s.settings(ctx, &orders, &d); err != nil {
		return site.Desired{}, err
	}
	if limit := orders.LineCap(); limit != catalog.NoCap && (d.Cap == wire.Unlimited || limit < d.Cap) {
		d.Cap = limit
	}
	for _, text := range orders.Site.PeersOn {
		on, err := netip.ParsePrefix(text)
		if err != nil {
			return site.Desired{}, fmt.Errorf("networks of %s: %w", name, err)
		}
		d.PeersOn = append(d.PeersOn, on)
	}
	if orders.Site.TZ != "" {
		// It was checked when the site was created. Where this machine does not know it,
		// learned hours are those of UTC.
		if zone, err := time.LoadLocation(orders.Site.TZ); err == nil {
			d.Zone = zone
		}
	}
	if d.TrustSerial, d.Trust, err = s.catalog.Trust(ctx); err != nil {
		return site.Desired{}, err
	}
	if d.Revoked, err = s.revoked.read(ctx, s.catalog); err != nil {
		return site.Desired{}, err
	}
	pins, purges := catalog.Keeping(orders, time.Now())
	for _, p := range pins {
		d.Pins = append(d.Pins, wire.Pin{Content: p.Name, Version: p.Version, Until: p.Until})
	}
	for _, p := range purges {
		d.Purges = append(d.Purges, wire.Purge{Content: p.Name, Version: p.Version, Serial: p.Serial, Why: wire.Clip(p.Why), Block: p.Block})
	}
	all, err := s.demands(ctx, orders, named, &d)
	if err != nil {
		return site.Desired{}, err
	}
	for _, order := range all {
		spec, err := s.version(ctx, content.Ref{Name: order.Name, Version: order.Version})
		if err != nil {
			return site.Desired{}, err
		}
		if err := errors.Join(ordered(&spec, order), s.hold(&d, &spec), s.look(ctx, &spec)); err != nil {
			return site.Desired{}, err
		}
		d.Flows = append(d.Flows, spec)
	}
	return d, nil
}

// ordered fills in how a version is wanted.
func ordered(spec *site.FlowSpec, order catalog.Order) (err error) {
	spec.Priority, spec.Paused, spec.PausedBy = wire.Priority(order.Priority), order.Paused, wire.Clip(order.PausedBy)
	spec.PausedUntil, spec.Capped, spec.Cap, spec.CappedBy = order.PausedUntil, order.Capped, order.Cap, order.CappedBy
	spec.ReadyBy, spec.PreStage, spec.Superseded, spec.OnDemand = order.ReadyBy, order.PreStage, order.Superseded, order.OnDemand
	if when := order.When; when != nil {
		spec.Activate = &site.Activate{At: when.At, Statement: when.Statement}
	}
	if order.Halted { // held, also past an instant that was signed, at which it is read anew
		hold := site.Activate{}
		if spec.Activate != nil {
			hold.At = spec.Activate.At
		}
		spec.Activate = &hold
	}
	spec.NotBefore, spec.Retry = order.NotBefore, order.Retry
	if order.Window != "" {
		if spec.Window, _, err = policy.ParseWindow(order.Window); err != nil {
			return fmt.Errorf("window of %s@%s: %w", order.Name, order.Version, err)
		}
	}
	switch {
	case spec.Superseded && !spec.OnDemand:
		spec.Priority = wire.Low // nobody waits for it
	case spec.Priority == "":
		spec.Priority = wire.Normal
	}
	return nil
}

// demands returns what a site shall have together with what browsers there name, and
// notes which versions that is. Of what can't be had there is none.
func (s *source) demands(ctx context.Context, orders catalog.Orders, named []wire.Named, d *site.Desired) ([]catalog.Order, error) {
	ordered := catalog.Resolve(orders)
	everywhere := slices.Clone(ordered)
	d.Demands = make(map[wire.Named]content.VersionID, len(named))
	for _, n := range named {
		d.Demands[n] = content.VersionID{}
		version, err := catalog.Meant(ctx, s.catalog, everywhere, n.Name, n.Version)
		var spec site.FlowSpec
		if err == nil {
			spec, err = s.version(ctx, content.Ref{Name: n.Name, Version: version})
		}
		if errors.Is(err, catalog.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var ok bool
		if ordered, ok = orders.Demand(ordered, n.Name, version, spec.Head.Serial); ok {
			d.Demands[n] = spec.ID
		}
	}
	return ordered, nil
}

// version reads a version, or remembers it. While its patches are due it is read again.
func (s *source) version(ctx context.Context, ref content.Ref) (site.FlowSpec, error) {
	s.mu.Lock()
	spec, ok := s.versions[ref]
	s.mu.Unlock()
	if ok {
		return spec, nil
	}
	v, err := s.catalog.Version(ctx, ref.Name, ref.Version)
	if err != nil {
		return spec, err
	}
	head, id, err := content.ReadHead(v.Head)
	if err != nil {
		return spec, fmt.Errorf("read %s: %w", ref, err)
	}
	placement, err := catalog.DecodePlacement(v.Placement)
	if err != nil {
		return spec, fmt.Errorf("read %s: %w", ref, err)
	}
	spec = site.FlowSpec{ID: id, Head: head, Envelope: v.Head, Places: make([]schedule.Place, len(placement.Chunks))}
	for i, p := range placement.Chunks {
		spec.Places[i] = schedule.Place{Pack: placement.Packs[p.Pack], Offset: p.Offset, Length: p.Length, Encoding: p.Encoding}
	}
	due := false
	if spec.External, err = s.external(ctx, placement); err == nil && spec.External == nil {
		due, err = s.patch(ctx, &spec)
	}
	if due || err != nil {
		return spec, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.versions) >= maxCached {
		clear(s.versions)
	}
	s.versions[ref] = spec
	return spec, nil
}

// patch fills in what patches a version has, or reports that they are due. Without them
// all comes as it lies in packs.
func (s *source) patch(ctx context.Context, spec *site.FlowSpec) (due bool, err error) {
	p, err := s.catalog.Patches(ctx, spec.Head.Serial)
	switch {
	case err != nil:
		return false, err
	case p.Due:
		if !s.putOff(spec.Head.Serial) {
			spec.PatchesOf = p.Base // so that who could use them waits a little
		}
		return true, nil
	case p.Object == content.Digest{}:
		return false, nil
	}
	object, size, err := s.objects.Open(ctx, p.Object)
	if err == nil {
		defer object.Close() // it is only read from
		var read pack.Patches
		if read, err = pack.ReadPatches(object, size); err == nil && read.Base == p.Base {
			spec.PatchesOf, spec.Patches = p.Base, schedule.PatchesOf(p.Object, read)
		}
	}
	if err != nil && ctx.Err() == nil {
		s.log.Warn("a version goes without its patches", "content", spec.Head.Ref().String(), "err", err)
		err = nil
	}
	return false, err
}
