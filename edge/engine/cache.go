package engine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math/bits"
	"reflect"
	"slices"
	"time"

	"github.com/sitecast/sitecast/edge/cache"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// Disk is what the cache has to know of the file system that the store is on.
type Disk interface {
	// Room returns its bytes, and those of them that are available. It may block.
	Room() (size, free int64, err error)
	// Needs returns the bytes that a version takes when it is opened anew, and how many of
	// them need no room as long as the versions stay with which it shares blocks. It
	// may block.
	Needs(ctx context.Context, head content.Head, body *content.Body) (all, shared int64)
}

// Cache is what decides how long the store keeps what it has.
type Cache struct {
	Disk   Disk
	Policy cache.Policy
	Memory cache.Memory // as Save last got it; nil: nothing is remembered
	// Save keeps the memory for the next start. It may block.
	Save func(cache.Memory) error
}

const (
	// tendInterval is how often the disk is looked at; what comes and goes is looked
	// at once.
	tendInterval = time.Minute
	// saveInterval is how old the times that are kept may be, when nothing came or went.
	saveInterval = time.Hour
	// maxEvicted bounds the evictions shown.
	maxEvicted = 20
)

// keeper is the state of the cache. The loop owns it.
type keeper struct {
	Cache
	own       cache.Policy // as this computer has it: Policy is that within what the server says
	known     bool         // the server said what is wanted: before, nothing goes
	due       time.Time
	measuring bool
	turn      uint64 // grows whenever the store changes: room that was measured earlier is void
	size      int64  // of the disk, as measured last
	free      int64
	full      bool                        // the disk refused what it seemed to have room for
	going     map[content.VersionID]int64 // bytes that are being removed
	evicted   []EvictedStatus             // newest last
	counts    map[cache.Rule]int64
	pins      []wire.Pin // as the server said last
	purges    []wire.Purge
	copies    []wire.Copies
	stock     *wire.Stock // as the server knows it in this session
	page      int         // which of the spare versions it names
	paged     time.Time   // since when
	stale     bool        // something came, went or was superseded since the memory was kept
	savedAt   time.Time
}

func newKeeper(c *Cache) *keeper {
	if c == nil {
		return nil
	}
	k := &keeper{Cache: *c, own: c.Policy, going: map[content.VersionID]int64{}, counts: map[cache.Rule]int64{}}
	if k.Memory == nil {
		k.Memory = cache.Memory{}
	}
	return k
}

// changed has the cache look at the store at once.
func (k *keeper) changed() {
	if k != nil {
		k.turn++
		k.due = time.Time{}
	}
}

// tend looks after the disk when it is due, and returns when it will be.
func (e *Engine) tend(now time.Time) time.Time {
	k := e.cache
	if k == nil {
		return time.Time{}
	}
	if k.measuring || now.Before(k.due) {
		return k.due
	}
	k.due, k.measuring = now.Add(tendInterval), true
	e.measure(nil)
	return k.due
}

// measure asks the disk, for a flow that shall be opened or (nil) for all.
func (e *Engine) measure(f *flow) {
	k := e.cache
	ev := measured{f: f, turn: k.turn}
	var head content.Head
	var body *content.Body
	if f != nil {
		head, body = f.head, f.spec
	}
	e.wg.Go(func() {
		if ev.size, ev.free, ev.err = k.Disk.Room(); ev.err == nil && f != nil {
			ev.all, ev.shared = k.Disk.Needs(e.ctx, head, body)
		}
		e.post(ev)
	})
}

type measured struct {
	f           *flow
	size, free  int64
	all, shared int64 // bytes that the flow takes, and of those what needs no room
	turn        uint64
	err         error
}

func (ev measured) apply(e *Engine, now time.Time) {
	k := e.cache
	switch {
	case ev.f != nil && e.stale(ev.f):
		e.flows[ev.f.id].opening = false
		return
	case ev.err != nil:
		e.log.Warn("asking for the room on the disk", "err", ev.err)
	case ev.turn != k.turn: // it was before something came or went
		e.measure(ev.f)
		return
	default:
		k.size, k.free = ev.size, ev.free
	}
	if ev.f != nil {
		e.admit(now, ev)
		return
	}
	k.measuring = false
	e.remember(now)
	if ev.err != nil {
		return
	}
	if k.known {
		plan := cache.Decide(k.Policy, e.holdings())
		k.full = false
		e.evict(plan.Evict, nil)
	} else if len(e.stager.blocks) > 0 { // as they were kept
		e.evict(cache.Blocked(k.Policy, e.holdings()), nil)
	}
	e.takeStock(now)
}

// takeStock tells the server what the store holds and how much more it would take,
// when that is new to it.
func (e *Engine) takeStock(now time.Time) {
	k := e.cache
	if !e.connected {
		return
	}
	state := e.holdings()
	stock := &wire.Stock{Room: roughly(cache.Room(k.Policy, state)), Free: roughly(cache.Free(k.Policy, state))}
	used, budget := cache.Fill(k.Policy, state)
	stock.Used, stock.Budget = used, roughly(budget)
	for id, f := range e.flows {
		if f.stored && f.whole && len(stock.Holds) < wire.MaxFlows {
			stock.Holds = append(stock.Holds, id)
		}
	}
	slices.SortFunc(stock.Holds, func(a, b content.VersionID) int { return bytes.Compare(a[:], b[:]) })
	stock.Spare, stock.Activation = e.spare(now), e.uses().Activation
	if !reflect.DeepEqual(stock, k.stock) && e.cfg.Uplink.Send(wire.KindStock, *stock) {
		k.stock = stock
	}
}

// roughly rounds down to a sixteenth: room changes with every byte that is written.
func roughly(bytes int64) int64 {
	return bytes &^ (1<<max(bits.Len64(uint64(bytes))-4, 0) - 1)
}

// spare names what is stored and no flow needs; where that is more than a message
// takes, the next ones after a while.
func (e *Engine) spare(now time.Time) (spare []wire.Spare) {
	for id, f := range e.flows {
		if f.stored && !slices.Contains(e.order, id) {
			spare = append(spare, spareOf(f.head))
		}
	}
	slices.SortFunc(spare, func(a, b wire.Spare) int {
		return cmp.Or(cmp.Compare(a.Content, b.Content), cmp.Compare(a.Serial, b.Serial), cmp.Compare(a.Version, b.Version))
	})
	k := e.cache
	if now.Sub(k.paged) >= tendInterval {
		k.page, k.paged = k.page+1, now
	}
	pages := (len(spare) + wire.MaxKeeping - 1) / wire.MaxKeeping
	if pages < 2 {
		return spare
	}
	from := k.page % pages * wire.MaxKeeping
	return spare[from:min(from+wire.MaxKeeping, len(spare))]
}

func spareOf(h content.Head) wire.Spare {
	return wire.Spare{Content: h.Name, Version: h.Version, Serial: h.Serial}
}

// admit opens a flow's place in the store, once what must make room for it is gone.
// Without knowing the room it is for the store to refuse. What it shares with others
// takes no room while they stay: where any would have to go, all of it is reckoned with.
func (e *Engine) admit(now time.Time, ev measured) {
	f := ev.f
	if ev.err != nil {
		e.evict(nil, f)
		return
	}
	f.need = 0 // Admit adds it
	state := e.holdings()
	f.need = ev.all - ev.shared
	verdict := cache.Admit(e.cache.Policy, state, f.head.Ref(), f.need)
	if ev.shared > 0 && (!verdict.Admit || len(verdict.Evict) > 0) {
		f.need = ev.all
		verdict = cache.Admit(e.cache.Policy, state, f.head.Ref(), f.need)
	}
	if !verdict.Admit {
		f.opening, f.need = false, 0
		code := wire.CodeDiskFull
		if verdict.Large {
			code = wire.CodeTooLarge
		}
		e.fail(now, f, code, errors.New(verdict.Reason))
		return
	}
	e.evict(verdict.Evict, f)
}

// holdings is what the cache decides on.
func (e *Engine) holdings() cache.State {
	k := e.cache
	s := cache.State{Now: e.cfg.Uplink.Now(), Clock: e.connected, Disk: k.size, Free: k.free, Full: k.full}
	for _, id := range e.order {
		s.Wanted = append(s.Wanted, e.flows[id].head.Name)
	}
	inUse := e.uses().Keep
	for id, f := range e.flows {
		if f.opening { // what is admitted and not open yet
			s.Need += f.need
		}
		if freed, going := k.going[id]; going {
			s.Free += freed
			continue
		}
		if !f.stored {
			continue
		}
		times := k.Memory[id]
		pinned, until := k.pinned(f.head.Ref())
		why, blocked := e.stager.blocks.Of(f.head.Ref())
		s.Versions = append(s.Versions, cache.Version{Pinned: pinned, PinnedUntil: until, Purged: cmp.Or(why, k.purged(f.head)), Blocked: blocked, Copies: k.copiesOf(id),
			ID: id, Ref: f.head.Ref(), Serial: f.head.Serial,
			Bytes: f.head.Bytes + f.head.BodyBytes, Complete: f.whole, Came: times.Came, Used: times.Used,
			Flow: slices.Contains(e.order, id), InUse: slices.Contains(inUse, id), Busy: f.opening || f.completing})
	}
	return s
}

// pinned reports whether a version is pinned, and until when: zero is for ever.
func (k *keeper) pinned(ref content.Ref) (pinned bool, until time.Time) {
	for _, p := range k.pins {
		if p.Content != ref.Name || p.Version != "" && p.Version != ref.Version {
			continue
		}
		if p.Until.IsZero() {
			return true, time.Time{}
		}
		if p.Until.After(until) {
			pinned, until = true, p.Until
		}
	}
	return pinned, until
}

// copiesOf is what the server said of other copies of a version, if it did.
func (k *keeper) copiesOf(id content.VersionID) *cache.Copies {
	for _, c := range k.copies {
		if c.ID == id {
			return &cache.Copies{Target: c.Target, Others: c.Others, Elsewhere: c.Elsewhere, Live: !c.Superseded}
		}
	}
	return nil
}

// purged says who wants a version gone, if anybody does.
func (k *keeper) purged(head content.Head) string {
	for _, p := range k.purges {
		if p.Covers(spareOf(head)) {
			return cmp.Or(p.Why, "an operator purged it")
		}
	}
	return ""
}

// evict removes versions one after the other, and then opens the place of a flow
// that they make room for.
func (e *Engine) evict(gone []cache.Eviction, then *flow) {
	for _, g := range gone {
		e.log.Info("evicting", "content", g.Version.Ref.String(), "bytes", g.Version.Bytes, "rule", g.Rule, "reason", g.Reason)
		e.flows[g.Version.ID].opening = true // until it is removed
		e.cache.going[g.Version.ID] = g.Version.Bytes
	}
	if len(gone) == 0 && then == nil {
		return
	}
	e.wg.Go(func() {
		for _, g := range gone {
			e.post(removed{g, e.cfg.Store.Remove(e.ctx, g.Version.ID)})
		}
		if then != nil {
			ver, err := e.cfg.Store.Open(e.ctx, then.head, then.envelope, then.spec)
			e.post(opened{then, ver, err})
		}
	})
}

type removed struct {
	cache.Eviction
	err error
}

// apply takes in that a version is gone. It may be wanted again by now.
func (ev removed) apply(e *Engine, now time.Time) {
	k, id := e.cache, ev.Version.ID
	f := e.flows[id]
	delete(k.going, id)
	k.changed()
	f.opening = false
	if ev.err != nil {
		e.log.Warn("evicting failed; it is tried again", "content", ev.Version.Ref.String(), "err", ev.err)
		k.due = now.Add(retryFailed)
		return
	}
	f.stored, f.whole, k.stale = false, false, true
	delete(k.Memory, id)
	k.counts[ev.Rule]++
	k.evicted = append(k.evicted, EvictedStatus{ev.Version.Ref.Name, ev.Version.Ref.Version, ev.Version.Bytes,
		ev.Rule, ev.Reason, e.cfg.Uplink.Now()})
	k.evicted = k.evicted[max(len(k.evicted)-maxEvicted, 0):]
	if slices.Contains(e.order, id) {
		return
	}
	delete(e.flows, id)
	defer e.tryAgain(now)
	e.leases = slices.DeleteFunc(e.leases, func(l *lease) bool {
		if l.Flow == id {
			l.stop()
		}
		return l.Flow == id
	})
}

// remember notes when what is held was needed, and has it kept now and then. Without a
// socket it notes nothing: the clock may be wrong, and by one that is a year behind
// everything would look old once it is right.
func (e *Engine) remember(now time.Time) {
	if !e.connected {
		return
	}
	k, changed := e.cache, false
	at := e.cfg.Uplink.Now().UTC().Truncate(time.Second)
	for id, f := range e.flows {
		if f.stored {
			_, known := k.Memory[id]
			k.stale = k.stale || !known
			changed = k.Memory.Note(id, at, slices.Contains(e.order, id)) || changed
		}
	}
	if k.Save == nil || !k.stale && !(changed && now.Sub(k.savedAt) >= saveInterval) {
		return
	}
	k.stale, k.savedAt = false, now
	kept := k.Memory.Clone()
	e.wg.Go(func() {
		if err := k.Save(kept); err != nil {
			e.log.Warn("keeping when content was needed last", "err", err)
		}
	})
}

// noRoom takes in that the store refused a version for which there seemed to be room.
func (e *Engine) noRoom(err error) {
	if e.cache != nil && errors.Is(err, chunk.ErrNoRoom) {
		e.cache.full, e.cache.due = true, time.Time{}
	}
}
