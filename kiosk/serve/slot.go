package serve

import "sync"

// Version is what is shown.
type Version struct {
	Name    string // of the content
	Version string
	Root    string // its folder on the disk, or its only file
}

// Source says which version is active. Its methods may be called from any goroutine.
type Source interface {
	// Active returns the version, and whether there is one yet.
	Active() (Version, bool)
	// Flipped returns a channel that is closed when Active has another answer than at the
	// time of the call.
	Flipped() <-chan struct{}
	// Barred reports whether nothing of a version is to be served any more, also to who
	// began with it.
	Barred(v Version) bool
}

// Slot is a [Source] that whoever activates versions sets. An empty one has none.
type Slot struct {
	// mu guards the rest.
	mu      sync.Mutex
	shown   Version
	active  bool
	flipped chan struct{}      // nil while nobody waits
	barred  func(Version) bool // nil: none is
}

// Bar has nothing served of versions that match, in place of those of before.
func (s *Slot) Bar(match func(Version) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.barred = match
}

// Barred implements [Source].
func (s *Slot) Barred(v Version) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.barred != nil && s.barred(v)
}

// Show makes a version the active one.
func (s *Slot) Show(v Version) { s.set(v, true) }

// Clear leaves no version active.
func (s *Slot) Clear() { s.set(Version{}, false) }

func (s *Slot) set(v Version, active bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown == v && s.active == active {
		return
	}
	s.shown, s.active = v, active
	if s.flipped != nil {
		close(s.flipped)
		s.flipped = nil
	}
}

// Active implements [Source].
func (s *Slot) Active() (Version, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown, s.active
}

// Flipped implements [Source].
func (s *Slot) Flipped() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flipped == nil {
		s.flipped = make(chan struct{})
	}
	return s.flipped
}
