package site

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// Source tells what is wanted of a site.
type Source interface {
	// Desired reads the desired state of a site, and which versions the contents are that
	// browsers there name. It may do I/O.
	Desired(ctx context.Context, site string, named []wire.Named) (Desired, error)
}

// retryDesired is the wait before desired state that could not be read is read
// again.
const retryDesired = time.Second

// instantStep is how long at least it is until the desired state is read again for an
// instant of activation: clocks may be set.
const instantStep = 20 * time.Millisecond

// Hub starts the loops of sites as they are needed, and keeps each supplied with
// the desired state.
type Hub struct {
	// Set by NewHub, then constant.
	cfg    Config
	source Source
	log    *slog.Logger
	wg     sync.WaitGroup

	// mu guards the rest.
	mu    sync.Mutex
	ctx   context.Context // of Run; nil before and after it
	sites map[string]*owned
}

// owned is a site and the goroutine that keeps it supplied.
type owned struct {
	*Site
	changed chan struct{}
}

// NewHub returns a hub whose sites are made like cfg, each with its own name.
func NewHub(cfg Config, source Source) *Hub {
	return &Hub{cfg: cfg, source: source, log: cfg.Log, sites: map[string]*owned{}}
}

// Run lets sites run until ctx ends, and returns when all have stopped.
func (h *Hub) Run(ctx context.Context) error {
	h.mu.Lock()
	h.ctx = ctx
	h.mu.Unlock()
	<-ctx.Done()
	h.mu.Lock()
	h.ctx = nil
	h.mu.Unlock()
	h.wg.Wait()
	return nil
}

// Site returns the loop that owns the named site, starting it if needed. It
// returns nil while the hub does not run.
func (h *Hub) Site(name string) *Site {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ctx == nil {
		return nil
	}
	o := h.sites[name]
	if o == nil {
		cfg := h.cfg
		cfg.Name = name
		o = &owned{New(cfg), make(chan struct{}, 1)}
		o.changed <- struct{}{}
		h.sites[name] = o
		ctx := h.ctx
		h.wg.Go(func() { _ = o.Run(ctx) })
		h.wg.Go(func() { h.supply(ctx, name, o) })
	}
	return o.Site
}

// Running lists the sites whose loops run.
func (h *Hub) Running() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.sites))
}

// Resume lets halted flows go on, at one site or (empty) at all that run, and
// returns how many.
func (h *Hub) Resume(ctx context.Context, name string, ref content.Ref) (total int, err error) {
	h.mu.Lock()
	sites := slices.Collect(maps.Values(h.sites))
	h.mu.Unlock()
	for _, o := range sites {
		if name != "" && o.cfg.Name != name {
			continue
		}
		n, err := o.Resume(ctx, ref)
		if err != nil {
			return total, fmt.Errorf("ask site %s: %w", o.cfg.Name, err)
		}
		total += n
	}
	return total, nil
}

// Changed says that the desired state of a site may have changed; an empty name
// means any site.
func (h *Hub) Changed(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for n, o := range h.sites {
		if name != "" && n != name {
			continue
		}
		select {
		case o.changed <- struct{}{}:
		default: // a change is waiting to be read already
		}
	}
}

// supply reads the desired state after each change and hands it to the loop.
func (h *Hub) supply(ctx context.Context, name string, o *owned) {
	recalled := h.cfg.Memory == nil
	var named []wire.Named
	ends := newAlarm()
	defer ends.timer.Stop()
	instant := time.NewTimer(time.Hour) // when a version is activated
	instant.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.changed:
		case named = <-o.Demands():
		case now := <-ends.timer.C:
			if !ends.rings(now) {
				continue
			}
		case <-instant.C:
		}
		for {
			if !recalled {
				recalled = h.recall(ctx, name, o)
			}
			desired, err := h.source.Desired(ctx, name, named)
			if err == nil {
				ends.set(desired.Until)
				if at := desired.instant(); at.IsZero() {
					instant.Stop()
				} else {
					instant.Reset(max(time.Until(at), instantStep))
				}
				o.Send(Wanted{desired})
				break
			}
			if ctx.Err() != nil {
				return
			}
			h.log.Error("reading what is wanted of a site", "site", name, "err", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(retryDesired):
			}
		}
	}
}

// recall hands what was kept of a site to the loop. A site does without if it must.
func (h *Hub) recall(ctx context.Context, name string, o *owned) bool {
	learned, err := h.cfg.Memory.Recall(ctx, name)
	if err != nil {
		if ctx.Err() == nil {
			h.log.Error("reading what a site learned earlier; it goes on without", "site", name, "err", err)
		}
		return false
	}
	return o.Send(Recalled{learned})
}
