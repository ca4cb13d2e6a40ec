package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// cleaner removes versions that neither the rule of retention nor anything else keeps,
// and deletes objects that no version names. It deletes only what the catalog had noted,
// so objects of others in the same bucket stay, and so do all if the catalog was lost.
//
// An object is doomed first, with which the catalog forgets what lies in it: from then on
// no version can be published that names it. Only then it is deleted, and after that the
// catalog forgets that it was doomed. Whatever comes in between, the next run goes on.
type cleaner struct {
	// Set by newCleaner, then constant.
	catalog catalog.Catalog
	objects blob.Store
	log     *slog.Logger
	// running lists what sites fetch now, and forget is told of versions that are removed.
	running func(context.Context) ([]content.Ref, error)
	forget  func(content.Ref)

	// Owned by run.
	packs    map[uint64][]content.Digest // of each version, by serial
	surveyed extent                      // what was there when it was last counted how much is needed

	// mu guards the rest.
	mu    sync.Mutex
	found api.Occupancy
}

// extent tells one set of versions and packs from another.
type extent struct {
	versions, packs, unused int
	serials                 uint64 // added up
}

const (
	// collectEvery is how often it is looked for what is not needed.
	collectEvery = time.Hour
	// unusedGrace is how long an object stays that no version names: it may be on its way
	// to be named.
	unusedGrace = 24 * time.Hour
	// publishGrace is how long a version that is reserved keeps all that was uploaded
	// since, or that its publisher was told is there.
	publishGrace = 72 * time.Hour
	// collectTimeout bounds a run.
	collectTimeout = 30 * time.Minute
	// doomAtOnce is how many objects are doomed in one change of the catalog.
	doomAtOnce = 8
	// cleanerName is who removes, for the audit log.
	cleanerName = "retention"
)

func newCleaner(c catalog.Catalog, objects blob.Store, log *slog.Logger) *cleaner {
	return &cleaner{catalog: c, objects: objects, log: log, forget: func(content.Ref) {},
		running: func(context.Context) ([]content.Ref, error) { return nil, nil }, packs: map[uint64][]content.Digest{}}
}

// run collects until ctx ends.
func (c *cleaner) run(ctx context.Context) error {
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	for {
		if err := c.collect(ctx); err != nil && ctx.Err() == nil {
			c.log.Error("collecting what is not needed at the origin; it is done again", "err", err, "again", time.Now().Add(collectEvery))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// occupancy is what was found at the last run.
func (c *cleaner) occupancy() api.Occupancy {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.found
}

// collect is one run. What one before it left half done comes first.
func (c *cleaner) collect(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, collectTimeout)
	defer stop()
	began := time.Now()
	noted, err := c.catalog.Unused(ctx)
	if err != nil {
		return err
	}
	for _, u := range noted {
		if u.Doomed {
			if err := c.delete(ctx, u.Object); err != nil {
				return err
			}
		}
	}
	versions, err := c.expire(ctx, began)
	if err != nil {
		return err
	}
	return c.sweep(ctx, versions, began)
}

// expire removes the versions that are not kept, and returns the others.
func (c *cleaner) expire(ctx context.Context, now time.Time) ([]catalog.PublishedVersion, error) {
	versions, err := c.published(ctx)
	if err != nil {
		return nil, err
	}
	rule, err := c.catalog.Retention(ctx)
	if err != nil {
		return nil, err
	}
	expired := rule.Expired(versions, now)
	if len(expired) == 0 {
		return versions, nil
	}
	facts, err := catalog.Survey(ctx, c.catalog)
	if err != nil {
		return nil, err
	}
	if facts.Fetched, err = c.running(ctx); err != nil {
		return nil, err
	}
	needed := catalog.Needed(facts, now)
	for _, v := range expired {
		if len(needed(v.Ref)) > 0 {
			continue
		}
		err := c.catalog.Remove(ctx, cleanerName, v.Ref, facts.Generation)
		if errors.Is(err, catalog.ErrConflict) {
			break // something was ordered just now: the next run sees it
		}
		if err != nil && !errors.Is(err, catalog.ErrNotFound) {
			return nil, err
		}
		c.forget(v.Ref)
		c.log.Info("removed a version that is not kept", "content", v.Ref.String(), "rule", rule.String())
		versions = slices.DeleteFunc(versions, func(other catalog.PublishedVersion) bool { return other.Serial == v.Serial })
	}
	return versions, nil
}

func (c *cleaner) published(ctx context.Context) (all []catalog.PublishedVersion, err error) {
	for after := uint64(0); ; {
		page, err := c.catalog.Published(ctx, after, catalog.MaxPage)
		if err != nil || len(page) == 0 {
			return all, err
		}
		after = page[len(page)-1].Serial
		all = append(all, page...)
	}
}

// sweep deletes what no version names.
func (c *cleaner) sweep(ctx context.Context, versions []catalog.PublishedVersion, began time.Time) error {
	used, err := c.used(ctx, versions)
	if err != nil {
		return err
	}
	packs, err := c.catalog.Packs(ctx)
	if err != nil {
		return err
	}
	noted, err := c.catalog.Unused(ctx)
	if err != nil {
		return err
	}
	before, err := c.cutoff(ctx, began)
	if err != nil {
		return err
	}
	todo := catalog.Collect(used, packs, noted, before)
	if err := errors.Join(c.catalog.NoteUnused(ctx, todo.Note), c.catalog.NoteUsed(ctx, todo.Forget, began)); err != nil {
		return err
	}
	deleted := 0
	for some := range slices.Chunk(todo.Doom, doomAtOnce) {
		doomed, err := c.catalog.Doom(ctx, some, before)
		if err != nil {
			return err
		}
		for _, object := range doomed {
			if err := c.delete(ctx, object); err != nil {
				return err
			}
			deleted++
		}
	}
	if deleted > 0 {
		c.log.Info("deleted objects that no version names", "objects", deleted)
		if err := c.catalog.Note(ctx, cleanerName, "delete objects", "the origin", fmt.Sprintf("%d that no version names", deleted)); err != nil {
			return err
		}
	}
	return c.survey(ctx, versions, began)
}

// cutoff is before when an object has to be unused to be deleted now.
func (c *cleaner) cutoff(ctx context.Context, now time.Time) (time.Time, error) {
	before := now.Add(-unusedGrace)
	reserved, err := c.catalog.Reserved(ctx, now.Add(-publishGrace))
	if !reserved.IsZero() && reserved.Before(before) {
		before = reserved
	}
	return before, err
}

// used lists all objects that versions and their patches name.
func (c *cleaner) used(ctx context.Context, versions []catalog.PublishedVersion) (map[content.Digest]bool, error) {
	used, packs := map[content.Digest]bool{}, make(map[uint64][]content.Digest, len(versions))
	for _, v := range versions {
		in, ok := c.packs[v.Serial]
		if !ok {
			p, err := c.placement(ctx, v)
			if errors.Is(err, catalog.ErrNotFound) {
				continue // it was removed just now
			}
			if err != nil {
				return nil, err
			}
			in = p.Packs
		}
		packs[v.Serial] = in
		used[v.Body] = true
		for _, pack := range in {
			used[pack] = true
		}
	}
	c.packs = packs
	patched, err := c.catalog.Patched(ctx)
	for _, p := range patched {
		used[p.Object] = true
	}
	return used, err
}

// placement reads where a version lies. One that can't be read ends the run: what it
// names is not known.
func (c *cleaner) placement(ctx context.Context, v catalog.PublishedVersion) (catalog.Placement, error) {
	kept, err := c.catalog.Version(ctx, v.Name, v.Version)
	if err != nil {
		return catalog.Placement{}, err
	}
	p, err := catalog.DecodePlacement(kept.Placement)
	if err != nil {
		return p, fmt.Errorf("what %s names is not known, so nothing is deleted: %w", v.Ref, err)
	}
	return p, nil
}

// delete deletes a doomed object.
func (c *cleaner) delete(ctx context.Context, object content.Digest) error {
	if err := c.objects.Delete(ctx, object); err != nil && !errors.Is(err, blob.ErrNotFound) {
		return err
	}
	return c.catalog.Deleted(ctx, object)
}

// survey counts how much of the packs is needed, unless nothing changed.
func (c *cleaner) survey(ctx context.Context, versions []catalog.PublishedVersion, now time.Time) error {
	packs, err := c.catalog.Packs(ctx)
	if err != nil {
		return err
	}
	noted, err := c.catalog.Unused(ctx)
	if err != nil {
		return err
	}
	extent := extent{versions: len(versions), packs: len(packs), unused: len(noted)}
	for _, v := range versions {
		extent.serials += v.Serial
	}
	if extent == c.surveyed {
		return nil
	}
	live := catalog.Occupancy{}
	for _, v := range versions {
		p, err := c.placement(ctx, v)
		if errors.Is(err, catalog.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		live.Add(p)
	}
	found := api.Occupancy{At: now, Versions: len(versions), Packs: len(packs), Unused: len(noted)}
	for _, p := range packs {
		of := live.Live(p.Digest)
		found.Bytes += p.Bytes
		found.Dead += max(p.Bytes-of, 0)
		if of > 0 && of < p.Bytes {
			found.Partly++
		}
	}
	c.surveyed = extent
	c.mu.Lock()
	defer c.mu.Unlock()
	c.found = found
	return nil
}
