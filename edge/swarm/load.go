package swarm

import "time"

// Bounds of what all versions together have outstanding at one peer.
const (
	// MaxLoadBytes is shared by the versions of one class and those above it.
	MaxLoadBytes = 4 << 20
	// MinShareBytes is what each version may have outstanding in any case.
	MinShareBytes = 128 << 10
)

// Class is how urgent a version is; a lower number goes first.
type Class uint8

// The classes.
const (
	High Class = iota
	Normal
	Low
	classes
)

// Load is what all versions have outstanding at one peer. With many at once each
// asks for less, so that what is owed for an unimportant one is little, and can
// still be asked of others. Versions of a higher class do not count those below:
// the peer serves them first.
type Load struct {
	owing [classes]int // versions that are owed something
	heard time.Time    // last delivery for any version
}

// share is what one version of the class may have outstanding; in says whether it
// is counted already.
func (l *Load) share(c Class, in bool) int64 {
	n := int64(0)
	for _, owing := range l.owing[:c+1] {
		n += int64(owing)
	}
	if !in {
		n++
	}
	return max(MaxLoadBytes/n, MinShareBytes)
}

// Share has the version count what it asks of the peer in load, which all
// versions share.
func (s *Swarm) Share(id PeerID, load *Load) {
	p := s.peers[id]
	if p == nil {
		return
	}
	if p.owed > 0 {
		p.load.owing[s.class]--
		load.owing[s.class]++
	}
	p.load = load
}

// SetClass says how urgent the version is.
func (s *Swarm) SetClass(c Class) {
	c = min(c, Low)
	if c == s.class {
		return
	}
	for _, p := range s.peers {
		if p.owed > 0 {
			p.load.owing[s.class]--
			p.load.owing[c]++
		}
	}
	s.class = c
}
