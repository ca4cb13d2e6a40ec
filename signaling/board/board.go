// Package board keeps what sites show, for lists and for those who watch. Who looks has
// the sites asked that may have changed since somebody looked last, so many who watch
// cost the sites no more than one, and a site where nothing goes on is not asked at all.
// It starts nothing by itself: while nobody looks, nothing happens.
//
// What a site showed is never changed but replaced, and each flow and endpoint of it has
// the number of the change that made it what it is: who has seen all up to a number is
// told what came after it.
package board

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	// Every is how often those who watch look.
	Every = 500 * time.Millisecond
	// asksAtOnce is how many sites are asked at a time.
	asksAtOnce = 8
	// askTimeout bounds the wait for one site's answer.
	askTimeout = 5 * time.Second
	// timely is how old what a site with endpoints shows may be. Some of it follows from
	// the time alone, as that a report was too long ago to count.
	timely = 10 * time.Second
	// longAgo is the same for who does not look at it.
	longAgo = time.Minute
	// peekEvery is how often at most it is asked at which sites something was ordered: more
	// often than those who watch look, who do not look at the same time.
	peekEvery = Every / 2
	// lookPart: looking at all sites takes one part in so many of the time.
	lookPart = 40
	// maxGone bounds the flows and endpoints remembered that are not shown any more.
	maxGone = 4096
)

// Board is what the sites of a hub show. It may be used by several goroutines.
type Board struct {
	// Set by New, then constant.
	hub *site.Hub
	// running is held by who asks all running sites.
	running sync.Mutex

	// mu guards the rest.
	mu     sync.Mutex
	seq    uint64 // of the last change
	sites  map[string]*Shown
	gone   []ended // the last that ended, oldest first
	lost   uint64  // the number of the last that was dropped from gone
	looked time.Time
	peeked time.Time     // when it was asked last where something was ordered
	rest   time.Duration // after that, until all are looked at again
	sum    Summary       // of all
	summed time.Time
	news   []StateChange // the last ones, oldest first
}

// Shown is what a site showed when it was last asked. Nobody changes it.
type Shown struct {
	Site      string
	At        time.Time
	Flows     []Item[site.FlowView]     // by key
	Endpoints []Item[site.EndpointView] // online, by key
	Lines     []site.LineView
	Effects   []site.EffectView // of the rules set last
	Summary

	stirs  uint64 // of the site, before it was asked
	orders uint64
	seq    uint64 // the highest of its items
}

// Item is a flow or an endpoint, and the change since which it is as it is.
type Item[T any] struct {
	Key  string
	Seq  uint64
	View T
}

// ended is a flow or an endpoint that is not shown any more.
type ended struct {
	seq       uint64
	endpoint  bool
	site, key string
}

// New returns a board of the sites that a hub runs.
func New(hub *site.Hub) *Board { return &Board{hub: hub, sites: map[string]*Shown{}} }

// FlowKey is the key of a flow within its site.
func FlowKey(f site.FlowView) string { return f.Content + "@" + f.Version }

// Look has the named sites asked whose loops may show something else than when they
// were last asked, and starts those that do not run. They must exist.
func (b *Board) Look(ctx context.Context, names []string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(asksAtOnce)
	now := time.Now()
	for _, name := range names {
		if !b.due(name, now, timely) {
			continue
		}
		group.Go(func() error { return b.ask(ctx, name) })
	}
	return group.Wait()
}

// LookAtStirred has those running sites asked where something stirred, and others where that
// was done long ago: for who writes down what changes, and does not look at the clock. A
// site that does not answer shows what it did; the error is that of the first.
func (b *Board) LookAtStirred(ctx context.Context) error {
	var group errgroup.Group // the others are asked all the same
	group.SetLimit(asksAtOnce)
	now := time.Now()
	for _, name := range b.hub.Running() {
		if b.due(name, now, longAgo) {
			group.Go(func() error { return b.ask(ctx, name) })
		}
	}
	return group.Wait()
}

// LookAtRunning is Look for all sites that run, unless that was done a moment ago: within
// Every, or longer where there are so many that to look takes its time. Meanwhile it looks
// where something was ordered, which somebody waits to see. Who comes while somebody does
// it sees what is there already.
func (b *Board) LookAtRunning(ctx context.Context) error {
	if !b.running.TryLock() {
		return nil
	}
	defer b.running.Unlock()
	now := time.Now()
	b.mu.Lock()
	fresh, peeked := !b.looked.IsZero() && now.Sub(b.looked) < b.rest, now.Sub(b.peeked) < peekEvery
	if !peeked {
		b.peeked = now
	}
	b.mu.Unlock()
	switch {
	case fresh && peeked:
		return nil
	case fresh:
		return b.Look(ctx, slices.DeleteFunc(b.hub.Running(), func(name string) bool { return !b.ordered(name) }))
	}
	if err := b.Look(ctx, b.hub.Running()); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looked, b.rest = now, restAfter(time.Since(now))
	return nil
}

// restAfter is how long after a look at all sites that took so long there is another one.
// To show what goes on at thousands of sites must not keep the server from leading them.
func restAfter(took time.Duration) time.Duration { return min(max(Every, lookPart*took), timely) }

// ordered reports whether something was ordered at a site since it was asked.
func (b *Board) ordered(name string) bool {
	shown, owner := b.Site(name), b.hub.Live(name)
	return shown != nil && owner != nil && owner.Orders() != shown.orders
}

// due reports whether a site is to be asked, where what it shows may be so old.
func (b *Board) due(name string, now time.Time, old time.Duration) bool {
	shown, owner := b.Site(name), b.hub.Live(name)
	if shown == nil || owner == nil || owner.Stirs() != shown.stirs {
		return true
	}
	return len(shown.Endpoints) > 0 && now.Sub(shown.At) >= old
}

// ask takes in what a site shows.
func (b *Board) ask(ctx context.Context, name string) error {
	owner := b.hub.Site(name)
	if owner == nil {
		return site.ErrStopped
	}
	ctx, stop := context.WithTimeout(ctx, askTimeout)
	defer stop()
	stirs, orders := owner.Stirs(), owner.Orders()
	view, err := owner.View(ctx)
	if err != nil {
		return fmt.Errorf("ask site %s: %w", name, err)
	}
	shown := &Shown{Site: name, At: time.Now(), Lines: view.Lines, Effects: view.Effects, Summary: summarize(view), stirs: stirs, orders: orders}
	for _, f := range view.Flows {
		shown.Flows = append(shown.Flows, Item[site.FlowView]{Key: FlowKey(f), View: f})
	}
	for _, e := range view.Endpoints {
		shown.Endpoints = append(shown.Endpoints, Item[site.EndpointView]{Key: string(e.ID), View: e})
	}
	byKey(shown.Flows)
	byKey(shown.Endpoints)
	b.put(shown)
	return nil
}

func byKey[T any](items []Item[T]) {
	slices.SortFunc(items, func(a, b Item[T]) int { return cmp.Compare(a.Key, b.Key) })
}

// put replaces what a site showed, unless somebody was faster who asked later.
func (b *Board) put(now *Shown) {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.sites[now.Site]
	if was == nil {
		was = &Shown{}
	}
	if was.stirs > now.stirs {
		return
	}
	seq := b.seq + 1
	flows, changed := merge(was.Flows, now.Flows, sameFlow, seq)
	endpoints, also := merge(was.Endpoints, now.Endpoints, sameEndpoint, seq)
	now.seq = was.seq
	if changed || also {
		b.seq, now.seq = seq, seq
	}
	b.end(seq, false, now.Site, flows)
	b.end(seq, true, now.Site, endpoints)
	b.note(stateChanges(was, now))
	b.sites[now.Site] = now
}

// end remembers what is not shown any more. mu is held.
func (b *Board) end(seq uint64, endpoint bool, site string, keys []string) {
	for _, key := range keys {
		b.gone = append(b.gone, ended{seq, endpoint, site, key})
	}
	if over := len(b.gone) - maxGone; over > 0 {
		b.lost = b.gone[over-1].seq
		b.gone = slices.Delete(b.gone, 0, over)
	}
}

// Site is what a site showed; nil for one that was never asked.
func (b *Board) Site(name string) *Shown {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sites[name]
}

// All is what all sites showed that were asked, by name.
func (b *Board) All() []*Shown {
	b.mu.Lock()
	all := slices.Collect(maps.Values(b.sites))
	b.mu.Unlock()
	bySite(all)
	return all
}

func bySite(all []*Shown) {
	slices.SortFunc(all, func(a, b *Shown) int { return strings.Compare(a.Site, b.Site) })
}

// Online is an endpoint as it is shown; false for one that is not online there.
func (s *Shown) Online(id string) (site.EndpointView, bool) {
	if s == nil {
		return site.EndpointView{}, false
	}
	i, found := slices.BinarySearchFunc(s.Endpoints, id, func(e Item[site.EndpointView], id string) int { return strings.Compare(e.Key, id) })
	if !found {
		return site.EndpointView{}, false
	}
	return s.Endpoints[i].View, true
}

// browser is the kind of endpoints that are pages.
const browser = wire.DeviceBrowser
