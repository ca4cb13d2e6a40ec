// Package lab runs the whole system in one process and in fake time: the real
// server over TCP in memory, real agents whose links are the real WebRTC stack on
// pion's virtual network, the operator's own commands. An hour of idling takes
// milliseconds, and what happens in it can be counted. Stories about real kernels,
// processes and links are in e2e/story instead.
//
// A lab lives in a testing/synctest bubble.
package lab

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/transport/v5/vnet"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/edge/agent"
	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/edge/host"
	"github.com/sitecast/sitecast/edge/polite"
	"github.com/sitecast/sitecast/edge/rtc/rtctest"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/catalog/sqlite/sqlitetest"
)

const (
	serverHost = "10.255.0.1"
	serverAddr = serverHost + ":8443"
	desk       = "10.255.0.2" // where the operator sits
)

// Plan says what to build.
type Plan struct {
	Sites []int         // endpoints of each site
	Path  memnet.Path   // between any host and the server, each connection by itself
	LAN   time.Duration // one-way delay of a site's LAN
	// Fetchers is how many endpoints of a site fetch at once; 0 for as many as a server
	// has by itself.
	Fetchers int
	// NATs are what each endpoint of the first site is behind. A relay stands between
	// them then; Isolated leaves no way but that.
	NATs     []NAT
	Isolated bool
	// RelayName is the name by which endpoints know that relay; empty: they know its
	// address.
	RelayName string
	// Roaming: endpoints of the first site roam, and are where the map of networks says.
	Roaming bool
	// Objects opens where the origin keeps its objects, for each start of the server; nil:
	// a folder.
	Objects func(wan *memnet.Network) server.Objects
}

// Lab is a running system.
type Lab struct {
	WAN   *memnet.Network
	Sites []*Site

	t      testing.TB
	dir    string
	key    string // file of the publisher's, in dir
	url    *url.URL
	server *running
	origin *server.Server // the one that runs
	served int64          // by those before it

	fetchers int
	roaming  bool
	objects  func() server.Objects
	holders  holders
	relayNet *vnet.Net // nil without a relay
	relayAt  string    // host:port, as endpoints know it
}

// Site is one place.
type Site struct {
	Name      string
	Endpoints []*Endpoint

	lan      *vnet.Router
	walls    walls
	isolated atomic.Bool
}

// Endpoint is one device.
type Endpoint struct {
	Name string
	Host string // its address on the WAN
	Data string
	Key  []byte // what its store is encrypted with from the next Start on; nil: it is not
	// Limits are what it goes by from the next Start on, as its Senses tell.
	Limits polite.Limits
	Senses *host.Senses
	device
	// User uses what is delivered from the next Start on; nil: nobody does.
	User engine.User

	lab    *Lab
	net    *rtctest.Host
	at     atomic.Pointer[string] // its address on the LAN
	fenced atomic.Bool
	radio  atomic.Bool // is its way to the LAN
	token  string
	agent  *running // nil while it is off
}

// running is something that runs until it is stopped.
type running struct {
	stop context.CancelFunc
	done chan struct{}
	err  error // once done is closed
}

func run(f func(ctx context.Context) error) *running {
	ctx, stop := context.WithCancel(context.Background())
	r := &running{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = f(ctx)
	}()
	return r
}

// end stops it and returns how it ended.
func (r *running) end() error {
	r.stop()
	<-r.done
	return r.err
}

// New builds the plan and starts everything. The caller must call Close before the
// bubble ends.
func New(t testing.TB, plan Plan) *Lab {
	t.Helper()
	l := &Lab{WAN: memnet.New(plan.Path), t: t, dir: t.TempDir(), url: &url.URL{Scheme: "https", Host: serverAddr},
		fetchers: plan.Fetchers, roaming: plan.Roaming, holders: holders{by: map[string]string{}}, objects: func() server.Objects { return nil }}
	if plan.Objects != nil {
		l.objects = func() server.Objects { return plan.Objects(l.WAN) }
	}
	for i := range plan.Sites {
		l.lay(i, plan)
	}
	l.StartServer()
	for _, s := range l.Sites {
		l.open(s)
	}
	l.Settle()
	return l
}

// StartServer starts the server, also again after StopServer.
func (l *Lab) StartServer() {
	l.t.Helper()
	listener, err := l.WAN.Listen(serverAddr)
	l.must(err)
	data := filepath.Join(l.dir, "server")
	sqlitetest.Put(l.t, filepath.Join(data, "sitecast.db"))
	s, err := server.New(context.Background(), server.Config{Data: data, Packs: filepath.Join(data, "packs"), Objects: l.objects(),
		PublicURL: l.url, Listener: listener, Dial: l.WAN.Dialer(serverHost), PrivateVendors: true, Fetchers: l.fetchers, Relay: l.relay(), RelayAddrs: []string{l.relayAt},
		Log: slog.New(listening{Handler: l.log("server").Handler(), to: &l.holders})})
	l.must(err)
	l.origin, l.server = s, run(s.Run)
}

// StopServer stops the server in order.
func (l *Lab) StopServer() {
	l.t.Helper()
	l.must(l.server.end())
	l.served += l.origin.Served()
}

// Served is how many bytes of objects the origin has served since New, also those
// that never arrived.
func (l *Lab) Served() int64 { return l.served + l.origin.Served() }

// laying is held while networks are built: pion's numbers all hosts of the process
// without a lock, and labs may be beside each other.
var laying sync.Mutex

// lay builds the network of a site.
func (l *Lab) lay(i int, plan Plan) {
	l.t.Helper()
	laying.Lock()
	defer laying.Unlock()
	s := &Site{Name: fmt.Sprintf("site-%d", i+1)}
	l.Sites = append(l.Sites, s)
	var err error
	s.lan, err = vnet.NewRouter(&vnet.RouterConfig{CIDR: fmt.Sprintf("10.%d.0.0/24", i+1), MinDelay: plan.LAN, LoggerFactory: quiet()})
	l.must(err)
	s.lan.AddChunkFilter(s.walls.let)
	nats := make([]NAT, plan.Sites[i])
	if i == 0 && plan.NATs != nil {
		l.addRelay(s.lan, plan.RelayName)
		copy(nats, plan.NATs)
	}
	s.isolated.Store(plan.Isolated)
	s.lan.AddChunkFilter(func(c vnet.Chunk) bool { return !s.isolated.Load() || ofRelay(c) })
	for k, nat := range nats {
		e := &Endpoint{Name: fmt.Sprintf("%s-till-%d", s.Name, k+1), Host: fmt.Sprintf("10.%d.0.%d", i+1, k+1), lab: l}
		e.Data = filepath.Join(l.dir, e.Name)
		l.behind(s, k, e, nat)
		s.Endpoints = append(s.Endpoints, e)
	}
	l.must(s.lan.Start())
}

// open makes a site known to the server, and starts what is there.
func (l *Lab) open(s *Site) {
	l.t.Helper()
	l.must(operator.SiteCreate{Remote: l.Remote(io.Discard), Name: s.Name}.Run(l.t.Context()))
	var token bytes.Buffer
	l.must(operator.Enrol{Remote: l.Remote(&token), Site: s.Name, Uses: max(len(s.Endpoints), 1), TTL: time.Hour, Roaming: l.roaming && s == l.Sites[0]}.Run(l.t.Context()))
	for _, e := range s.Endpoints {
		e.token = token.String()
		e.Start()
	}
}

// Start switches the endpoint on.
func (e *Endpoint) Start() {
	e.prepare()
	e.agent = run(func(ctx context.Context) error {
		return e.run(ctx, agent.Config{Server: e.lab.url, Data: e.Data, Name: e.Name, Device: "agent", RTCListen: "0.0.0.0:0",
			EnrolToken: func() (string, error) { return e.token, nil }, Log: e.lab.log(e.Name), User: e.User,
			StoreKey: e.Key, Limits: e.Limits, Senses: e.Senses, Net: e.net, Dial: e.dial, Radio: func() (bool, bool) { return e.radio.Load(), true }})
	})
}

// Stop switches it off in order.
func (e *Endpoint) Stop() {
	e.lab.t.Helper()
	e.lab.must(e.agent.end())
	e.agent = nil
}

// Close stops everything.
func (l *Lab) Close() {
	l.t.Helper()
	var err error
	for _, s := range l.Sites {
		for _, e := range s.Endpoints {
			if e.agent != nil {
				err = errors.Join(err, e.agent.end())
			}
		}
		err = errors.Join(err, s.lan.Stop())
	}
	l.must(errors.Join(err, l.server.end()))
}

// Settle lets what was just ordered begin: everybody online has heard of it.
func (l *Lab) Settle() {
	time.Sleep(5 * time.Second)
	synctest.Wait()
}

// Remote is how an operator's command reaches the server; it prints to out.
func (l *Lab) Remote(out io.Writer) operator.Remote {
	return operator.Remote{Server: l.url.String(), TokenFile: filepath.Join(l.dir, "server", "admin.token"),
		Stdout: out, Stderr: io.Discard, Dial: l.WAN.Dialer(desk)}
}

// Publish publishes a file of random bytes, called like the content.
func (l *Lab) Publish(name, version string, size int64) {
	l.t.Helper()
	path := filepath.Join(l.t.TempDir(), name)
	l.must(os.WriteFile(path, Bytes(name, version, size), 0o600))
	l.PublishPath(name, version, path)
}

// PublishPath publishes a file or a folder.
func (l *Lab) PublishPath(name, version, path string) {
	l.t.Helper()
	l.must(operator.Publish{Remote: l.Remote(io.Discard), Path: path, Name: name, Version: version,
		Key: l.Key()}.Run(l.t.Context()))
}

// Key is the file of the publisher's key.
func (l *Lab) Key() string { return filepath.Join(l.dir, cmp.Or(l.key, "publisher.key")) }

// Bytes is what Publish publishes.
func Bytes(name, version string, size int64) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(name + "@" + version))).Read(b) // never fails
	return b
}

// Distribute orders a version to all sites.
func (l *Lab) Distribute(ref string) {
	l.t.Helper()
	l.must(operator.Distribute{Remote: l.Remote(io.Discard), Ref: ref, All: true, Priority: "normal"}.Run(l.t.Context()))
}

// Flow returns the flow of a content at a site.
func (l *Lab) Flow(name string, s *Site) site.FlowView {
	l.t.Helper()
	var out bytes.Buffer
	l.must(operator.Flows{Remote: l.Remote(&out), Site: s.Name, Content: name, JSON: true}.Run(l.t.Context()))
	var flows []site.FlowView
	l.must(json.Unmarshal(out.Bytes(), &flows))
	if len(flows) != 1 {
		l.t.Fatalf("%d flows of %s at %s, want one", len(flows), name, s.Name)
	}
	return flows[0]
}

// Endpoints returns the endpoints of a site as operators see them.
func (l *Lab) Endpoints(s *Site) (list []site.EndpointView) {
	l.t.Helper()
	var out bytes.Buffer
	l.must(operator.Endpoints{Remote: l.Remote(&out), Site: s.Name, JSON: true}.Run(l.t.Context()))
	l.must(json.Unmarshal(out.Bytes(), &list))
	return list
}

// AwaitComplete waits until everybody who is switched on at a site has the content,
// and fails when that takes longer than limit.
func (l *Lab) AwaitComplete(name string, s *Site, limit time.Duration) site.FlowView {
	l.t.Helper()
	on := 0
	for _, e := range s.Endpoints {
		if e.agent != nil {
			on++
		}
	}
	for start := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		f := l.Flow(name, s)
		if f.Complete == on {
			return f
		}
		if time.Since(start) > limit {
			l.t.Fatalf("%s at %s is not complete after %v: %+v", name, s.Name, limit, f)
		}
	}
}

// WantDelivered checks the bytes at an endpoint.
func (e *Endpoint) WantDelivered(name, version string, size int64) {
	e.lab.t.Helper()
	got, err := os.ReadFile(filepath.Join(e.Data, "content", name, version, name))
	if err != nil || !bytes.Equal(got, Bytes(name, version, size)) {
		e.lab.t.Errorf("%s has %d bytes of %s@%s that are not the published ones (%v)", e.Name, len(got), name, version, err)
	}
}

func (l *Lab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// log shows what a part logs when tests run with -v.
func (l *Lab) log(part string) *slog.Logger {
	if !testing.Verbose() {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(l.t.Output(), nil)).With("part", part)
}
