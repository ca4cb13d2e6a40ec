package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// restartGrace is how long a server that was started again grants nothing.
const restartGrace = 5 * time.Second

// server is the one server of the world: its sessions, and the loop of each site.
type server struct {
	w        *World
	epoch    uint64
	up       bool
	keys     int
	sessions map[*Endpoint]*session
}

func newServer(w *World) *server { return &server{w: w, sessions: map[*Endpoint]*session{}} }

// loop is the loop of a site in one life of the server.
type loop struct {
	site *site.Site
	stop context.CancelFunc
	done chan struct{}
}

// start starts the server, in a new epoch.
func (v *server) start() {
	v.epoch++
	v.w.mu.Lock()
	v.up = true
	v.w.mu.Unlock()
	for _, s := range v.w.Sites {
		cfg := site.Config{Name: s.Name, Epoch: v.epoch, Log: s.w.logger("server", s.Name),
			URL: func(o site.Object, _ time.Duration) string {
				return fmt.Sprintf("/%s/%s", o.Kind, o.Digest)
			}}
		if v.epoch > 1 {
			cfg.Grace = restartGrace
		}
		ctx, stop := context.WithCancel(context.Background())
		l := &loop{site: site.New(cfg), stop: stop, done: make(chan struct{})}
		go func() { defer close(l.done); _ = l.site.Run(ctx) }()
		v.w.mu.Lock()
		s.loop = l
		v.w.mu.Unlock()
		l.site.Send(site.Wanted{Desired: s.want.state()})
	}
}

// stop kills the server: every session and every lease is forgotten.
func (v *server) stop() {
	v.w.mu.Lock()
	if !v.up {
		v.w.mu.Unlock()
		return
	}
	v.up = false
	for _, s := range v.sessions {
		s.ended = true
		if s.sock != nil {
			s.sock.atServer = false
		}
	}
	clear(v.sessions)
	v.w.mu.Unlock()
	for _, s := range v.w.Sites {
		s.loop.stop()
		<-s.loop.done
		v.w.mu.Lock()
		s.loop = nil
		s.books.serverDied()
		v.w.mu.Unlock()
	}
	for _, e := range v.w.endpoints() { // whose cable is not cut hears of it at once
		if e.agent != nil && e.reaches() {
			e.agent.sockBroke(e.agent.sock, "server is gone")
		}
	}
}

// session is one endpoint's presence at the server; it implements site.Conn. mu of
// the world guards it.
type session struct {
	v     *server
	e     *Endpoint
	loop  *loop
	key   string
	out   wire.Outbox
	in    wire.Inbox
	sock  *sock // nil while lost
	lost  time.Time
	since time.Time
	ended bool
	lied  bool // something that was said in it was no truth
}

// Send implements site.Conn.
func (s *session) Send(kind wire.Kind, body any) bool {
	raw, err := wire.EncodeBody(kind, body)
	s.v.w.mu.Lock()
	defer s.v.w.mu.Unlock()
	if err != nil {
		s.v.w.fault("the server sends %s a %s that breaks the protocol: %v", s.e.Name, kind, err)
		return false
	}
	if s.ended {
		return false
	}
	s.e.site.books.sent(s, body)
	if !s.out.Add(kind, raw) {
		s.v.w.fault("%s was sent more than a session keeps", s.e.Name)
		return false
	}
	if s.sock != nil {
		s.sock.pumpDown()
	}
	return true
}

// Close implements site.Conn. It is called by the site's loop, so the end comes as
// an event.
func (s *session) Close(code, detail string) {
	s.v.w.Tell("server closes the session of %s: %s, %s", s.e.Name, code, detail)
	s.e.line.in(0, func() {
		k := s.sock
		s.end()
		if k != nil && k.a.sock == k {
			k.a.sockBroke(k, code)
		}
	})
}

// end ends the session and tells the site.
func (s *session) end() {
	s.v.w.mu.Lock()
	if s.ended {
		s.v.w.mu.Unlock()
		return
	}
	s.ended = true
	if s.sock != nil {
		s.sock.atServer = false
	}
	if s.v.sessions[s.e] == s {
		delete(s.v.sessions, s.e)
	}
	s.e.site.books.left(s)
	s.v.w.mu.Unlock()
	s.loop.site.Send(site.Left{ID: s.e.ID, Conn: s})
}

// sockLost gives the endpoint its grace to come back.
func (s *session) sockLost() {
	s.v.w.mu.Lock()
	defer s.v.w.mu.Unlock()
	if s.ended || s.sock == nil {
		return
	}
	s.sock.atServer = false
	s.sock, s.lost = nil, time.Now()
	at := s.lost
	s.e.line.alarm(wire.ResumeGrace, func() {
		if s.sock == nil && s.lost.Equal(at) {
			s.end()
		}
	})
}

// hear takes in a message of the endpoint.
func (s *session) hear(text []byte) {
	env, body, err := wire.Decode(text)
	s.v.w.mu.Lock()
	if s.ended {
		s.v.w.mu.Unlock()
		return
	}
	if err == nil {
		err = s.out.Acked(env.Ack)
	}
	fresh := false
	if err == nil {
		fresh, err = s.in.Take(env.ID)
	}
	if err != nil {
		s.v.w.fault("%s sends what the server refuses: %v", s.e.Name, err)
	} else if fresh {
		s.e.site.books.heard(s, body)
	}
	s.v.w.mu.Unlock()
	if err == nil && fresh {
		s.loop.site.Send(site.Heard{ID: s.e.ID, Conn: s, Body: body})
	}
}

// hello answers an endpoint that opened a socket: it goes on with its session, or
// begins one.
func (v *server) hello(k *sock, key string, ack uint64) {
	v.w.mu.Lock()
	e := k.a.e
	old := v.sessions[e]
	if old != nil && old.key == key && old.out.Acked(ack) == nil {
		if old.sock != nil {
			old.sock.atServer = false
		}
		v.w.mu.Unlock()
		k.welcome(old, ack, true)
		return
	}
	v.w.mu.Unlock()
	if old != nil {
		old.end()
	}
	v.keys++
	s := &session{v: v, e: e, loop: e.site.loop, key: fmt.Sprintf("session-%d", v.keys), since: time.Now()}
	v.w.mu.Lock()
	v.sessions[e] = s
	e.site.books.joined(s)
	v.w.mu.Unlock()
	s.loop.site.Send(site.Joined{Conn: s, Member: site.Member{ID: e.ID, Address: "192.0.2." + fmt.Sprint(len(e.site.Name)),
		Hello: wire.Hello{Version: wire.Version, Name: e.Name, Device: wire.DeviceAgent, Trust: 1, Patches: e.takesPatches(), Subnets: []string{"10.0.0.0/24"}}}})
	k.welcome(s, 0, false)
}

// desired is what is wanted of a site. It is owned by the goroutine that delivers.
type desired struct {
	generation uint64
	flows      []site.FlowSpec
	cap        int64
}

func newDesired() desired { return desired{cap: wire.Unlimited} }

func (d desired) state() site.Desired {
	return site.Desired{Generation: d.generation, Flows: slices.Clone(d.flows), Cap: d.cap,
		Trust: stock().document, TrustSerial: 1}
}

// demand makes what is wanted now known to the site's loop.
func (s *Site) demand() {
	s.want.generation++
	if s.loop != nil {
		s.loop.site.Send(site.Wanted{Desired: s.want.state()})
	}
}

func (s *Site) flow(v *Version) *site.FlowSpec {
	for i := range s.want.flows {
		if s.want.flows[i].ID == v.spec.ID {
			return &s.want.flows[i]
		}
	}
	return nil
}

// Wants reports whether a version is ordered here.
func (s *Site) Wants(v *Version) bool { return s.flow(v) != nil }

// Order orders a version.
func (s *Site) Order(v *Version) {
	s.w.Tell("%s: order %s", s.Name, v.Name)
	spec := v.spec
	spec.Priority = wire.Normal
	s.want.flows = append(s.want.flows, spec)
	s.books.ordered(v)
	s.demand()
}

// Patch makes the patches of a version known that is ordered, and reports whether it has
// any: until then those who could use them wait for a while.
func (s *Site) Patch(v *Version) bool {
	f := s.flow(v)
	if v.patches == nil || f.Patches != nil {
		return false
	}
	s.w.Tell("%s: patches of %s are made", s.Name, v.Name)
	f.Patches = v.patches
	s.demand()
	return true
}

// SpoilPatches makes the patches that endpoints of the site fetch make something else, or ends
// that.
func (s *Site) SpoilPatches() {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.spoilt = !s.spoilt
	s.w.tell("%s: patches are spoilt: %v", s.Name, s.spoilt)
}

// Withdraw ends the order of a version.
func (s *Site) Withdraw(v *Version) {
	s.w.Tell("%s: withdraw %s", s.Name, v.Name)
	s.want.flows = slices.DeleteFunc(s.want.flows, func(f site.FlowSpec) bool { return f.ID == v.spec.ID })
	s.books.pause(v, false)
	s.demand()
}

// Pause pauses a flow, or resumes it.
func (s *Site) Pause(v *Version, paused bool) {
	s.w.Tell("%s: pause %s: %v", s.Name, v.Name, paused)
	f := s.flow(v)
	f.Paused, f.PausedBy = paused, ""
	if paused {
		f.PausedBy = "closing time"
	}
	s.books.pause(v, paused)
	s.demand()
}

// Paused reports whether a flow is paused.
func (s *Site) Paused(v *Version) bool { return s.flow(v).Paused }

// Prioritise changes the priority of a flow.
func (s *Site) Prioritise(v *Version, p wire.Priority) {
	s.w.Tell("%s: priority of %s: %s", s.Name, v.Name, p)
	s.flow(v).Priority = p
	s.demand()
}

// Limit caps what the site takes over the WAN, bytes per second.
func (s *Site) Limit(rate int64) {
	s.w.Tell("%s: cap %d bytes/s", s.Name, rate)
	s.want.cap = rate
	s.demand()
}

// KillServer kills the server, StartServer starts it again.
func (w *World) KillServer() {
	w.Tell("server killed")
	w.server.stop()
}

// StartServer starts the server after KillServer.
func (w *World) StartServer() {
	w.Tell("server started")
	w.server.start()
}

// ServerUp reports whether the server runs.
func (w *World) ServerUp() bool { return w.server.up }
