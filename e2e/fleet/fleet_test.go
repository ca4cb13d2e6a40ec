package fleet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/fleet"
	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog/sqlite/sqlitetest"
	"github.com/sitecast/sitecast/storage/pack"
)

func TestMain(m *testing.M) {
	// zstd's coders belong to the whole process: they are made outside any bubble.
	plain := bytes.Repeat([]byte("a"), 32<<10)
	encoded, encoding := pack.Encode(plain, nil)
	if _, err := pack.Decode(encoding, encoded, uint32(len(plain)), nil); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

const (
	address  = "10.255.0.1:8080"
	operates = "10.255.0.2"
)

// stand is a fleet and its server, in fake time.
type stand struct {
	*fleet.Fleet
	t    *testing.T
	plan fleet.Plan
	net  *memnet.Network
	dir  string
	at   *url.URL

	server, life *running
}

// running runs until it is ended.
type running struct {
	stop context.CancelFunc
	done chan error
}

func run(f func(context.Context) error) *running {
	ctx, stop := context.WithCancel(context.Background())
	r := &running{stop, make(chan error, 1)}
	go func() { r.done <- f(ctx) }()
	return r
}

func (r *running) end(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.done; err != nil {
		t.Error(err)
	}
}

func newStand(t *testing.T, plan fleet.Plan) *stand {
	t.Helper()
	s := &stand{t: t, plan: plan, net: memnet.New(memnet.Path{Delay: 10 * time.Millisecond}), dir: t.TempDir(), at: &url.URL{Scheme: "http", Host: address}}
	s.serve()
	tokens := s.enrolments()
	var err error
	s.Fleet, err = fleet.New(fleet.Config{Plan: plan, Server: s.at, Enrol: func(k int) string { return tokens[plan.Home(k)][plan.Roams(k)] },
		Dial: func(p fleet.Place) fleet.DialFunc { return s.net.Dialer(p.Host.String()) }})
	s.must(err)
	s.life = run(s.Run)
	return s
}

// serve starts the server, also again.
func (s *stand) serve() {
	s.t.Helper()
	listener, err := s.net.Listen(address)
	s.must(err)
	data := filepath.Join(s.dir, "server")
	sqlitetest.Put(s.t, filepath.Join(data, "sitecast.db"))
	it, err := server.New(context.Background(), server.Config{Data: data, Packs: filepath.Join(data, "packs"), PublicURL: s.at,
		Listener: listener, InsecureHTTP: true, Log: slog.New(slog.DiscardHandler)})
	s.must(err)
	s.server = run(it.Run)
}

func (s *stand) close() {
	s.life.end(s.t)
	s.server.end(s.t)
}

// enrolments makes the sites and their tokens, by whether who enrols with them roams.
func (s *stand) enrolments() []map[bool]string {
	var csv bytes.Buffer
	csv.WriteString("cidr,site,kind\n")
	tokens := make([]map[bool]string, s.plan.Places)
	for i := range tokens {
		at := s.plan.Place(i)
		s.must(operator.SiteCreate{Remote: s.remote(io.Discard), Name: at.Name}.Run(s.t.Context()))
		csv.WriteString(at.Host.String() + "," + at.Name + ",egress\n")
		tokens[i] = map[bool]string{}
		for _, roaming := range []bool{false, true} {
			var out bytes.Buffer
			s.must(operator.Enrol{Remote: s.remote(&out), Site: at.Name, Uses: 100, TTL: time.Hour, Roaming: roaming}.Run(s.t.Context()))
			tokens[i][roaming] = out.String()
		}
	}
	path := filepath.Join(s.dir, "networks.csv")
	s.must(os.WriteFile(path, csv.Bytes(), 0o600))
	s.must(operator.NetworkImport{Remote: s.remote(io.Discard), File: path}.Run(s.t.Context()))
	return tokens
}

func (s *stand) remote(out io.Writer) operator.Remote {
	return operator.Remote{Server: s.at.String(), TokenFile: filepath.Join(s.dir, "server", "admin.token"), InsecureHTTP: true,
		Stdout: out, Stderr: io.Discard, Dial: s.net.Dialer(operates)}
}

func (s *stand) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// publish publishes random bytes and orders them to all.
func (s *stand) publish(name string, size int) {
	s.t.Helper()
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // never fails
	path := filepath.Join(s.t.TempDir(), name)
	s.must(os.WriteFile(path, b, 0o600))
	s.must(operator.Publish{Remote: s.remote(io.Discard), Path: path, Name: name, Version: "1", Key: filepath.Join(s.dir, "publisher.key")}.Run(s.t.Context()))
	s.must(operator.Distribute{Remote: s.remote(io.Discard), Ref: name + "@1", All: true, Priority: "normal"}.Run(s.t.Context()))
}

// flows are those that the server shows.
func (s *stand) flows(name string) (all []site.FlowView) {
	s.t.Helper()
	var out bytes.Buffer
	s.must(operator.Flows{Remote: s.remote(&out), Content: name, JSON: true}.Run(s.t.Context()))
	s.must(json.Unmarshal(out.Bytes(), &all))
	return all
}

func (s *stand) states() []fleet.State {
	s.t.Helper()
	all, err := s.States(s.t.Context())
	s.must(err)
	return all
}

// await waits until all that are on are as is said.
func (s *stand) await(what string, limit time.Duration, is func(fleet.State) bool) {
	s.t.Helper()
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		yes, all := 0, s.states()
		for _, st := range all {
			if is(st) {
				yes++
			}
		}
		if yes == len(all) && yes > 0 {
			return
		}
		if time.Since(begun) > limit {
			s.t.Fatalf("after %v %d of %d are %s: %+v", limit, yes, len(all), what, s.Tally())
		}
	}
}

func obeys(st fleet.State) bool { return st.Open && st.Joining > 0 }

func (s *stand) joinAll() {
	for k := range s.Size() {
		s.Join(k)
	}
	s.await("in", time.Minute, obeys)
}

// usual is 15 endpoints at each of eight sites; of 20 where time is no matter.
var usual = func() fleet.Plan {
	p := fleet.Plan{Seed: 1, Prefix: "shop", Places: 8, Roaming: 0.2, WAN: 1 << 20, LAN: 50 << 20}
	if os.Getenv("SITECAST_LONG") != "" {
		p.Places = 20
	}
	p.Endpoints = 15 * p.Places
	return p
}()

// TestAFleetLooksToTheServerLikeItsEndpoints has all join at once, get a version, with one
// copy over the WAN to each site, and leave again.
func TestAFleetLooksToTheServerLikeItsEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 4 << 20
		s := newStand(t, usual)
		defer s.close()
		s.joinAll()
		s.publish("app", size)
		s.await("complete", time.Minute, func(st fleet.State) bool { return len(st.Flows) == 1 && st.Flows[0].Complete })
		time.Sleep(2 * time.Second)
		flows := s.flows("app")
		if len(flows) != usual.Places {
			t.Errorf("%d flows, want one at each of %d sites", len(flows), usual.Places)
		}
		for _, f := range flows {
			if f.State != site.StateComplete || f.Endpoints != 15 || f.Complete != 15 || f.Groups != 1 || f.BytesOrigin != size || f.BytesPeer != 14*size {
				t.Errorf("%s: %s, %d of %d in %d groups, %d bytes from the origin and %d from peers; want one copy and 14",
					f.Site, f.State, f.Complete, f.Endpoints, f.Groups, f.BytesOrigin, f.BytesPeer)
			}
			if f.WANBytes < size || f.WANBytes > size*11/10 || f.Receipt == nil {
				t.Errorf("%s: %d bytes over the WAN, receipt %v; want one copy, and one", f.Site, f.WANBytes, f.Receipt)
			}
		}
		for k := range s.Size() {
			s.Leave(k)
		}
		time.Sleep(2 * wire.ResumeGrace) // a socket may break before the goodbye is heard
		if f := s.flows("app")[0]; f.State != site.StateWaiting || f.Endpoints != 0 || len(s.states()) != 0 {
			t.Errorf("once all left: %s with %d endpoints, %d on", f.State, f.Endpoints, len(s.states()))
		}
		wantPeace(t, s)
	})
}

// wantPeace checks that neither side broke a rule.
func wantPeace(t *testing.T, s *stand) {
	t.Helper()
	if n := s.Tally(); n.Refused != 0 || n.Misplaced != 0 {
		t.Errorf("%+v: a message was refused, or an endpoint is where it should not be", n)
	}
}

func TestAPauseReachesAFleetAndItsCountersStandStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, usual)
		defer s.close()
		s.joinAll()
		s.publish("app", 16<<20)
		time.Sleep(6 * time.Second)
		paused := time.Now()
		s.must(operator.Pause{Remote: s.remote(io.Discard), Selector: operator.Selector{Content: "app"}}.Run(t.Context()))
		s.await("paused", 3*time.Second, func(st fleet.State) bool { return st.Flows[0].Paused })
		heard := time.Now()
		time.Sleep(3 * time.Second)
		before, moving := s.flows("app"), false
		time.Sleep(5 * time.Second)
		for i, f := range s.flows("app") {
			if was := before[i]; f.State != site.StatePaused || f.BytesOrigin != was.BytesOrigin || f.BytesPeer != was.BytesPeer || f.WANBPS != 0 {
				t.Errorf("%s: %s, it had %d and has %d bytes", f.Site, f.State, was.BytesOrigin+was.BytesPeer, f.BytesOrigin+f.BytesPeer)
			}
			moving = moving || f.BytesPeer > 0
		}
		for _, st := range s.states() {
			if st.At.Before(paused) || st.At.After(heard) || st.Moved.After(st.At) {
				t.Errorf("endpoint %d heard %v after the order, and moved until %v after that", st.Endpoint, st.At.Sub(paused), st.Moved.Sub(st.At))
			}
		}
		if !moving {
			t.Error("nothing had moved, so nothing stood still")
		}
		s.must(operator.Resume{Remote: s.remote(io.Discard), Selector: operator.Selector{Content: "app"}}.Run(t.Context()))
		s.must(operator.Prioritize{Remote: s.remote(io.Discard), Content: "app", Priority: "high"}.Run(t.Context()))
		s.await("of high priority", 3*time.Second, func(st fleet.State) bool { return st.Flows[0].Priority == "high" })
		s.await("complete", 2*time.Minute, func(st fleet.State) bool { return st.Flows[0].Complete })
		wantPeace(t, s)
	})
}

// TestAFleetComesBack has a tenth leave and come, some of them at another site, and the
// server restart, while flows go on.
func TestAFleetComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, usual)
		defer s.close()
		s.joinAll()
		s.publish("app", 16<<20)
		time.Sleep(4 * time.Second)
		rng := rand.New(rand.NewPCG(1, 1))
		moved := 0
		for range 30 {
			k := rng.IntN(s.Size())
			s.Leave(k)
			time.Sleep(100 * time.Millisecond)
			if s.Roams(k) {
				s.JoinAt(k, rng.IntN(usual.Places))
				moved++
			} else {
				s.Join(k)
			}
		}
		if moved == 0 {
			t.Error("nobody roams")
		}
		s.server.end(t)
		time.Sleep(2 * time.Second)
		s.serve()
		s.await("back and complete", 5*time.Minute, func(st fleet.State) bool { return st.Open && st.Flows[0].Complete })
		time.Sleep(2 * time.Second)
		on, complete := 0, 0
		for _, f := range s.flows("app") {
			on, complete = on+f.Endpoints, complete+f.Complete
			if f.State != site.StateComplete {
				t.Errorf("%s: %s, %d of %d", f.Site, f.State, f.Complete, f.Endpoints)
			}
		}
		if on != usual.Endpoints || complete != usual.Endpoints {
			t.Errorf("the server sees %d, %d complete; want all", on, complete)
		}
		wantPeace(t, s)
	})
}
