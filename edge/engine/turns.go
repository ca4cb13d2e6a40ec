package engine

import (
	"slices"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

const (
	// floorPart: a class that waits gets one byte in floorPart at least.
	floorPart = 20
	// bodyTurn is how much of a body goes out in one turn, as much as a chunk may
	// have. Pieces of a body lie at multiples of what a frame carries.
	bodyTurn = 4 * wire.MaxDataBytes
	// refusalCost is what a refusal counts as, so that versions that are refused
	// take turns, too.
	refusalCost = 1 << 10
)

// job is one chunk, or one range of a body, that a peer wants.
type job struct {
	version content.VersionID
	chunk   uint32
	body    bool
	offset  uint32
	length  uint32
}

// turns decides which of the jobs that wait for one peer is next: strictly by
// class, except that a lower class that waits gets one byte in floorPart; equal
// shares of bytes among the versions of one class (start-time fair queueing, Goyal,
// Vin and Cheng, 1996); one version's jobs in the
// order they came. Classes may change while jobs wait. It is pure: it knows no
// lock, link or clock.
type turns struct {
	lanes []*lane // by arrival; the few versions that two endpoints exchange
	count int     // jobs waiting
	// clock is, by class, the share that the version served last had before.
	clock [classes]int64
	// due is, by class, how much it may send before classes above it, in parts of
	// a byte of which there are floorPart.
	due [classes]int64
	// top is the class that waited highest at the last pick.
	top int32
}

// lane is one version's jobs.
type lane struct {
	version content.VersionID
	jobs    []job
	class   int32
	share   int64 // bytes had, on the clock of its class
}

// add puts a job at the end of its version's lane.
func (t *turns) add(j job) {
	l := t.lane(j.version)
	if l == nil {
		l = &lane{version: j.version, class: -1}
		t.lanes = append(t.lanes, l)
	}
	if len(l.jobs) == 0 && l.class >= 0 {
		l.share = max(l.share, t.clock[l.class]) // what it did not use is not kept for it
	}
	l.jobs = append(l.jobs, j)
	t.count++
}

func (t *turns) lane(id content.VersionID) *lane {
	for _, l := range t.lanes {
		if l.version == id {
			return l
		}
	}
	return nil
}

// drop takes out the jobs of a version that gone names.
func (t *turns) drop(id content.VersionID, gone func(job) bool) {
	l := t.lane(id)
	if l == nil {
		return
	}
	before := len(l.jobs)
	l.jobs = slices.DeleteFunc(l.jobs, gone)
	t.count -= before - len(l.jobs)
}

// next takes out the job whose turn it is, or as much of a body as goes out in
// one turn; of says the class of each version now. Whoever takes a job
// reports by spent what it cost.
func (t *turns) next(of func(content.VersionID) int32) (job, bool) {
	var best [classes]*lane
	for _, l := range t.lanes {
		if c := of(l.version); c != l.class {
			// What it had elsewhere does not count here.
			l.class, l.share = c, t.clock[c]
		}
		if len(l.jobs) == 0 {
			continue
		}
		if b := best[l.class]; b == nil || l.share < b.share {
			best[l.class] = l
		}
	}
	t.settle(best)
	c := t.pick(best)
	if c < 0 {
		return job{}, false
	}
	l := best[c]
	t.clock[c] = l.share
	return t.take(l), true
}

// pick returns the class whose turn it is, or -1 when nothing waits.
func (t *turns) pick(best [classes]*lane) int32 {
	top, floor := int32(-1), int32(-1)
	for c := range int32(classes) {
		switch {
		case best[c] == nil:
		case top < 0:
			top = c
		case t.due[c] > 0 && (floor < 0 || t.due[c] > t.due[floor]):
			floor = c
		}
	}
	t.top = top
	if floor >= 0 {
		return floor
	}
	return top
}

// settle forgets what no longer matters: the lanes that are empty and would begin
// again where they are, and the clock of a class in which nobody waits. What such
// a class was given too much it still owes.
func (t *turns) settle(best [classes]*lane) {
	t.lanes = slices.DeleteFunc(t.lanes, func(l *lane) bool {
		return len(l.jobs) == 0 && (best[l.class] == nil || l.share <= t.clock[l.class])
	})
	for c := range int32(classes) {
		if best[c] == nil {
			t.clock[c] = 0
			t.due[c] = min(t.due[c], 0)
		}
	}
}

func (t *turns) take(l *lane) job {
	j := l.jobs[0]
	if j.body && j.length > bodyTurn {
		l.jobs[0].offset += bodyTurn
		l.jobs[0].length -= bodyTurn
		j.length = bodyTurn
		return j
	}
	l.jobs[0] = job{}
	l.jobs = l.jobs[1:]
	t.count--
	return j
}

// spent says what the job that next gave out last has cost.
func (t *turns) spent(j job, n int) {
	served := t.top
	if l := t.lane(j.version); l != nil {
		l.share += int64(n)
		served = l.class
	}
	for c := t.top + 1; c < classes; c++ {
		t.due[c] = min(t.due[c]+int64(n), bodyTurn*floorPart)
	}
	if served > t.top {
		t.due[served] -= int64(n) * floorPart
	}
}
