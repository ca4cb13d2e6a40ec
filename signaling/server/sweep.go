package server

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// sweepTimeout bounds one look for patches of no use: a site may be slow to say what it
// fetches.
const sweepTimeout = time.Minute

// sweep deletes patches that nobody has had a use for since it last looked: those of
// versions that are not the newest of their content, that no site shall have any more, and
// that none fetches. The object goes before what the catalog says of it, so that a stop in
// between leaves nothing; who has a use for it just then takes whole chunks.
func (p *patcher) sweep(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, sweepTimeout)
	defer stop()
	old, err := p.catalog.OldPatches(ctx)
	if err != nil || len(old) == 0 {
		clear(p.useless)
		return err
	}
	used, err := p.used(ctx)
	if err != nil {
		return err
	}
	before := p.useless
	p.useless = map[uint64]bool{}
	var errs []error
	for _, o := range old {
		ref := content.Ref{Name: o.Name, Version: o.Version}
		switch {
		case used[ref]:
		case !before[o.Serial]:
			p.useless[o.Serial] = true
		default:
			errs = append(errs, p.drop(ctx, ref, o))
		}
	}
	return errors.Join(errs...)
}

// drop deletes patches.
func (p *patcher) drop(ctx context.Context, ref content.Ref, o catalog.OldPatches) error {
	if o.Object != (content.Digest{}) {
		if err := p.objects.Delete(ctx, o.Object); err != nil && !errors.Is(err, blob.ErrNotFound) {
			return err
		}
	}
	if err := p.catalog.DropPatches(ctx, o.Serial); err != nil {
		return err
	}
	p.dropped.Add(1)
	p.forget(ref)
	p.log.Info("deleted patches that nobody has a use for", "content", ref.String())
	return nil
}

// used lists the versions that a site shall have, whether it is online or not, and those
// that one fetches.
func (p *patcher) used(ctx context.Context) (map[content.Ref]bool, error) {
	used := map[content.Ref]bool{}
	for after := ""; ; {
		sites, err := p.catalog.Sites(ctx, after, catalog.MaxPage)
		if err != nil {
			return nil, err
		}
		if len(sites) == 0 {
			break
		}
		for _, s := range sites {
			orders, err := p.catalog.Orders(ctx, s.Name)
			if err != nil {
				return nil, err
			}
			for _, order := range catalog.Resolve(orders) {
				if !order.Superseded { // else it is copied at the site
					used[content.Ref{Name: order.Name, Version: order.Version}] = true
				}
			}
		}
		after = sites[len(sites)-1].Name
	}
	running, err := p.running(ctx)
	for _, ref := range running {
		used[ref] = true
	}
	return used, err
}

// running lists the versions that sites which run fetch, or might.
func running(ctx context.Context, hub *site.Hub) (refs []content.Ref, err error) {
	for _, name := range hub.Running() {
		s := hub.Site(name)
		if s == nil {
			return nil, site.ErrStopped
		}
		view, err := s.View(ctx)
		if err != nil {
			return nil, err
		}
		for _, f := range view.Flows {
			if ref := (content.Ref{Name: f.Content, Version: f.Version}); (!f.Superseded || f.OnDemand) && !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
		}
	}
	return refs, nil
}
