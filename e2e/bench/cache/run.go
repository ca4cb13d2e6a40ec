package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sitecast/sitecast/edge/cache"
	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

const (
	step    = 10 * time.Minute
	perHour = int(time.Hour / step)
	perDay  = 24 * perHour
	// warm is the first days, in which nothing is counted: nobody's habits are known.
	warm = 7
	// contents are placed ahead of need, and each is replaced by a newer version after
	// life days.
	contents = 12
	life     = 6
)

// Plan is one simulation.
type Plan struct {
	Trace  Trace
	Copies int
	Days   int
	Seed   uint64
	Place  Place
}

// Place chooses who holds a version, as [schedule.Replicas] does.
type Place func(rng *rand.Rand, now time.Time, id content.VersionID, n int, bytes int64, all []schedule.Replica) []wire.EndpointID

// Result is what came of it. A look is one at one version, while somebody is online
// who might ask for it.
type Result struct {
	Looks, there, whole int
	Moved               int64 // bytes of copies that were made
	Evicted             int   // versions
	Lost                int   // evictions that took what the site needed
}

// There is the share of looks at which a copy was online, and Whole at which as many
// were as wanted, or as endpoints were on.
func (r Result) There() float64 { return float64(r.there) / float64(max(r.Looks, 1)) }

// Whole is described at There.
func (r Result) Whole() float64 { return float64(r.whole) / float64(max(r.Looks, 1)) }

func (r *Result) add(o Result) {
	r.Looks, r.there, r.whole = r.Looks+o.Looks, r.there+o.there, r.whole+o.whole
	r.Moved, r.Evicted, r.Lost = r.Moved+o.Moved, r.Evicted+o.Evicted, r.Lost+o.Lost
}

// endpoint is one computer of the site.
type endpoint struct {
	id       wire.EndpointID
	timeline []bool
	on       bool
	left     time.Time
	uptime   schedule.Uptime
	disk     int64
	policy   cache.Policy
	held     map[content.VersionID]time.Time // since
	room     int64                           // as of roomAt
	roomAt   time.Time
}

// version is one version, from when it is placed to when a newer one is.
type version struct {
	id     content.VersionID
	ref    content.Ref
	serial uint64
	bytes  int64
	chosen map[wire.EndpointID]bool
}

// sim is a simulation under way.
type sim struct {
	Plan
	rng       *rand.Rand
	left      *rand.Rand // when in a step endpoints left, the same for every placement
	begun     time.Time
	now       time.Time
	endpoints []*endpoint
	wanted    []*version // by content
	all       map[content.VersionID]*version
	result    Result
}

// Run simulates.
func Run(p Plan) Result {
	s := &sim{Plan: p, rng: rand.New(rand.NewPCG(p.Seed, 2)), left: rand.New(rand.NewPCG(p.Seed, 3)), begun: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC),
		wanted: make([]*version, contents), all: map[content.VersionID]*version{}}
	trace := rand.New(rand.NewPCG(p.Seed, 1)) // the same for every placement
	for i, h := range p.Trace.habits() {
		s.endpoints = append(s.endpoints, &endpoint{id: wire.EndpointID(fmt.Sprintf("%032d", i)), timeline: timeline(h, trace, p.Days*perDay),
			disk: (20 + trace.Int64N(60)) * 1e9, policy: cache.Policy{Floor: cache.Amount{Percent: 20}, Idle: 30 * 24 * time.Hour},
			held: map[content.VersionID]time.Time{}})
	}
	for at := range p.Days * perDay {
		s.now = s.begun.Add(time.Duration(at) * step)
		s.churn(at)
		s.publish(at)
		for _, v := range s.wanted {
			s.place(v)
		}
		if at >= warm*perDay {
			s.look()
		}
	}
	return s.result
}

// churn switches endpoints on and off.
func (s *sim) churn(at int) {
	for _, e := range s.endpoints {
		if on := e.timeline[at]; on != e.on || at == 0 {
			e.on, e.uptime = on, e.uptime.Note(s.now, on)
			if !on {
				e.left = s.now.Add(-time.Duration(s.left.Int64N(int64(step)))) // at some time since the last look
			}
		}
	}
}

// publish brings the next version of each content when its time has come.
func (s *sim) publish(at int) {
	for c := range s.wanted {
		begun := c * perDay * life / contents // one after the other
		if s.wanted[c] != nil && (at < begun || (at-begun)%(life*perDay) != 0) {
			continue
		}
		serial := uint64(len(s.all) + 1)
		v := &version{ref: content.Ref{Name: fmt.Sprintf("content-%02d", c), Version: fmt.Sprint(serial)}, serial: serial,
			bytes: sizeOf(serial), chosen: map[wire.EndpointID]bool{}}
		binary.BigEndian.PutUint64(v.id[:], serial)
		s.wanted[c], s.all[v.id] = v, v
	}
}

// sizeOf is from half a gigabyte to four, the same for every placement.
func sizeOf(serial uint64) int64 { return 5e8 + int64(serial*2654435761%8)*5e8 }

// place has copies made where they shall be.
func (s *sim) place(v *version) {
	chosen := map[wire.EndpointID]bool{}
	for _, id := range s.Plan.Place(s.rng, s.now, v.id, s.Copies, v.bytes, s.replicas(v)) {
		chosen[id] = true
	}
	v.chosen = chosen
	for _, e := range s.endpoints {
		if _, held := e.held[v.id]; held || !chosen[e.id] || !e.on {
			continue
		}
		verdict := cache.Admit(e.policy, s.state(e), v.ref, v.bytes)
		if !verdict.Admit {
			delete(v.chosen, e.id)
			continue
		}
		s.evict(e, verdict.Evict)
		e.held[v.id], e.roomAt = s.now, time.Time{}
		if s.now.Sub(s.begun) >= warm*24*time.Hour {
			s.result.Moved += v.bytes
		}
	}
}

func (s *sim) replicas(v *version) (all []schedule.Replica) {
	for _, e := range s.endpoints {
		_, held := e.held[v.id]
		all = append(all, schedule.Replica{ID: e.id, On: e.on, Left: e.left, Share: e.uptime.Share(s.now),
			Room: s.room(e), Holds: held, Chosen: v.chosen[e.id]})
	}
	return all
}

// room is what an endpoint said at the last step, or since something came.
func (s *sim) room(e *endpoint) int64 {
	if e.roomAt != s.now {
		e.room, e.roomAt = cache.Room(e.policy, s.state(e)), s.now
	}
	return e.room
}

// state is what an endpoint's cache decides on.
func (s *sim) state(e *endpoint) cache.State {
	st := cache.State{Now: s.now, Clock: true, Disk: e.disk, Free: e.disk}
	for id, came := range e.held {
		v := s.all[id]
		st.Free -= v.bytes
		held := cache.Version{ID: id, Ref: v.ref, Serial: v.serial, Bytes: v.bytes, Complete: true, Came: came, Used: came}
		if slices.Contains(s.wanted, v) {
			held.Flow = v.chosen[e.id]
			held.Copies = s.copies(e, v)
		}
		st.Versions = append(st.Versions, held)
	}
	return st
}

// copies is what the server says of the others.
func (s *sim) copies(self *endpoint, v *version) *cache.Copies {
	c := &cache.Copies{Target: s.Copies, Live: true}
	for _, e := range s.endpoints {
		if _, held := e.held[v.id]; e != self && e.on && held && v.chosen[e.id] && schedule.UsuallyOn(e.uptime.Share(s.now)) {
			c.Others++
		}
	}
	return c
}

// evict deletes, and counts what the site needed.
func (s *sim) evict(e *endpoint, gone []cache.Eviction) {
	for _, g := range gone {
		s.result.Evicted++
		v := s.all[g.Version.ID]
		if slices.Contains(s.wanted, v) && (v.chosen[e.id] || s.copies(e, v).Others == 0) {
			s.result.Lost++
		}
		delete(e.held, v.id)
		e.roomAt = time.Time{}
	}
}

// look counts which versions are there.
func (s *sim) look() {
	online := 0
	for _, e := range s.endpoints {
		if e.on {
			online++
		}
	}
	if online == 0 {
		return // nobody asks
	}
	for _, v := range s.wanted {
		copies := 0
		for _, e := range s.endpoints {
			if _, held := e.held[v.id]; held && e.on {
				copies++
			}
		}
		s.result.Looks++
		if copies > 0 {
			s.result.there++
		}
		if copies >= min(s.Copies, online) {
			s.result.whole++
		}
	}
}
