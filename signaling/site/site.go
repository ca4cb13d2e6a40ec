// Package site owns what goes on at one site: who is there, who links to whom,
// which flows it has and who fetches what from the origin. One loop holds that
// state; sockets and the API send it events, and it answers over the members'
// connections. Chunk bytes never pass through it. Its state is soft: when the
// server restarts, members announce what they hold and everything is known again.
package site

import (
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sitecast/sitecast/signaling/lane"
	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// Conn is the way to one member.
type Conn interface {
	// Send queues a message without blocking; false means that the member is gone
	// or can't keep up, and that Left follows.
	Send(kind wire.Kind, body any) bool
	// Close ends the session with a stable code and a detail for people.
	Close(code, detail string)
}

// Member is an endpoint that came online.
type Member struct {
	ID      wire.EndpointID
	Hello   wire.Hello
	Address string // its public address, as the server sees it
	// Contents is all that a browser may take part in; nil for who enrolled.
	Contents []wire.Named
}

// Config is what a site is made of.
type Config struct {
	Name string
	// Epoch fences leases: it is higher after each start of the server.
	Epoch uint64
	// Grace is how long after the first member joined no lease is granted. A server
	// that was restarted gives members so much time to return and say what they hold.
	Grace time.Duration
	// Fetchers is how many members of a reach group fetch a flow at once; 0 means
	// one, which leaves nothing to coordinate. More are for lines or origins that
	// give one connection less than there is.
	Fetchers int
	// URL signs the address of an object at the origin for ttl.
	URL func(o Object, ttl time.Duration) string
	// Reflectors are further addresses (host:port) that answer STUN, for governors to
	// measure the line with.
	Reflectors []string
	// Memory keeps what sites learn over restarts; nil: nothing does.
	Memory Memory
	// Ledger counts what endpoints received on each day; nil: nobody does.
	Ledger Ledger
	// Lines knows the lines that sites share; nil: none do.
	Lines *Lines
	// Budget divides what all sites may take together; nil: each takes all of it.
	Budget *Budget
	// Accounts sums up what sites did to their lines; nil: nobody does.
	Accounts *Accounts
	// Suspect is told of a file at somebody else's URL that may have changed, and of a
	// chunk that could not be had there. It must not block; nil: nobody checks.
	Suspect func(object content.Digest, chunk uint32)
	// Refused counts messages that are refused; nil: nobody does.
	Refused *wire.Refusals
	// Dials bounds the links that sites begin; nil: nothing does.
	Dials *Dials
	// Reports is how often, at most, endpoints shall say what they got; nil or 0: once a second.
	Reports func() time.Duration
	// Lane is where the loop goes with what can wait; nil: nowhere.
	Lane *lane.Lane
	Log  *slog.Logger
}

// ObjectKind is what an object at the origin is.
type ObjectKind string

// Object is one at the origin, or (To is not 0) the bytes of it from From up to but not
// including To.
type Object struct {
	Kind     ObjectKind
	Digest   content.Digest
	From, To int64
	// Page: who asks is one, which may learn no more of others than its own range, asks
	// for that in steps, and can't hold a rate by itself.
	Page bool
}

// The kinds of object.
const (
	Pack  ObjectKind = "packs"
	Body  ObjectKind = "bodies"
	Patch ObjectKind = "patches"
)

// Limits and delays.
const (
	// MaxMembers bounds the endpoints online at one site.
	MaxMembers  = 512
	inboxEvents = 1024
	wantEvents  = 4
	batchEvents = 256
	// maxEarly bounds what waits until it is known what is wanted.
	maxEarly = 4096
	// LeaseTTL is how long a lease lives without progress.
	LeaseTTL = 20 * time.Second
	// slowLine is the slowest WAN, in bytes per second, on which a body comes in
	// time.
	slowLine = 64 << 10
	// maxLeases is a fetcher's current lease and its next.
	maxLeases = 2
	// MaxFetchers bounds [Config.Fetchers].
	MaxFetchers = 16
	// classes is how many classes of priority there are.
	classes = 3
	// tick is how often an active site looks at the time.
	tick = 500 * time.Millisecond
	// idleAfter is when links of a site without active flows are closed.
	idleAfter = 60 * time.Second
	// dialPatience is how long an attempt may take before it is made again.
	dialPatience = 20 * time.Second
	// lastAttempt is the highest number of an attempt; those after it carry it, too.
	lastAttempt = 100
	// redialLost is the wait before a link that was up is made again.
	redialLost = 500 * time.Millisecond
	// ReturnGrace is how long after a restart, or after all members were lost while
	// they fetched, no lease is granted: who still fetches returns and says so.
	ReturnGrace = 5 * time.Second
	// hearing is how long it is waited for what members hold of a flow that is new
	// to them, or of all flows when they are new.
	hearing = 2 * time.Second
	// holdOff is how long a member that gave a lease back gets none; it doubles.
	holdOff    = 2 * time.Second
	maxHoldOff = 5 * time.Minute
	// badLine times the hold-off that everybody has is what a lease then may go without
	// progress, up to maxPatience: over a line that loses much a chunk takes as long.
	badLine        = 10
	maxPatience    = 80 * time.Second
	maxOffTogether = 8 * time.Second
)

// An event changes a Site. While apply runs it is the only code that does.
type event interface {
	apply(s *Site, now time.Time)
}

// Site is the live state of one site.
//
// The goroutine in [Site.Run] owns it; everyone else uses [Site.Send] and
// [Site.View].
type Site struct {
	// Set by New, then constant.
	cfg   Config
	log   *slog.Logger
	inbox chan event
	// wants are what is wanted, which goes before what is in inbox.
	wants chan event
	done  chan struct{}
	// ready is closed when it is known what is wanted.
	ready chan struct{}

	// stirs counts what may have changed what the site shows; anybody may read it.
	stirs atomic.Uint64
	// orders counts what was said of what is wanted; anybody may read it.
	orders atomic.Uint64

	// Owned by Run.
	pressing  bool // what came in since it was last decided may change that
	desired   Desired
	known     bool // desired was heard; before, nobody is told that nothing is wanted
	early     []Heard
	demands   demands
	members   map[wire.EndpointID]*member
	flows     map[content.VersionID]*flow
	order     []content.VersionID // of flows, as ordered
	leases    map[fence]*lease
	lastLease uint64
	turns     schedule.Turns // so that flows of a class have equal parts
	groups    map[groupID][]*member
	lastGroup groupID
	links     linkTable
	lines     map[string]*line // by egress, where somebody fetched
	lastTerm  uint64
	receipts  map[content.VersionID]wire.Receipt // of flows, also of those that ended
	learned   map[string]LineMemory              // by egress
	unkept    unkept
	spent     Spent     // over the WAN in the month
	active    time.Time // when a flow last had something to do
	grantFrom time.Time // no lease before
	// orphans left while they fetched, and when. They go on if nobody else of the
	// site can reach the server either.
	orphans   map[wire.EndpointID]time.Time
	doubtedAt time.Time           // when members to doubt were last looked for
	weighedAt time.Time           // when relays were last weighed against the origin
	questions map[string]question // that endpoints have yet to answer
	distrusts map[schedule.Edge]distrust
	expelled  map[wire.EndpointID]bool // revoked, and everybody was told
	presence  map[wire.EndpointID]*presence
	stagedAt  time.Time     // when it was last chosen who holds copies ahead of need
	pace      schedule.Pace // what deadlines bound the site to
	gauge     gauge
	tales     tales
	windowed  bool          // a flow has a window of its own
	share     int64         // what the site may take of the budget of all, or wire.Unlimited
	effects   []*effect     // of the rules set last, oldest first
	reports   time.Duration // as members were told last
	tallies   tallies
	carriage  carriage
}

// member is one endpoint that is online.
type member struct {
	Member
	conn       Conn
	since      time.Time
	obeyed     uint64
	told       map[content.VersionID]told // flows as last sent
	trust      uint64
	holds      map[content.VersionID]*holding
	group      groupID
	egress     string    // the line it is behind
	fetched    bool      // it had a lease
	fetching   time.Time // when it last had one
	meter      meter
	heard      time.Time // its last message
	heldOff    time.Time
	lastOff    time.Duration
	violations int
	stocked    bool             // it said what its store holds
	spare      []wire.Spare     // versions in it that no flow needs, as it said last
	copies     []wire.Copies    // as it was told last
	purges     []wire.Purge     // as it was told last
	activation *wire.Activation // which version of a content it uses, as it said last
	used       int64            // bytes that its store takes, as it said last
	budget     int64            // bytes that it may take; 0: not known
	came       came             // in this session
	// named are the versions that a browser takes part in; nil for who enrolled.
	named map[content.VersionID]bool
}

// New returns a site that does nothing until Run.
func New(cfg Config) *Site {
	cfg.Fetchers = max(cfg.Fetchers, 1)
	return &Site{
		cfg: cfg, log: cfg.Log.With("site", cfg.Name),
		inbox: make(chan event, inboxEvents), wants: make(chan event, wantEvents), done: make(chan struct{}), ready: make(chan struct{}),
		desired: Desired{Cap: wire.Unlimited}, share: wire.Unlimited,
		members: map[wire.EndpointID]*member{}, flows: map[content.VersionID]*flow{},
		leases: map[fence]*lease{}, groups: map[groupID][]*member{}, links: newLinkTable(), distrusts: map[schedule.Edge]distrust{},
		lines: map[string]*line{}, receipts: map[content.VersionID]wire.Receipt{}, learned: map[string]LineMemory{},
		unkept:  unkept{flows: map[content.VersionID]bool{}, lines: map[string]bool{}},
		orphans: map[wire.EndpointID]time.Time{}, presence: map[wire.EndpointID]*presence{},
		expelled: map[wire.EndpointID]bool{}, demands: newDemands(),
	}
}

// Joined tells of a member that came online with a new session.
type Joined struct {
	Member Member
	Conn   Conn
}

func (e Joined) apply(s *Site, now time.Time) {
	if old := s.members[e.Member.ID]; old != nil {
		s.leave(now, old)
	}
	if s.turnedAway(e.Member.ID, e.Conn) {
		return
	}
	if why := s.crowded(e.Member); why != "" {
		e.Conn.Close(wire.CodeOverloaded, why)
		return
	}
	m := &member{Member: e.Member, conn: e.Conn, since: now, trust: e.Member.Hello.Trust, group: s.newGroup(), egress: schedule.Egress(e.Member.Address),
		told: map[content.VersionID]told{}, holds: map[content.VersionID]*holding{}}
	if s.grantFrom.IsZero() {
		s.grantFrom = now.Add(s.cfg.Grace)
	}
	delete(s.orphans, m.ID)
	maps.DeleteFunc(s.orphans, func(_ wire.EndpointID, left time.Time) bool { return now.Sub(left) > LeaseTTL })
	if len(s.members) == 0 && len(s.orphans) > 0 {
		s.grantFrom = now.Add(ReturnGrace)
	}
	s.members[m.ID] = m
	s.arrive(now, m)
	s.visit(m)
	s.groups[m.group] = []*member{m}
	s.links.changed, s.links.regroup = true, true
	s.log.Info("endpoint joined", "endpoint", m.ID.Short(), "name", m.Hello.Name)
	s.tell(now, m)
}

// Left tells that a member's session ended.
type Left struct {
	ID   wire.EndpointID
	Conn Conn
	// Elsewhere says that it is at another site by now, or at none: links to it end.
	Elsewhere bool
}

func (e Left) apply(s *Site, now time.Time) {
	if m := s.members[e.ID]; m != nil && m.conn == e.Conn {
		if e.Elsewhere {
			s.part(m)
		}
		s.leave(now, m)
		s.log.Info("endpoint left", "endpoint", m.ID.Short())
	}
}

// leave takes a member and all it holds out of the picture. Chunks only it held
// are thereby needed again.
func (s *Site) leave(now time.Time, m *member) {
	for _, l := range s.leasesOf(m.ID) {
		s.unfinished(now, l, true)
		s.free(now, l)
		if f := s.flows[l.flow]; f != nil && len(s.groups[m.group]) > 1 {
			f.need(m.group, now).wait(now, m.heard)
		}
		s.orphans[m.ID] = now
	}
	for id, h := range m.holds {
		f := s.flows[id]
		n := f.need(m.group, now)
		f.again(n, func() { f.count(h, n, false) })
		if h.complete {
			s.presence[m.ID].stock[id] = true
		}
	}
	delete(s.members, m.ID)
	s.depart(now, m)
	s.leaves(now, m)
	s.parted(m)
	s.groups[m.group] = slices.DeleteFunc(s.groups[m.group], func(other *member) bool { return other == m })
	for id, h := range m.holds {
		f := s.flows[id]
		s.bodyGone(f, h, f.need(m.group, now), m.group)
	}
	for _, f := range s.flows { // what is left may be complete
		s.mark(now, f)
	}
	s.links.forget(m.ID)
}
