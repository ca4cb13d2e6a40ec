package engine_test

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/cache"
	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/edge/staging"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// instant signs from when on a version is used.
func (s *stand) instant(name string, id content.VersionID, in time.Duration, serial uint64, key ed25519.PrivateKey) *wire.Activate {
	text, err := content.SignInstant(content.Instant{Name: name, ID: id, At: time.Now().Add(in), Serial: serial}, key)
	if err != nil {
		s.t.Fatal(err)
	}
	return &wire.Activate{Statement: text}
}

// last is what the user was told last of the n-th version.
func (k *kiosk) version(n string) engine.Delivery {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, v := range k.told[len(k.told)-1].Versions {
		if v.Head.Version == n {
			return v
		}
	}
	return engine.Delivery{}
}

// remembers has what is staged kept as on a disk.
func (s *stand) remembers() {
	s.staging = &engine.Staging{Save: func(m staging.Memory) error {
		text, err := m.Encode()
		if err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.staging.Memory, err = staging.Parse(text)
		return err
	}}
}

func (s *stand) obeyed() (generations []uint64) {
	for _, o := range sentToServer[wire.Obeyed](s) {
		generations = append(generations, o.Generation)
	}
	return generations
}

// numbered is the n-th version of the content, as it is ordered in a generation.
func (s *stand) numbered(n, generation uint64) wire.Flow {
	head := s.head
	head.Version, head.Serial = fmt.Sprint(n), s.head.Serial+n
	flow := s.sign(head, wire.Normal)
	flow.Generation = generation
	return flow
}

func (s *stand) wantOnItsWay(version string) {
	s.t.Helper()
	st, err := s.eng.Status(s.t.Context())
	if err != nil || len(st.Flows) != 1 || st.Flows[0].Version != version || st.Flows[0].State == "failed" {
		s.t.Errorf("%+v, %v: want version %s on its way", st.Flows, err, version)
	}
}

func TestInstantThatNobodyTrustedSignedIsRefusedAndSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		k := s.employ(50_000_000, cache.Policy{Keep: 1})
		flow := s.deliver(1)
		for _, c := range []struct {
			activate *wire.Activate
			said     string
			held     bool
			at       bool
		}{
			{&wire.Activate{}, "", true, false},
			{s.instant("app", flow.ID, time.Hour, 5, stranger), "not signed by a trusted key", true, false},
			{s.instant("film", flow.ID, time.Hour, 5, s.publisher), "of film", true, false},
			{s.instant("app", content.VersionID{1}, time.Hour, 5, s.publisher), "another version", true, false},
			{s.instant("app", flow.ID, time.Hour, 5, s.publisher), "", false, true},
			{s.instant("app", flow.ID, time.Minute, 4, s.publisher), "signed later", false, true},
			{s.instant("app", flow.ID, time.Minute, 6, stranger), "not signed by a trusted key", false, true},
			{&wire.Activate{}, "", true, false},
			{s.instant("app", flow.ID, time.Minute, 4, s.publisher), "signed later", true, false},
			{nil, "", false, false},
		} {
			before := len(s.reports())
			flow.Activate = c.activate
			s.want(flow)
			got, said := k.version("1"), s.reports()[before:]
			if got.Held != c.held || got.At.IsZero() == c.at || !got.Wanted || (c.said == "") != (len(said) == 0) {
				t.Errorf("%+v: told %+v and reported %+v", c, got, said)
			}
			if len(said) > 0 && (said[0].Code != wire.CodeBadInstant || !strings.Contains(said[0].Detail, c.said)) {
				t.Errorf("reported %+v, want %q", said, c.said)
			}
		}
	})
}

func TestWhatIsStagedOutlivesARestartWithoutAServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.remembers()
		k := s.employ(50_000_000, cache.Policy{Keep: 1})
		s.deliver(1)
		flow := s.deliver(2)
		flow.Activate = s.instant("app", flow.ID, time.Hour, 5, s.publisher)
		s.want(flow)
		at := k.version("2").At
		if time.Until(at).Round(time.Second) > time.Hour || at.IsZero() {
			t.Fatalf("told %v", at)
		}
		restart := func() engine.Delivery {
			s.stop()
			k.take()
			s.begin()
			synctest.Wait()
			return k.version("2")
		}
		if got := restart(); !got.At.Equal(at) || got.Held || !got.Complete {
			t.Errorf("after a restart it is %+v, want it to be used from %v on", got, at)
		}
		s.eng.Connected(wire.Welcome{Epoch: 1, Site: "shop"})
		flow.Activate = &wire.Activate{}
		s.want(flow)
		if got := restart(); !got.At.IsZero() || !got.Held {
			t.Errorf("after it was withdrawn it is %+v", got)
		}
		s.mu.Lock()
		s.staging.Memory.Held[0].Statement = s.instant("app", flow.ID, time.Minute, 9, stranger).Statement
		s.mu.Unlock()
		if got := restart(); !got.At.IsZero() || !got.Held {
			t.Errorf("with a statement that was put there by somebody it is %+v", got)
		}
	})
}

func TestStatusSaysWhatIsStaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.onDisk(50_000_000, cache.Policy{Keep: 1})
		flow := s.deliver(1)
		want := func(activation, reason string) {
			t.Helper()
			st, err := s.eng.Status(t.Context())
			if err != nil || st.Flows[0].Activation != activation || !strings.Contains(st.Flows[0].Reason, reason) {
				t.Errorf("%+v (%v), want %s %q", st.Flows, err, activation, reason)
			}
		}
		want("active", "")
		flow.Activate = &wire.Activate{}
		s.want(flow)
		want("staged", "held until it is activated")
		flow.Activate = s.instant("app", flow.ID, time.Hour, 5, s.publisher)
		s.want(flow)
		want("staged", "it is used from")
		time.Sleep(time.Hour)
		want("active", "")
	})
}

func TestBlockedVersionGoesWhateverHoldsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.remembers()
		k := s.employ(50_000_000, cache.Policy{Keep: 3})
		first, second := s.deliver(1), s.deliver(2)
		k.use(engine.Uses{Keep: []content.VersionID{first.ID, second.ID}})
		partly := s.order(3)
		s.leaseOf(partly, 3001, 0, 7)
		time.Sleep(time.Second)
		block := wire.Purge{Content: "app", Version: "2", Serial: content.MaxSerial, Why: "ann blocked it", Block: true}
		flows := &wire.Flows{Generation: 100, IDs: []content.VersionID{first.ID}, Pins: []wire.Pin{{Content: "app"}},
			Purges: []wire.Purge{block, {Content: "app", Version: "3", Serial: content.MaxSerial, Block: true}}}
		s.eng.Heard(wire.KindFlow, &first)
		s.eng.Heard(wire.KindFlows, flows)
		synctest.Wait()
		if s.eng.Blocked(content.Ref{Name: "app", Version: "1"}) || !s.eng.Blocked(content.Ref{Name: "app", Version: "2"}) {
			t.Error("it would be served still")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		s.wantDelivered("1")
		if got := k.version("2"); got.Complete {
			t.Errorf("told %+v of what is gone", got)
		}
		if got := s.obeyed(); !slices.Contains(got, 100) {
			t.Errorf("obeyed %v, want generation 100", got)
		}
		st, err := s.eng.Status(t.Context())
		if err != nil || len(st.Flows) != 1 || st.Cache.Used > 2_100_000 {
			t.Errorf("%+v, %v: want one version in the store", st.Cache, err)
		}
	})
}

// Who was told of a version in a generation that was never closed, as the server went back to
// an older state of its catalog, gets it once that says so, too.
func TestVersionComesWhereTheServerWentBackToALowerGeneration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.onDisk(50_000_000, cache.Policy{Keep: 1})
		flow := s.numbered(1, 50)
		s.eng.Heard(wire.KindFlow, &flow)
		s.eng.Disconnected()
		synctest.Wait()
		s.eng.Connected(wire.Welcome{Epoch: 1, Site: "shop"})
		flow.Generation = 3
		s.want(flow)
		s.eng.Heard(wire.KindLease, &wire.Lease{Flow: flow.ID, Epoch: 1, Lease: 1000, Body: true, To: int64(len(s.body)), TTLMs: 20_000})
		time.Sleep(2 * time.Second)
		s.leaseOf(flow, 1001, 0, 20)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		s.wantDelivered("1")
	})
}

// It may have been held since it does not work.
func TestVersionThatWasTakenBackWhileItWasHeldIsHeldAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.remembers()
		k := s.employ(50_000_000, cache.Policy{Keep: 3})
		first, second := s.deliver(1), s.deliver(2)
		for _, activate := range []*wire.Activate{{}, s.instant("app", second.ID, time.Hour, 5, s.publisher)} {
			second.Activate = activate
			s.want(second)
			s.want(first)
			if got := k.version("2"); !got.Complete || got.Wanted || !got.Held {
				t.Errorf("told %+v of what was taken back", got)
			}
			s.stop()
			k.take()
			s.begin()
			synctest.Wait()
			if got := k.version("2"); !got.Complete || !got.Held || !got.At.IsZero() {
				t.Errorf("after a restart without a server told %+v", got)
			}
			s.eng.Connected(wire.Welcome{Epoch: 1, Site: "shop"})
		}
	})
}

// The power went between hearing of a block and obeying it.
func TestBlockThatWasHeardIsObeyedWithoutAServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.remembers()
		k := s.employ(50_000_000, cache.Policy{Keep: 3})
		s.deliver(1)
		s.deliver(2)
		s.stop()
		s.staging.Memory = staging.Memory{Blocks: staging.Blocks{{Content: "app", Version: "2", Why: "ann blocked it"}}}
		k.take()
		s.begin()
		synctest.Wait()
		if got := k.version("2"); got.Complete {
			t.Errorf("told %+v of what is blocked", got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		s.wantDelivered("1") // without a server
	})
}

// A server that goes back to what was in use before a block has it delivered also where it
// never was.
func TestOlderVersionComesOnceTheNewerIsBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.onDisk(50_000_000, cache.Policy{Keep: 3})
		s.deliver(2)
		older := s.numbered(1, 50)
		s.eng.Heard(wire.KindFlow, &older)
		s.eng.Heard(wire.KindFlows, &wire.Flows{Generation: 50, IDs: []content.VersionID{older.ID},
			Purges: []wire.Purge{{Content: "app", Version: "2", Serial: content.MaxSerial, Block: true}}})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		s.wantDelivered()
		s.wantOnItsWay("1")
	})
}

// The newer one had not begun to come.
func TestOlderVersionComesOnceTheNewerThatIsNotThereIsBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.onDisk(50_000_000, cache.Policy{Keep: 3})
		s.want(s.numbered(2, 20))
		older := s.numbered(1, 50)
		s.eng.Heard(wire.KindFlow, &older)
		s.eng.Heard(wire.KindFlows, &wire.Flows{Generation: 50, IDs: []content.VersionID{older.ID},
			Purges: []wire.Purge{{Content: "app", Version: "2", Serial: content.MaxSerial, Block: true}}})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		s.wantOnItsWay("1")
	})
}
