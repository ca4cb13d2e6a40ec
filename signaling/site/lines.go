package site

import (
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	// sharesLast is how long a site counts as using a line after it said so.
	sharesLast = 5 * time.Second
	// sharedPart of a line in hundredths is dealt out among sites, so that they make no
	// queue together.
	sharedPart = 95
	// sweepEvery is how often lines are forgotten that nobody uses.
	sweepEvery = time.Minute
)

// Lines knows which sites of a server are behind the same public address. Their
// governors would take turns on that line by chance: each takes the other for traffic
// that comes first. So while several sites fetch, each has an equal part of what the
// line was seen to carry. Its zero value is ready for use by several goroutines; a nil
// one knows of no line.
type Lines struct {
	// mu guards the rest.
	mu       sync.Mutex
	byEgress map[string]*sharedLine
	sweptAt  time.Time
}

type sharedLine struct {
	users    map[string]time.Time // sites, and when they said so last
	capacity int64                // bytes per second
}

// share takes in that a site fetches over an egress, and what it saw the line carry
// (0 for unknown). It returns the bytes per second it may take, or wire.Unlimited.
func (l *Lines) share(now time.Time, site, egress string, capacity int64) int64 {
	if l == nil || egress == "" { // a private address is another one at each site
		return wire.Unlimited
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	line := l.byEgress[egress]
	if line == nil {
		line = &sharedLine{users: map[string]time.Time{}}
		l.byEgress[egress] = line
	}
	line.forget(now)
	_, known := line.users[site]
	alone := len(line.users) == 0 || len(line.users) == 1 && known
	// Beside others a site sees too little of the line to say that it carries less, and
	// what changes seldom is told seldom.
	if alone || capacity > line.capacity+line.capacity/10 {
		line.capacity = capacity
	}
	line.users[site] = now
	if alone || line.capacity == 0 {
		return wire.Unlimited
	}
	return max(line.capacity/100*sharedPart/int64(len(line.users)), 1)
}

// sweep forgets lines that nobody uses. mu is held.
func (l *Lines) sweep(now time.Time) {
	if l.byEgress == nil {
		l.byEgress = map[string]*sharedLine{}
	}
	if now.Sub(l.sweptAt) < sweepEvery {
		return
	}
	l.sweptAt = now
	for egress, line := range l.byEgress {
		if line.forget(now); len(line.users) == 0 {
			delete(l.byEgress, egress)
		}
	}
}

// forget forgets sites that are done.
func (s *sharedLine) forget(now time.Time) {
	for site, at := range s.users {
		if now.Sub(at) >= sharesLast {
			delete(s.users, site)
		}
	}
}
