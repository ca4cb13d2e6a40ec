// Package agent puts an endpoint together: its identity, the store, links to
// peers, the socket to the server, the origin, and the engine that uses them. It
// serves the desktop agent, and the kiosk runtime adds activation on top.
package agent

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/sitecast/sitecast/edge/cache"
	"github.com/sitecast/sitecast/edge/clock"
	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/edge/governor"
	"github.com/sitecast/sitecast/edge/host"
	"github.com/sitecast/sitecast/edge/lan"
	"github.com/sitecast/sitecast/edge/origin"
	"github.com/sitecast/sitecast/edge/polite"
	"github.com/sitecast/sitecast/edge/rtc"
	"github.com/sitecast/sitecast/edge/scrub"
	"github.com/sitecast/sitecast/edge/uplink"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk/disk"
	"github.com/sitecast/sitecast/storage/content"
)

// Config is what an agent is made of.
type Config struct {
	Server       *url.URL
	Authorities  *x509.CertPool // trusted besides the pinned key, where the network opens TLS; nil for none
	Data         string         // folder for identity, store and content
	Name, Device string
	RTCListen    string                 // UDP address for links
	StatusListen string                 // address of the local status server; empty for none
	DebugListen  string                 // address on loopback for profiles; empty for none
	AllowOrigins []string               // web origins whose pages may read content of the status server
	EnrolToken   func() (string, error) // called at the start, and only then
	Cache        cache.Policy           // how long the store keeps what it has
	StoreKey     []byte                 // what the store is encrypted with; nil: it is not
	Polite       bool                   // disk and processor are also somebody else's, who has them first
	Limits       polite.Limits          // what is done without on batteries, metered networks and the like
	Senses       *host.Senses           // what tells of those; nil: the computer's
	Scrub        scrub.Policy           // how often what is stored is checked
	OnComplete   OnComplete             // commands that run when versions are complete
	User         engine.User            // what uses on this computer what is delivered; nil: nothing that the agent knows of
	Clock        func() clock.Reading   // what the clocks of the device show; nil: its own
	Log          *slog.Logger

	// Dial opens connections over TCP, such as through a proxy; nil: the host's network.
	// Net replaces its UDP, and Radio what is known of its way to the peers, for tests in
	// fake time.
	Net   rtc.Net
	Dial  func(ctx context.Context, network, addr string) (net.Conn, error)
	Radio func() (is, known bool)
}

// agent is the wiring of one running endpoint.
type agent struct {
	cfg      Config
	id       *identity
	api      *api
	store    *disk.Store
	eng      *engine.Engine
	rtc      *rtc.Transport
	ice      iceServers
	link     *uplink.Uplink
	origin   *origin.Client
	governor *governor.Governor
	lan      *lan.Governor
	share    *polite.Manners // nil: disk and processor are nobody else's
	regard   *regard
	hooks    *hooks
	clock    *clock.Clock
	wireless atomic.Bool                // radio is the way to the peers
	said     atomic.Pointer[wire.Hello] // the last one
	status   net.Listener               // nil: not served

	refused wire.Refusals

	// mu guards id.Trust, which a newer document replaces.
	mu sync.Mutex
}

// Run runs the agent until ctx ends; then everything it started has returned.
func Run(ctx context.Context, cfg Config) (err error) {
	if cfg.Dial == nil {
		cfg.Dial = direct
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	store, err := openStore(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	id, err := enrolled(ctx, cfg)
	if err != nil {
		return err
	}
	if cfg.Radio == nil && cfg.Net == nil {
		cfg.Radio = func() (is, known bool) { return wireless(cfg.Server) }
	}
	a := &agent{cfg: cfg, id: id, store: store, api: newAPI(cfg, id.Pin)}
	if cfg.Radio != nil {
		is, _ := cfg.Radio()
		a.wireless.Store(is)
	}
	if err := a.assemble(); err != nil {
		return err
	}
	cfg.Log.Info("agent runs", "endpoint", id.id(), "site", id.Site, "server", cfg.Server.String())
	return a.run(ctx)
}

// assemble makes the parts and joins them.
func (a *agent) assemble() error {
	trust, err := content.OpenTrust(a.id.Trust, a.id.Root)
	if err != nil {
		return fmt.Errorf("read the trust document: %w", err)
	}
	a.link, err = uplink.New(uplink.Config{
		URL: a.socketURL(), Dial: a.cfg.Dial, TLS: pinned(a.id.Pin, a.cfg.Server.Hostname(), a.cfg.Authorities), Token: a.token,
		Hello: a.hello, Handler: socket{a}, Refused: &a.refused, Diagnose: a.cfg.behindPortal, Log: a.cfg.Log,
	})
	if err != nil {
		return err
	}
	if a.cfg.StatusListen != "" {
		if a.status, err = net.Listen("tcp", a.cfg.StatusListen); err != nil {
			return fmt.Errorf("listen for status (choose another --status-listen): %w", err)
		}
	}
	// The last step that can fail: what it opens is closed by its Run.
	a.rtc, err = rtc.New(rtc.Config{Net: a.cfg.Net, Listen: a.cfg.RTCListen, Identity: a.id.Key,
		ICE: a.ice.get, Dial: a.cfg.Dial, Handler: links{a}, Refused: &a.refused, Log: a.cfg.Log})
	if err != nil {
		if a.status != nil {
			err = errors.Join(err, a.status.Close())
		}
		return err
	}
	a.origin = origin.New(origin.Config{Base: a.cfg.Server, Dial: a.cfg.Dial, TLS: a.originTLS,
		Pace: a.pace, Tunnelled: a.link.Tunnelled, Refused: &a.refused, Log: a.cfg.Log})
	a.governor = governor.New(governor.Config{Self: a.id.id(), Origin: a.origin, Tell: a.tell, Report: a.link.Send,
		Listen: a.probeSocket, Reflectors: a.ice.reflectors, Ping: a.link.Ping, Tunnelled: a.link.Tunnelled, Log: a.cfg.Log})
	a.lan = lan.New(lan.Config{Wireless: a.wireless.Load(), Waited: host.WaitedForCPU, Log: a.cfg.Log})
	a.share = newManners(a.cfg, a.store)
	served := ""
	if a.status != nil {
		served = a.status.Addr().String()
	}
	a.hooks, a.clock = newHooks(a.cfg, served), newClock(a.cfg)
	a.eng = engine.New(engine.Config{
		Uplink: a.link, Links: a.rtc, Store: a.store, Origin: a.origin, Governor: a.governor, Uploads: uploads{a.lan}, Cache: newCache(a.cfg, a.store),
		Manners: manners(a.share), Scrub: newScrub(a.cfg), User: a.hooks.user(a.cfg.User), Staging: newStaging(a.cfg), Clock: a.clock.Now,
		Root: a.id.Root, Trust: trust, SaveTrust: a.saveTrust, SetICE: a.ice.set, Attempts: a.rtc.Attempts,
		Refused: &a.refused, Log: a.cfg.Log, Seed: rand.Uint64(),
	})
	a.regard = newRegard(a)
	return nil
}

// run runs the parts; the first that fails stops the others.
func (a *agent) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	if a.status != nil {
		group.Go(func() error { return a.serveStatus(ctx, a.status) })
	}
	if a.cfg.DebugListen != "" {
		group.Go(func() error { return serveDebug(ctx, a.cfg.DebugListen) })
	}
	a.regard.look(ctx) // before anything moves
	group.Go(func() error { return a.regard.run(ctx) })
	group.Go(func() error { return a.hooks.run(ctx) })
	group.Go(func() error { return a.keepTime(ctx) })
	group.Go(func() error { return a.eng.Run(ctx) })
	group.Go(func() error { return a.governor.Run(ctx) })
	group.Go(func() error { return a.lan.Run(ctx) })
	if a.share != nil {
		group.Go(func() error { return a.share.Disk.Run(ctx) })
		group.Go(func() error { return a.share.Processor.Run(ctx) })
	}
	group.Go(func() error { return a.rtc.Run(ctx) })
	group.Go(func() error { return a.watch().Run(ctx, a.changed) })
	group.Go(func() error { return a.link.Run(ctx) })
	err := group.Wait()
	a.origin.Close()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// watch looks at the network the agent works on.
func (a *agent) watch() *host.Watch {
	if a.cfg.Net == nil {
		return host.NewWatch(nil, a.cfg.Radio)
	}
	return host.NewWatch(func() []netip.Addr { return rtc.Addresses(a.cfg.Net) }, a.cfg.Radio)
}

// changed has everything that goes over the network begin anew where that is another.
func (a *agent) changed(c host.Change) {
	if c.Away { // it is later than a clock says that stands still meanwhile
		a.eng.Look()
	}
	if c.Turned { // before the hello that says so
		a.wireless.Store(c.Radio)
		a.lan.SetWireless(c.Radio)
	}
	toServer := c
	if said := a.said.Load(); said != nil {
		var now wire.Hello
		a.cfg.sayNetworks(&now)
		toServer.Turned = c.Turned || elsewhere(*said, now)
	}
	a.link.Changed(toServer)
	a.origin.Changed(c)
	if c.Again { // no link was made from what is gone
		return
	}
	a.cfg.Log.Info("the network of this host changed", "gone", c.Gone, "slept", c.Away, "wireless", a.wireless.Load())
	a.rtc.Changed(c)
}

func (a *agent) socketURL() string {
	u := *a.cfg.Server
	u.Scheme = map[string]string{"http": "ws", "https": "wss"}[u.Scheme]
	return u.JoinPath("/api/v1/signal").String()
}

func (a *agent) hello() wire.Hello {
	a.mu.Lock()
	defer a.mu.Unlock()
	trust := uint64(0)
	if t, err := content.OpenTrust(a.id.Trust, a.id.Root); err == nil {
		trust = t.Serial()
	}
	h := wire.Hello{Version: wire.Version, Name: a.cfg.Name, Device: a.cfg.Device,
		Software: "sitecast " + runtime.GOOS + "/" + runtime.GOARCH, Wireless: a.wireless.Load(), Battery: a.regard.onBattery(), Trust: trust, Patches: true}
	a.cfg.sayNetworks(&h)
	a.said.Store(&h)
	return h
}

// saveTrust keeps a newer trust document.
func (a *agent) saveTrust(document json.RawMessage) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := *a.id
	next.Trust = document
	if err := next.save(a.cfg.Data); err != nil {
		return err
	}
	a.id.Trust = document
	return nil
}

// token proves the endpoint's key to the server and returns a fresh JWT.
func (a *agent) token(ctx context.Context) (string, error) {
	return a.api.session(ctx, a.id.Key)
}

// uploads joins links to the governor of the LAN.
type uploads struct{ lan *lan.Governor }

func (u uploads) Join(l engine.Link) engine.Pacer { return u.lan.Join(l.(*rtc.Link)) }

// links passes what rtc reports to the engine.
type links struct{ a *agent }

func (h links) Signal(s wire.Signal)           { h.a.eng.Signal(s) }
func (h links) Up(l *rtc.Link)                 { h.a.eng.LinkUp(l) }
func (h links) Ctl(l *rtc.Link, f wire.Frame)  { h.a.eng.Ctl(l, f) }
func (h links) Bulk(l *rtc.Link, f wire.Frame) { h.a.eng.Bulk(l, f) }
func (h links) Down(peer wire.EndpointID, l *rtc.Link, attempt int, reason string) {
	if l == nil { // a nil *rtc.Link in an interface would not be nil
		h.a.eng.LinkDown(peer, nil, attempt, reason)
		return
	}
	h.a.eng.LinkDown(peer, l, attempt, reason)
}

// socket passes what the uplink reports to the engine.
type socket struct{ a *agent }

func (h socket) Connected(w wire.Welcome) { h.a.heard(); h.a.eng.Connected(w) }
func (h socket) Disconnected(error)       { h.a.eng.Disconnected() }
func (h socket) Heard(kind wire.Kind, body any) {
	if flows, ok := body.(*wire.Flows); ok {
		h.a.regard.allow(flows.Limits.Allowance)
	}
	h.a.eng.Heard(kind, body)
}
