package engine

import (
	"sync"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// registry holds what uploads may read, and what comes is written to: the versions this
// endpoint takes part in right now. A flow that pauses or ends is taken out, and uploads of it stop at
// the next chunk.
type registry struct {
	// mu guards versions.
	mu       sync.RWMutex
	versions map[content.VersionID]served
}

// served is one version others may have: its body, and its chunks once open.
type served struct {
	body     []byte
	ver      chunk.Version // nil until the body is verified and the store open
	priority wire.Priority
	withheld bool // peers get nothing of it: it is only written to
}

// class is how urgent uploads of the version are.
func (r *registry) class(id content.VersionID) int32 {
	s, _ := r.get(id)
	return int32(s.priority.Class())
}

// urgent reports whether the version goes past what is only regard for others.
func (r *registry) urgent(id content.VersionID) bool {
	s, open := r.get(id)
	return open && s.priority.Class() == 0
}

// rank changes a version's priority; uploads that wait go by the new one.
func (r *registry) rank(id content.VersionID, p wire.Priority) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.versions[id]; ok {
		s.priority = p
		r.versions[id] = s
	}
}

func (r *registry) get(id content.VersionID) (served, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s, ok := r.versions[id]
	return s, ok
}

func (r *registry) put(id content.VersionID, s served) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.versions[id] = s
}

func (r *registry) remove(id content.VersionID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.versions, id)
}
