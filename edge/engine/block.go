package engine

import (
	"slices"
	"sync"
	"time"

	"github.com/sitecast/sitecast/edge/staging"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// What is blocked goes at once and whoever uses it. Its flows have ended, since the server
// orders nothing of it; the user of this computer is told with what is delivered, who
// serves content asks Blocked, and the cache has the bytes removed. The generation is
// obeyed when they are. What other versions took from it as chunks stays: each of those
// was checked against the version that names it.

// barred are the blocks, for those beside the loop.
type barred struct {
	// mu guards blocks.
	mu     sync.RWMutex
	blocks staging.Blocks
}

// Blocked reports whether a version is not to be used or served.
func (e *Engine) Blocked(ref content.Ref) bool {
	b := &e.stager.barred
	b.mu.RLock()
	defer b.mu.RUnlock()
	_, blocked := b.blocks.Of(ref)
	return blocked
}

// bar puts blocks in the place of those there were.
func (e *Engine) bar(blocks staging.Blocks) {
	s := &e.stager
	if slices.Equal(s.blocks, blocks) {
		return
	}
	s.blocks, s.stale = blocks, true
	s.barred.mu.Lock()
	defer s.barred.mu.Unlock()
	s.barred.blocks = blocks
}

// blockedBy are the blocks among what is to be deleted.
func blockedBy(purges []wire.Purge) (blocks staging.Blocks) {
	for _, p := range purges {
		if p.Block {
			blocks = append(blocks, staging.Block{Content: p.Content, Version: p.Version, Why: p.Why})
		}
	}
	return blocks
}

// holdsBlocked reports whether anything that is blocked is on the disk.
func (e *Engine) holdsBlocked() bool {
	if len(e.stager.blocks) == 0 || e.cache == nil {
		return false
	}
	for _, f := range e.flows {
		if _, blocked := e.stager.blocks.Of(f.head.Ref()); blocked && (f.stored || f.opening || f.completing) {
			return true
		}
	}
	return false
}

// obey tells the server which generation is obeyed, as soon as it is.
func (e *Engine) obey() {
	s := &e.stager
	if s.owed == 0 || e.holdsBlocked() {
		return
	}
	e.cfg.Uplink.Send(wire.KindObeyed, wire.Obeyed{Generation: s.owed})
	s.owed = 0
}

// putOff keeps what was refused since a newer version is known here, until that is blocked
// or gone.
func (e *Engine) putOff(w *wire.Flow) {
	if e.stager.late == nil {
		e.stager.late = map[content.VersionID]*wire.Flow{}
	}
	if len(e.stager.late) < wire.MaxFlows {
		e.stager.late[w.ID] = w
	}
}

// tryAgain takes up what was put off and would not be refused any more.
func (e *Engine) tryAgain(now time.Time) {
	for _, w := range e.stager.late {
		if head, _, err := content.ReadHead(w.Head); err == nil && e.superseded(head, w.Superseded) == nil {
			e.desired(now, w)
		}
	}
}

// unwanted forgets what was put off and is not wanted any more.
func (s *stager) unwanted(ids []content.VersionID) {
	for id := range s.late {
		if !slices.Contains(ids, id) {
			delete(s.late, id)
		}
	}
}
