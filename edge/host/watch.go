package host

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"
)

const (
	// lookEvery is how often the clocks are looked at, and the addresses where the
	// system does not tell when they change.
	lookEvery = 2 * time.Second
	// lookAnyway is how often the addresses are looked at where it does.
	lookAnyway = 30 * time.Second
	// settleTime is how long a change of addresses is given to be whole: one goes, and
	// another comes.
	settleTime = 50 * time.Millisecond
	// unsettled is how long after an address went the change is told again when more
	// changes: routes follow addresses, and what was begun meanwhile may have begun by the
	// way that is gone.
	unsettled = 10 * time.Second
	// awayTime is how long a host may sleep, or its programs stand still, before others
	// have given up what they had open with it.
	awayTime = 15 * time.Second
)

// A Change says that the host's network is not what it was: who waits before it tries
// again need not wait any longer.
type Change struct {
	// Gone are addresses that the host has no more, while it has others: what was
	// opened from them is dead, though nobody says so.
	Gone []netip.Addr
	// Away says that the host slept, or this program stood still, for so long that
	// others have given up what they had open with it.
	Away bool
	// Again says that Gone was told before, and the network is still settling.
	Again bool
	// Turned says that the way to others is of another kind now: Radio, or a cable.
	Turned, Radio bool
}

// ErrChanged ends what can bring nothing any more because of a change.
var ErrChanged = errors.New("the network of this host is another, or it slept")

// Ends reports whether what was opened from an address is dead.
func (c Change) Ends(local net.Addr) bool {
	ip, err := netip.ParseAddrPort(local.String())
	return c.Away || err == nil && slices.Contains(c.Gone, ip.Addr().Unmap())
}

// A Watch notices that a host got another address (from radio to cable, by DHCP), that
// its network came back, that it slept, or that its way to others turned from radio to
// cable or back. The network's own time-outs find out after ten seconds to a minute that
// something is dead, and nobody that something is slower.
type Watch struct {
	list  func() []netip.Addr
	radio func() (is, known bool)
	hints bool // of the system are listened to
}

// NewWatch watches the addresses in a list, which may change with every call; nil: those
// of this computer. Radio tells whether radio is the way to others, where that is known;
// nil: it is not.
func NewWatch(list func() []netip.Addr, radio func() (is, known bool)) *Watch {
	if radio == nil {
		radio = func() (bool, bool) { return false, false }
	}
	if list == nil {
		return &Watch{list: addresses, radio: radio, hints: true}
	}
	return &Watch{list: list, radio: radio}
}

// Run calls tell with every change until ctx ends. It returns nil.
func (w *Watch) Run(ctx context.Context, tell func(Change)) error {
	var hints <-chan struct{}
	if w.hints {
		var stop func()
		hints, stop = listen()
		defer stop()
	}
	now := time.Now()
	s := sight{addresses: w.list()}
	s.turned(w.radio())
	slept, listed := now, now
	var last Change // that took an address away
	var lastAt time.Time
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		hint := false
		select {
		case <-ctx.Done():
			return nil
		case _, hint = <-hints:
			if !hint {
				hints = nil // the system tells no more
			}
			sleep(ctx, settleTime)
		case <-tick.C:
		}
		now := time.Now()
		// A clock that runs on while the computer sleeps, and one that may not.
		away := max(now.Sub(slept), now.Round(0).Sub(slept.Round(0))) >= awayTime
		slept = now
		list, turned := s.addresses, false
		if hint || away || hints == nil || now.Sub(listed) >= lookAnyway {
			list, listed, turned = w.list(), now, s.turned(w.radio())
		}
		c, changed := s.look(list, away)
		c.Turned, c.Radio = turned, s.radio
		switch {
		case changed || turned:
			tell(c)
			if len(c.Gone) > 0 {
				last, lastAt = c, now
			}
		case len(last.Gone) > 0 && (hint || hints == nil) && now.Sub(lastAt) < unsettled && !s.has(last.Gone):
			tell(Change{Gone: last.Gone, Again: true})
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// sight is what was seen of a host's network last.
type sight struct {
	addresses []netip.Addr // the newest that were some
	none      bool         // there are none now
	radio     bool         // is the way to others
	kind      bool         // radio was known once
}

// turned takes in whether radio is the way to others, and reports whether a cable was
// before, or the other way round. While nothing is known, as without a route, it is what
// it was.
func (s *sight) turned(radio, known bool) bool {
	if !known {
		return false
	}
	was, first := s.radio, !s.kind
	s.radio, s.kind = radio, true
	return !first && was != radio
}

// has reports whether one of the addresses is there.
func (s *sight) has(addresses []netip.Addr) bool {
	return slices.ContainsFunc(addresses, func(a netip.Addr) bool { return slices.Contains(s.addresses, a) })
}

// look takes in what is seen now. A host without a network has nothing to move to: its
// addresses count as gone once it has others, and not if they come back.
func (s *sight) look(now []netip.Addr, away bool) (c Change, changed bool) {
	if len(now) == 0 {
		s.none = true
		return Change{Away: away}, away
	}
	for _, a := range s.addresses {
		if !slices.Contains(now, a) {
			c.Gone = append(c.Gone, a)
		}
	}
	came := slices.ContainsFunc(now, func(a netip.Addr) bool { return !slices.Contains(s.addresses, a) })
	changed = s.none || away || came || len(c.Gone) > 0
	s.addresses, s.none, c.Away = now, false, away
	return c, changed
}

// addresses are those by which others may reach this computer: of interfaces that are up
// and have a carrier, and neither for this host nor for one cable only.
func addresses() (out []netip.Addr) {
	all, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagRunning == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		list, err := i.Addrs()
		if err != nil {
			continue // it has gone meanwhile
		}
		out = append(out, Routable(list)...)
	}
	return out
}

// Routable are the addresses in a list of an interface's by which others than its
// neighbours may reach it.
func Routable(list []net.Addr) (out []netip.Addr) {
	for _, a := range list {
		prefix, err := netip.ParsePrefix(a.String())
		if ip := prefix.Addr().Unmap(); err == nil && ip.IsGlobalUnicast() {
			out = append(out, ip)
		}
	}
	return out
}
