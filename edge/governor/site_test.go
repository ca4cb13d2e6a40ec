package governor_test

import (
	"context"
	"log/slog"
	"maps"
	"math"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/governor"
	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	// siteStep is how finely bytes flow while somebody fetches, and restStep else.
	siteStep = time.Millisecond
	restStep = 100 * time.Millisecond
	// way is how long a frame is on the LAN.
	way      = 2 * time.Millisecond
	lineRTT  = 20 * time.Millisecond
	maxQueue = 40 * time.Millisecond
)

// site is governors that are joined by frames and share a line.
type site struct {
	t     *testing.T
	wg    sync.WaitGroup
	stop  chan struct{}
	begun time.Time

	// mu guards the rest.
	mu       sync.Mutex
	members  map[wire.EndpointID]*member
	capacity float64 // of the line
	backlog  float64
	cut      map[wire.EndpointID]bool // whose frames are lost
	govern   wire.Govern
	watch    func() // at every instant
}

// member is an endpoint: a governor, and an origin that takes what it may.
type member struct {
	s    *site
	id   wire.EndpointID
	g    *governor.Governor
	air  *air
	end  func()
	dead bool

	// the site's mu guards the rest.
	rate     int64
	lossy    bool
	fetching bool
	held     time.Duration
	slow     float64 // share of time that the store holds readers up
	taken    float64
	opened   int // sockets for probes
	frames   []sent
	accounts []wire.Governed
	deaf     bool // the server takes no accounts
	stall    chan struct{}
}

type sent struct {
	at time.Time
	to wire.EndpointID
	f  wire.Frame
}

// onSite runs a test among members, of whom all have been started.
func onSite(t *testing.T, capacity float64, do func(s *site), ids ...wire.EndpointID) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &site{t: t, stop: make(chan struct{}), begun: time.Now(), members: map[wire.EndpointID]*member{}, capacity: capacity,
			cut: map[wire.EndpointID]bool{}, watch: func() {}}
		for _, id := range ids {
			s.start(id)
		}
		s.wg.Go(s.flow)
		do(s)
		for _, m := range s.members {
			m.end()
		}
		close(s.stop)
		s.wg.Wait()
	})
}

func (s *site) start(id wire.EndpointID) *member {
	m := &member{s: s, id: id}
	s.mu.Lock()
	s.members[id] = m
	s.mu.Unlock()
	m.g = governor.New(governor.Config{Self: id, Origin: m, Tell: m.tell, Report: m.report, Listen: m.listen,
		Reflectors: func() []string { return []string{near} }, Log: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = m.g.Run(ctx) }()
	m.end = func() { stop(); <-done }
	return m
}

// kill ends a member without a word.
func (s *site) kill(id wire.EndpointID) {
	m := s.members[id]
	m.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	m.dead, m.fetching = true, false
}

// appoint tells those who have a part in it.
func (s *site) appoint(w wire.Govern) {
	s.govern = w
	for _, id := range append(slices.Clone(w.Fetchers), w.Holder, w.StandBy) {
		if m := s.members[id]; m != nil && !m.dead {
			m.g.Appointed(w)
		}
	}
	synctest.Wait()
}

func (s *site) fetch(now bool, ids ...wire.EndpointID) {
	s.change(func() {
		for _, id := range ids {
			s.members[id].fetching = now
		}
	})
	if now {
		time.Sleep(restStep) // until it flows
	}
}

// change changes what the site's mu guards.
func (s *site) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// flow moves bytes over the line.
func (s *site) flow() {
	timer := time.NewTimer(siteStep)
	defer timer.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-timer.C:
		}
		s.mu.Lock()
		timer.Reset(restStep)
		for _, m := range s.members {
			if m.fetching {
				timer.Reset(siteStep)
			}
		}
		var asked float64
		for _, m := range s.members {
			asked += m.asks()
		}
		room := s.capacity * siteStep.Seconds()
		arrives := min(s.backlog+asked, room)
		s.backlog = min(s.backlog+asked-arrives, s.capacity*maxQueue.Seconds())
		for _, m := range s.members {
			if asked > 0 {
				m.taken += arrives * m.asks() / asked
			}
			if m.fetching {
				m.held += time.Duration(m.slow * float64(siteStep))
			}
			if m.air != nil {
				m.air.set(near, lineRTT+time.Duration(s.backlog/s.capacity*float64(time.Second)))
			}
		}
		s.watch()
		s.mu.Unlock()
	}
}

func (m *member) asks() float64 {
	if !m.fetching {
		return 0
	}
	return float64(m.rate) * siteStep.Seconds() * (1 - m.slow)
}

func (m *member) SetRate(rate int64, _ time.Duration, lossy bool) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.rate, m.lossy = rate, lossy
}

func (m *member) Taken() int64 {
	m.s.mu.Lock()
	stall, taken := m.stall, int64(m.taken)
	m.s.mu.Unlock()
	if stall != nil {
		<-stall
	}
	return taken
}

func (m *member) Fetching() (bool, time.Duration) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	return m.fetching, m.held
}

// stands makes the loop stand still for a while, as on a machine that sleeps.
func (m *member) stands(d time.Duration) {
	stall := make(chan struct{})
	m.s.mu.Lock()
	m.stall = stall
	m.s.mu.Unlock()
	time.Sleep(d)
	m.s.mu.Lock()
	m.stall = nil
	m.s.mu.Unlock()
	close(stall)
}

func (m *member) tell(to wire.EndpointID, f wire.Frame) {
	m.s.mu.Lock()
	m.frames = append(m.frames, sent{time.Now(), to, f})
	other, lost := m.s.members[to], m.s.cut[m.id]
	m.s.mu.Unlock()
	if other != nil && !other.dead && !lost {
		time.AfterFunc(way, func() { deliver(other.g, m.id, f) })
	}
}

// deliver is what an engine does with a frame.
func deliver(g *governor.Governor, from wire.EndpointID, f wire.Frame) {
	if f.Kind == wire.FrameGrant {
		w := *f.Grant
		w.From = from
		g.Granted(w)
		return
	}
	g.Took(wire.Taken{From: from, Bytes: f.Total, Wants: f.Flags&wire.TakenWants != 0})
}

func (m *member) report(_ wire.Kind, body any) bool {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	if m.deaf {
		return false
	}
	m.accounts = append(m.accounts, body.(wire.Governed))
	return true
}

func (m *member) listen() (net.PacketConn, error) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.opened++
	m.air = newAir(map[string]time.Duration{near: lineRTT})
	return m.air, nil
}

// grants are those given since a moment, of the last of each to whom.
func (m *member) grants(since time.Time) (n int, last map[wire.EndpointID]wire.Grant) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	last = map[wire.EndpointID]wire.Grant{}
	for _, f := range m.frames {
		if f.f.Kind == wire.FrameGrant && !f.at.Before(since) {
			last[f.to] = *f.f.Grant
			n++
		}
	}
	return n, last
}

// told is the accounts that the server has heard from a member.
func (m *member) told() []wire.Governed {
	synctest.Wait()
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	return slices.Clone(m.accounts)
}

// may is the rate that a member is held to.
func (m *member) may() int64 {
	synctest.Wait()
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	return m.rate
}

// sum is what all fetchers may take now. mu is held.
func (s *site) sum() (sum int64) {
	for _, id := range s.govern.Fetchers {
		if m := s.members[id]; m != nil && !m.dead {
			sum += m.rate
		}
	}
	return sum
}

// pass lets time pass, in which the sum never exceeds a limit.
func (s *site) pass(d time.Duration, limit int64) {
	s.t.Helper()
	var worst int64
	var when time.Time
	s.mu.Lock()
	s.watch = func() {
		if sum := s.sum(); sum > worst {
			worst, when = sum, time.Now()
		}
	}
	s.mu.Unlock()
	time.Sleep(d)
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = func() {}
	if worst > limit {
		s.t.Errorf("%v after the begin fetchers may take %d bytes a second in all, limit %d: %v", when.Sub(s.begun), worst, limit, s.rates())
	}
}

func (s *site) rates() map[wire.EndpointID]int64 {
	out := map[wire.EndpointID]int64{}
	for id := range maps.Keys(s.members) {
		out[id] = s.members[id].rate
	}
	return out
}

const boundless = math.MaxInt64
