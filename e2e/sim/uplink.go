package sim

import (
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/uplink"
	"github.com/sitecast/sitecast/signaling/socket"
	"github.com/sitecast/sitecast/signaling/wire"
)

// sock is one socket of an endpoint to the server. Each side finds out for itself
// that it is dead. mu of the world guards it.
type sock struct {
	a                 *agent
	s                 *session
	up, down          *stream
	atAgent, atServer bool // the side takes it for alive
	sentUp, sentDown  uint64
	heldUp, heldDown  []func() // by a network that carries nothing
	greeted           bool     // the welcome has come
}

// firstTry and lastTry bound the wait between attempts to connect, tries the
// doublings; after is where it begins anew after a socket that held.
const (
	firstTry = 100 * time.Millisecond
	lastTry  = 30 * time.Second
)

// Send implements engine.Uplink.
func (a *agent) Send(kind wire.Kind, body any) bool {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	body = a.e.lie(kind, body)
	raw, err := wire.EncodeBody(kind, body)
	if err != nil {
		a.w.fault("%s sends a %s that breaks the protocol: %v", a.e.Name, kind, err)
		return false
	}
	if a.dead || a.session == "" {
		return false
	}
	if !a.out.Add(kind, raw) {
		a.session = ""
		return false
	}
	if a.sock != nil {
		a.sock.pumpUp()
	}
	return true
}

// Now implements engine.Uplink.
func (a *agent) Now() time.Time { return time.Now() }

// pumpUp sends what was not sent yet. mu is held.
func (k *sock) pumpUp() {
	for k.atAgent && k.greeted && !k.a.e.frozen {
		kept, more := k.a.out.After(k.sentUp)
		if !more {
			return
		}
		k.sentUp = kept.ID
		text, err := wire.Encode(kept.Kind, kept.ID, k.a.in.Ack(), kept.Body)
		if err != nil {
			k.a.w.fault("%s: %v", k.a.e.Name, err)
			return
		}
		k.up.in(wanLatency, func() { k.arriveUp(func() { k.s.hear(text) }) })
	}
}

// pumpDown is pumpUp of the server. mu is held.
func (k *sock) pumpDown() {
	for k.atServer {
		kept, more := k.s.out.After(k.sentDown)
		if !more {
			return
		}
		k.sentDown = kept.ID
		text, err := wire.Encode(kept.Kind, kept.ID, k.s.in.Ack(), kept.Body)
		if err != nil {
			k.a.w.fault("server to %s: %v", k.a.e.Name, err)
			return
		}
		k.down.in(wanLatency, func() { k.arriveDown(func() { k.hear(text) }) })
	}
}

func (k *sock) arriveUp(do func()) {
	k.a.w.mu.Lock()
	if k.atServer && (!k.a.e.reaches() || len(k.heldUp) > 0) { // nothing overtakes
		k.heldUp = append(k.heldUp, do)
		k.a.w.mu.Unlock()
		return
	}
	ok := k.atServer
	k.a.w.mu.Unlock()
	if ok {
		do()
	}
}

func (k *sock) arriveDown(do func()) {
	k.a.w.mu.Lock()
	if k.atAgent && (!k.a.e.reaches() || len(k.heldDown) > 0) {
		k.heldDown = append(k.heldDown, do)
		k.a.w.mu.Unlock()
		return
	}
	k.a.w.mu.Unlock()
	k.a.input(func() {
		if k.atAgent {
			do()
		}
	})
}

// healed delivers what the network held back.
func (k *sock) healed() {
	k.a.w.mu.Lock()
	up, down := k.heldUp, k.heldDown
	k.heldUp, k.heldDown = nil, nil
	dead := k.atAgent && !k.atServer
	k.a.w.mu.Unlock()
	for _, do := range up { // at once: what is on its way now comes after them
		k.arriveUp(do)
		synctest.Wait()
	}
	for _, do := range down {
		k.arriveDown(do)
		synctest.Wait()
	}
	if dead { // whatever it sends is answered with a reset
		k.down.in(wanLatency, func() { k.a.sockBroke(k, "reset") })
	}
}

// hear takes in a message of the server.
func (k *sock) hear(text []byte) {
	env, body, err := wire.Decode(text)
	a := k.a
	a.w.mu.Lock()
	if err == nil {
		err = a.out.Acked(env.Ack)
	}
	fresh := false
	if err == nil {
		fresh, err = a.in.Take(env.ID)
	}
	if err != nil {
		a.w.fault("%s refuses what the server sends: %v", a.e.Name, err)
	}
	if fresh {
		a.e.site.books.told(a, body)
	}
	a.w.mu.Unlock()
	if err == nil && fresh {
		a.eng.Heard(env.Kind, body)
	}
}

// connect tries to open a socket.
func (a *agent) connect() {
	if a.dead || a.sock != nil {
		return
	}
	a.w.mu.Lock()
	ready := a.e.reaches() && a.w.server.up
	if !ready {
		a.retry()
	}
	a.w.mu.Unlock()
	if !ready {
		return
	}
	k := &sock{a: a, up: a.e.up, down: a.e.down, atAgent: true}
	a.w.mu.Lock()
	a.sock = k
	key, ack := a.session, a.in.Ack()
	a.w.mu.Unlock()
	k.up.in(2*wanLatency, func() {
		if !k.atAgent || !a.e.reaches() || !a.w.server.up {
			a.sockBroke(k, "no answer")
			return
		}
		a.w.server.hello(k, key, ack)
	})
}

// retry plans the next attempt. mu is held.
func (a *agent) retry() {
	limit := min(lastTry, firstTry<<min(a.tries, 10))
	a.tries++
	a.e.line.alarm(time.Duration(a.w.rng.Int64N(int64(limit))), func() { a.input(a.connect) })
}

// welcome gives the socket to a session and answers the endpoint's hello.
func (k *sock) welcome(s *session, ack uint64, resumed bool) {
	w := k.a.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.ended {
		k.down.in(wanLatency, func() { k.arriveDown(func() { k.a.sockBroke(k, "ended at once") }) })
		return
	}
	k.s, s.sock, k.atServer = s, k, true
	k.sentDown = ack
	say := wire.Welcome{Version: wire.Version, Session: s.key, Resumed: resumed, Epoch: w.server.epoch, Endpoint: k.a.e.ID,
		Site: k.a.e.site.Name, ServerTime: time.Now().UTC()}
	text, err := wire.Encode(wire.KindWelcome, 0, s.in.Ack(), say)
	if err != nil {
		w.fault("welcome: %v", err)
		return
	}
	k.down.in(wanLatency, func() { k.arriveDown(func() { k.adopt(text) }) })
	k.pumpDown()
}

// adopt goes on with the session, or begins the one of the welcome.
func (k *sock) adopt(text []byte) {
	a := k.a
	env, body, err := wire.Decode(text)
	say, ok := body.(*wire.Welcome)
	a.w.mu.Lock()
	if err != nil || !ok {
		a.w.fault("%s gets a welcome that it can't read: %v", a.e.Name, err)
		a.w.mu.Unlock()
		return
	}
	broken := false
	if say.Resumed {
		broken = a.out.Acked(env.Ack) != nil || say.Session != a.session
		k.sentUp = env.Ack
	} else {
		a.session, a.out, a.in = say.Session, wire.Outbox{}, wire.Inbox{}
		k.sentUp = 0
	}
	if broken {
		a.session = ""
	}
	k.greeted, a.since = true, time.Now()
	a.w.mu.Unlock()
	if broken {
		a.sockBroke(k, "resumed wrongly")
		return
	}
	a.connected = true
	a.w.Tell("%s connected, resumed %v", a.e.Name, say.Resumed)
	a.eng.Connected(*say)
	a.w.mu.Lock()
	k.pumpUp()
	a.w.mu.Unlock()
}

// sockBroke tells the endpoint's side that its socket is gone.
func (a *agent) sockBroke(k *sock, why string) {
	if k == nil {
		return
	}
	a.input(func() {
		a.w.mu.Lock()
		if a.dead || a.sock != k {
			a.w.mu.Unlock()
			return
		}
		k.atAgent, a.sock = false, nil
		was := a.connected
		a.connected = false
		if was && time.Since(a.since) > 5*time.Second {
			a.tries = min(a.tries, 3)
		}
		a.retry()
		if was {
			a.w.tell("%s lost its socket: %s", a.e.Name, why)
		}
		a.w.mu.Unlock()
		if was {
			a.eng.Disconnected()
		}
	})
}

// reaches reports whether the network carries anything between the endpoint and
// the server.
func (e *Endpoint) reaches() bool { return e.plugged && e.site.wan.up }

// cutOff ends the endpoint's connection to the server, by a reset or in silence.
// In silence each side finds out when it has heard nothing for long.
func (e *Endpoint) cutOff(silent bool) {
	a := e.agent
	if a == nil || a.sock == nil {
		return
	}
	k := a.sock
	if !silent {
		a.sockBroke(k, "reset")
		if k.s != nil && k.s.sock == k {
			k.s.sockLost()
		}
		return
	}
	heal := e.heals
	e.line.alarm(uplink.DeadAfter, func() {
		if e.heals == heal && !e.reaches() {
			a.sockBroke(k, "nothing heard")
		}
	})
	e.line.alarm(socket.ReadTimeout, func() {
		if e.heals == heal && !e.reaches() && k.s != nil && k.s.sock == k {
			k.s.sockLost()
		}
	})
}

// mended lets the network carry again.
func (e *Endpoint) mended() {
	e.heals++
	if a := e.agent; a != nil {
		a.mendedAt = time.Now()
		if a.sock != nil {
			a.sock.healed()
		}
	}
	for _, s := range e.w.server.sessions { // a socket that only the server believes in
		if s.e == e && s.sock != nil && (e.agent == nil || e.agent.sock != s.sock) {
			s.e.line.alarm(wanLatency, s.sockLost)
		}
	}
}
