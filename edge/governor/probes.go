package governor

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/pion/stun/v4"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/signaling/wire/stamp"
)

const (
	// othersEvery is how often reflectors are probed that are not in use. That in use is
	// probed at each look of the loop.
	othersEvery = 500 * time.Millisecond
	// lostAfter is how long a probe is waited for.
	lostAfter = 3 * time.Second
	// silentAfter is how long the reflector in use may say nothing before another takes
	// its place.
	silentAfter = 600 * time.Millisecond
	maxProbes   = 256
	// maxReadErrors in a row mean that the socket is of no use any more. One alone may
	// tell of a packet that nobody took.
	maxReadErrors = 16
	// ownQueue at the reflector in use, while another sees less than noQueue, is not of
	// the line that both are beyond.
	ownQueue = 20 * time.Millisecond
	noQueue  = 3 * time.Millisecond
	// tcpName is the reflector that is the server over TCP.
	tcpName = "tcp"
)

// reply is a probe that came back, or the address that a name stands for.
type reply struct {
	id    [stun.TransactionIDSize]byte
	at    time.Time
	lay   time.Duration // with the reflector
	tcp   bool
	rtt   time.Duration // of tcp; 0 means that it failed
	named *reflector    // that addr is of
	addr  net.Addr
}

// reflector answers probes from beyond the line.
type reflector struct {
	name   string
	tcp    bool
	addr   net.Addr // nil while its name is looked up
	base   BaseDelay
	sentAt time.Time
	heard  time.Time
	queue  time.Duration
	before exchange
}

// exchange is a probe and its reply.
type exchange struct{ sent, at time.Time }

// probes measures round trips to reflectors. The governor's loop owns it, but for
// the goroutine that reads.
type probes struct {
	conn    net.PacketConn // nil where UDP could not be opened
	ping    func(ctx context.Context) (time.Duration, error)
	replies chan reply
	stop    context.CancelFunc
	ctx     context.Context
	wg      sync.WaitGroup

	all     []*reflector
	active  int
	since   time.Time // the active one is it
	number  uint64    // of probes to the active one
	sent    map[[stun.TransactionIDSize]byte]outstanding
	pinging bool
	queue   time.Duration // newest
}

type outstanding struct {
	to     *reflector
	at     time.Time
	number uint64 // among those to the active one; 0 for others
}

func newProbes(ctx context.Context, now time.Time, cfg Config, further []string, known map[string]time.Duration) *probes {
	ctx, stop := context.WithCancel(ctx)
	p := &probes{ping: cfg.Ping, replies: make(chan reply, maxProbes), ctx: ctx, stop: stop, since: now,
		sent: map[[stun.TransactionIDSize]byte]outstanding{}}
	conn, err := cfg.Listen()
	if err != nil {
		cfg.Log.Warn("no UDP for probes", "err", err)
	} else {
		p.conn = conn
		for _, name := range append(cfg.Reflectors(), further...) {
			if len(p.all) == wire.MaxReflectors || slices.ContainsFunc(p.all, func(r *reflector) bool { return r.name == name }) {
				continue
			}
			r := &reflector{name: name, base: BaseDelay{known: known[name]}}
			p.all = append(p.all, r)
			if at, err := netip.ParseAddrPort(name); err == nil {
				r.addr = net.UDPAddrFromAddrPort(at)
			} else {
				p.wg.Go(func() { p.lookUp(r) })
			}
		}
		p.wg.Go(p.read)
	}
	if p.ping != nil {
		p.all = append(p.all, &reflector{name: tcpName, tcp: true, base: BaseDelay{known: known[tcpName]}})
	}
	return p
}

// lookUp finds the address of a reflector, which may take a while. One without is
// never heard.
func (p *probes) lookUp(r *reflector) {
	host, service, err := net.SplitHostPort(r.name)
	if err != nil {
		return
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return
	}
	ips, err := net.DefaultResolver.LookupNetIP(p.ctx, "ip", host)
	if err != nil || len(ips) == 0 {
		return
	}
	at := ips[0].Unmap()
	for _, ip := range ips {
		if ip = ip.Unmap(); ip.Is4() { // more lines have it
			at = ip
			break
		}
	}
	select {
	case p.replies <- reply{named: r, addr: net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, uint16(port)))}:
	case <-p.ctx.Done():
	}
}

// close ends probing and waits for it.
func (p *probes) close() {
	p.stop()
	if p.conn != nil {
		_ = p.conn.Close() // frees the reader
	}
	p.wg.Wait()
}

// read hands replies on.
func (p *probes) read() {
	buf := make([]byte, 1500)
	receive := stamp.Of(p.conn)
	for failed := 0; failed < maxReadErrors; { // beyond, TCP is asked
		n, _, at, err := receive(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			failed++
			continue
		}
		failed = 0
		if n < 20 || !stun.IsMessage(buf[:n]) {
			continue
		}
		m := stun.Message{Raw: slices.Clone(buf[:n])}
		if m.Decode() != nil || m.Type != stun.BindingSuccess {
			continue
		}
		select {
		case p.replies <- reply{id: m.TransactionID, at: at, lay: layOf(&m)}:
		default: // nobody looks: another probe will tell
		}
	}
}

// layOf is how long a probe lay with the reflector, as it says.
func layOf(m *stun.Message) time.Duration {
	b, err := m.Get(wire.AttrLay)
	if err != nil || len(b) != 4 {
		return 0
	}
	return time.Duration(binary.BigEndian.Uint32(b)) * time.Microsecond
}

// send probes who is due.
func (p *probes) send(now time.Time) {
	for id, o := range p.sent {
		if now.Sub(o.at) > lostAfter {
			delete(p.sent, id)
		}
	}
	p.choose(now)
	for i, r := range p.all {
		if i != p.active && now.Sub(r.sentAt) < othersEvery || r.addr == nil && !r.tcp {
			continue
		}
		r.sentAt = now
		if r.tcp {
			p.sendTCP()
			continue
		}
		m, err := stun.Build(stun.TransactionID, stun.BindingRequest)
		if err != nil || len(p.sent) >= maxProbes {
			continue
		}
		o := outstanding{to: r}
		if i == p.active {
			p.number++
			o.number = p.number
		}
		o.at = time.Now()
		p.sent[m.TransactionID] = o
		_, _ = p.conn.WriteTo(m.Raw, r.addr) // what is lost is not heard
	}
}

func (p *probes) sendTCP() {
	if p.pinging {
		return
	}
	p.pinging = true
	p.wg.Go(func() {
		ctx, stop := context.WithTimeout(p.ctx, lostAfter)
		defer stop()
		r := reply{tcp: true}
		if rtt, err := p.ping(ctx); err == nil {
			r.at, r.rtt = time.Now(), rtt
		}
		select {
		case p.replies <- r:
		case <-p.ctx.Done():
		}
	})
}

// finding is what a probe found: the queue, and whether it came back together with
// the one before though it was sent later, so that a host that stood still released
// them both. The number tells which others did not come back; 0 for none, as over TCP.
type finding struct {
	queue  time.Duration
	again  bool
	number uint64
}

// heard takes a reply in. It returns what it found when it is of the reflector in
// use.
func (p *probes) heard(now time.Time, r reply) (finding, bool) {
	var from *reflector
	var number uint64
	rtt := r.rtt
	if r.named != nil {
		r.named.addr = r.addr
		return finding{}, false
	}
	if r.tcp {
		p.pinging = false
		if rtt == 0 {
			return finding{}, false
		}
		from = p.all[len(p.all)-1]
	} else {
		o, known := p.sent[r.id]
		if !known {
			return finding{}, false // late, or forged
		}
		delete(p.sent, r.id)
		from, rtt, number = o.to, r.at.Sub(o.at), o.number
		if r.lay > rtt {
			return finding{}, false // nobody can have it for longer than it was away
		}
		rtt -= r.lay
	}
	sent := r.at.Add(-rtt)
	apart := sent.Sub(from.before.sent)
	f := finding{number: number, again: apart > 0 && r.at.Sub(from.before.at) < apart*2/5}
	from.before = exchange{sent, r.at}
	from.heard = now
	from.queue = rtt - from.base.Add(now, rtt)
	f.queue = from.queue
	if from != p.current() {
		return finding{}, false
	}
	p.queue = f.queue
	return f, true
}

func (p *probes) current() *reflector {
	if len(p.all) == 0 {
		return &reflector{}
	}
	return p.all[p.active]
}

// choose changes the reflector in use when it says nothing while another does, when
// it alone sees a queue, as that is its own then, or when it is TCP and UDP passes.
func (p *probes) choose(now time.Time) {
	at := p.current()
	silent := now.Sub(latest(at.heard, p.since)) > max(silentAfter, 4*at.base.Now())
	settled := now.Sub(p.since) > lostAfter
	for i, r := range p.all {
		if i == p.active || r.heard.IsZero() || now.Sub(r.heard) >= 2*othersEvery {
			continue
		}
		alone := !r.tcp && at.queue > ownQueue && r.queue < noQueue
		if silent || settled && (alone || at.tcp && !r.tcp) {
			p.active, p.since = i, now
			return
		}
	}
}

// baseNow is the round trip of the reflector in use over the empty line, 0 while it
// is not known.
func (p *probes) baseNow() time.Duration { return p.current().base.Now() }

func (p *probes) name() string { return p.current().name }

// bases is what is known of all, in microseconds.
func (p *probes) bases() map[string]int64 {
	out := map[string]int64{}
	for _, r := range p.all {
		if b := r.base.Now(); b > 0 {
			out[r.name] = b.Microseconds()
		}
	}
	return out
}
