package server

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/rollout"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/target"
)

// rollouts sees to distributions in rings: it looks at what the sites show, has package
// rollout decide, and keeps that in the catalog, from which the sites are told. It also has
// the sites read again what is wanted of them when a distribution begins that was not to
// begin before. While no rollout goes on it does nothing.
type rollouts struct {
	// Set by newRollouts, then constant.
	catalog catalog.Catalog
	board   *board.Board
	changed func() // told when sites shall have something else
	log     *slog.Logger
	wake    chan struct{}

	// Owned by run.
	begins time.Time // when the next distribution does; zero: none is to

	// mu guards the rest, and is held while somebody looks.
	mu       sync.Mutex
	memories map[int64]*rollout.Memory
	recent   map[string][]string // ids of endpoints that were online lately, by site
	counted  time.Time           // when they were read
}

const (
	// rolloutEvery is how often a rollout that goes on is looked at.
	rolloutEvery = 5 * time.Second
	// rolloutIdle is how often it is looked whether there is one, beside when one is made.
	rolloutIdle = time.Hour
	// recentLasts is how long it is believed who was online lately.
	recentLasts = time.Minute
	// rolloutName is who opens and halts, for the audit log.
	rolloutName = "rollout"
)

func newRollouts(c catalog.Catalog, hub *site.Hub, changed func(), log *slog.Logger) *rollouts {
	return &rollouts{catalog: c, board: board.New(hub), changed: changed, log: log, wake: make(chan struct{}, 1), memories: map[int64]*rollout.Memory{}}
}

// Wake has it looked at once: a rollout was made, or changed. It does not block.
func (r *rollouts) Wake() {
	select {
	case r.wake <- struct{}{}:
	default: // it looks anyhow
	}
}

// run sees to them until ctx ends.
func (r *rollouts) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		case <-timer.C:
		}
		again, err := r.round(ctx)
		if err != nil && ctx.Err() == nil {
			r.log.Error("looking at rollouts; it is done again", "err", err)
			again = rolloutEvery
		}
		timer.Reset(again)
	}
}

// round looks once, and returns when to look again.
func (r *rollouts) round(ctx context.Context) (again time.Duration, err error) {
	now := time.Now()
	if !r.begins.IsZero() && !now.Before(r.begins) {
		r.changed()
	}
	if r.begins, err = r.catalog.NextNotBefore(ctx, now); err != nil {
		return 0, err
	}
	again = rolloutIdle
	if !r.begins.IsZero() {
		again = min(again, max(r.begins.Sub(now), time.Millisecond))
	}
	live, err := r.catalog.RolloutsBefore(ctx, 0, catalog.MaxPage, true)
	if err != nil {
		return 0, err
	}
	r.forget(live)
	live = slices.DeleteFunc(live, func(d catalog.Distribution) bool { return d.Rollout.State == catalog.RolloutHalted })
	if len(live) == 0 {
		return again, nil
	}
	places, err := r.places(ctx)
	if err != nil {
		return 0, err
	}
	for _, d := range live {
		if err := r.proceed(ctx, d, places, now); err != nil {
			return 0, err
		}
	}
	return min(again, rolloutEvery), nil
}

// errMoved means that somebody else changed a rollout meanwhile.
var errMoved = errors.New("it was changed meanwhile")

// proceed decides about one rollout, and keeps what matters of that. The words with the
// figures of the moment are not kept.
func (r *rollouts) proceed(ctx context.Context, d catalog.Distribution, places []rollout.Place, now time.Time) error {
	after := rollout.Decide(d.Rings, d.Rollout, d.NotBefore, r.observe(d, places, now), now)
	if sameButReason(after, d.Rollout) {
		return nil
	}
	action := ""
	switch {
	case after.State == catalog.RolloutHalted:
		action = "halt rollout"
	case after.State == catalog.RolloutDone:
		action = "end rollout"
	case after.Open > d.Rollout.Open:
		action = "open ring"
	}
	_, err := r.catalog.ChangeRollout(ctx, rolloutName, action, d.ID, func(is catalog.Distribution) (catalog.Rollout, error) {
		if is.Rollout != d.Rollout {
			return is.Rollout, errMoved
		}
		return after, nil
	})
	if errors.Is(err, errMoved) {
		return nil // it is looked at again
	}
	if err != nil {
		return err
	}
	if action != "" {
		r.log.Info(action, "rollout", d.ID, "content", d.Name+"@"+d.Version, "open", after.Open, "why", after.Reason)
	}
	if after.Open != d.Rollout.Open || after.Upto != d.Rollout.Upto || after.Stopped != d.Rollout.Stopped {
		r.changed()
		r.Wake()
	}
	return nil
}

// sameButReason reports whether nothing is to be kept.
func sameButReason(a, b catalog.Rollout) bool {
	a.Reason, b.Reason = "", ""
	return a == b
}

// observe sums up what is seen of the rings.
func (r *rollouts) observe(d catalog.Distribution, places []rollout.Place, now time.Time) []rollout.Figures {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.memories[d.ID]
	if m == nil {
		m = new(rollout.Memory)
		r.memories[d.ID] = m
	}
	return m.Observe(d, places, now)
}

// forget drops what is known of rollouts that ended.
func (r *rollouts) forget(live []catalog.Distribution) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.memories {
		if !slices.ContainsFunc(live, func(d catalog.Distribution) bool { return d.ID == id }) {
			delete(r.memories, id)
		}
	}
}

// Look is what is seen of a distribution now, for who asks.
func (r *rollouts) Look(ctx context.Context, d catalog.Distribution) (rollout.Seen, error) {
	places, err := r.places(ctx)
	if err != nil {
		return rollout.Seen{}, err
	}
	now := time.Now()
	seen := rollout.Seen{Rings: r.observe(d, places, now), Missed: rollout.Late(d, places, now)}
	seen.Reason = rollout.Decide(d.Rings, d.Rollout, d.NotBefore, seen.Rings, now).Reason
	return seen, nil
}

// places are all sites as they are seen now, by name.
func (r *rollouts) places(ctx context.Context) (places []rollout.Place, err error) {
	if err := r.board.LookAtRunning(ctx); err != nil {
		return nil, err
	}
	recent, err := r.lately(ctx)
	if err != nil {
		return nil, err
	}
	sites, err := sitesOf(ctx, r.catalog)
	if err != nil {
		return nil, err
	}
	for _, s := range sites {
		p := rollout.Place{Site: s, Recent: recent[s.Name]}
		if shown := r.board.Site(s.Name); shown != nil {
			for _, f := range shown.Flows {
				p.Flows = append(p.Flows, f.View)
			}
			for _, e := range shown.Endpoints {
				p.Endpoints = append(p.Endpoints, e.View)
			}
		}
		places = append(places, p)
	}
	return places, nil
}

// sitesOf lists all sites, as targets are asked about them.
func sitesOf(ctx context.Context, c catalog.Catalog) (out []target.Site, err error) {
	tags, err := c.TagsOf(ctx)
	if err != nil {
		return nil, err
	}
	for after := ""; ; {
		page, err := c.Sites(ctx, after, catalog.MaxPage)
		if err != nil {
			return nil, err
		}
		for _, s := range page {
			out, after = append(out, target.Site{Name: s.Name, TZ: s.TZ, Tags: tags[s.Name]}), s.Name
		}
		if len(page) < catalog.MaxPage {
			return out, nil
		}
	}
}

// lately lists the endpoints that were online in the time that counts, by the site where
// they enrolled. Those that roam are counted where they are, and those that were revoked
// nowhere.
func (r *rollouts) lately(ctx context.Context) (map[string][]string, error) {
	now := time.Now()
	r.mu.Lock()
	recent, fresh := r.recent, !r.counted.IsZero() && now.Sub(r.counted) < recentLasts
	r.mu.Unlock()
	if fresh {
		return recent, nil
	}
	revoked, err := catalog.AllRevoked(ctx, r.catalog)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, one := range revoked {
		out[one.Endpoint] = true
	}
	recent = map[string][]string{}
	for after := ""; ; {
		page, err := r.catalog.Endpoints(ctx, "", after, catalog.MaxPage)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if after = e.ID; !e.Roaming && !out[e.ID] && now.Sub(e.LastSeen) < catalog.Lately {
				recent[e.Site] = append(recent[e.Site], e.ID)
			}
		}
		if len(page) < catalog.MaxPage {
			break
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recent, r.counted = recent, now
	return recent, nil
}
