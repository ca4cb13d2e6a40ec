package engine_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/cache"
	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// kiosk notes what it is told, and uses what a test says.
type kiosk struct {
	mu      sync.Mutex
	told    []engine.Delivered
	uses    engine.Uses
	changed chan struct{}
}

func (k *kiosk) Delivered(d engine.Delivered) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.told = append(k.told, d)
}

func (k *kiosk) Uses() engine.Uses {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.uses
}

func (k *kiosk) Changed() <-chan struct{} { return k.changed }

func (k *kiosk) use(u engine.Uses) {
	k.mu.Lock()
	k.uses = u
	k.mu.Unlock()
	k.changed <- struct{}{}
	synctest.Wait()
}

// take returns what was told since the last call, in words.
func (k *kiosk) take() (out []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, d := range k.told {
		said := fmt.Sprintf("known=%t", d.Known)
		for _, v := range d.Versions {
			said += fmt.Sprintf(" %s(%d complete=%t wanted=%t)", v.Head.Version, v.Have, v.Complete, v.Wanted)
		}
		out = append(out, said)
	}
	k.told = nil
	return out
}

// employ restarts the engine with a kiosk, on a disk of so many bytes.
func (s *stand) employ(size int64, p cache.Policy) *kiosk {
	k := &kiosk{changed: make(chan struct{}, 1)}
	s.user = k
	s.onDisk(size, p)
	synctest.Wait()
	return k
}

// last is the last of what was said, if anything was.
func last[T any](said []T) (out T) {
	if len(said) > 0 {
		out = said[len(said)-1]
	}
	return out
}

func TestKioskIsToldWhatThereIsAndWhatIsWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		k := s.employ(50_000_000, cache.Policy{Keep: 1})
		if got, want := k.take(), "known=false"; last(got) != want {
			t.Errorf("told %q, want %q at last", got, want)
		}
		flow := s.order(1)
		if got, want := k.take(), "known=true 1(0 complete=false wanted=true)"; last(got) != want {
			t.Errorf("told %q, want %q at last", got, want)
		}
		s.leaseOf(flow, 1001, 0, 20)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got, want := k.take(), "known=true 1(64 complete=true wanted=true)"; last(got) != want {
			t.Errorf("told %q, want %q at last", got, want)
		}
		s.deliver(2)
		// Versions come in the order of their ids, which are random.
		if got := k.take(); !slices.Contains([]string{"known=true 1(64 complete=true wanted=false) 2(64 complete=true wanted=true)",
			"known=true 2(64 complete=true wanted=true) 1(64 complete=true wanted=false)"}, last(got)) {
			t.Errorf("told %q", got)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := k.take(); len(got) > 0 {
			t.Errorf("told %q though nothing changed", got)
		}
		s.stop()
		s.begin() // without a server
		synctest.Wait()
		k.mu.Lock()
		defer k.mu.Unlock()
		if d := k.told[len(k.told)-1]; d.Known || !d.Now.IsZero() || len(d.Versions) != 2 || !d.Versions[0].Complete || d.Versions[0].Wanted {
			t.Errorf("told %+v after a restart without a server, want both versions", d)
		}
	})
}

func TestKioskIsToldOfCopiesThatAreNotToBeUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		k := s.employ(50_000_000, cache.Policy{Keep: 1})
		flow := s.deliver(1)
		for _, c := range []struct {
			ahead, superseded, want bool
		}{{true, false, false}, {false, false, true}, {false, true, false}} {
			flow.Ahead, flow.Superseded = c.ahead, c.superseded
			s.want(flow)
			if got, want := last(k.take()), fmt.Sprintf("known=true 1(64 complete=true wanted=%t)", c.want); got != want {
				t.Errorf("told %q, want %q", got, want)
			}
		}
	})
}

func TestKioskHearsOfEachListOfFlows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		k := s.employ(50_000_000, cache.Policy{Keep: 1})
		flow := s.deliver(1)
		k.take()
		// Both may come in one batch.
		s.eng.Heard(wire.KindFlows, &wire.Flows{Generation: 20, Zone: "Europe/Berlin"})
		s.eng.Heard(wire.KindFlow, &flow)
		s.eng.Heard(wire.KindFlows, &wire.Flows{Generation: 21, IDs: []content.VersionID{flow.ID}, Zone: "Europe/Berlin"})
		synctest.Wait()
		k.mu.Lock()
		first := k.told[0]
		k.mu.Unlock()
		if first.Zone != "Europe/Berlin" || first.Now.IsZero() {
			t.Errorf("told %+v, want the time at the site", first)
		}
		if got, want := k.take(), []string{"known=true 1(64 complete=true wanted=false)", "known=true 1(64 complete=true wanted=true)"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

func TestWhatAKioskUsesStaysAndTheServerHearsOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		k := s.employ(6_500_000, cache.Policy{})
		first := s.deliver(1)
		k.use(engine.Uses{Keep: []content.VersionID{first.ID}, Activation: &engine.Activation{Content: "app", Version: "1", State: "active"}})
		s.deliver(2)
		s.deliver(3)
		s.deliver(4)
		s.wantDelivered("1", "3", "4")
		if got := last(s.stocks()).Activation; got == nil || got.Version != "1" {
			t.Errorf("the server heard %+v, want that version 1 is used", got)
		}
		s.eng.Connected(wire.Welcome{Epoch: 1, Site: "shop"})
		time.Sleep(time.Second)
		synctest.Wait()
		if got := last(s.stocks()).Activation; got == nil || got.Version != "1" {
			t.Errorf("in a new session the server heard %+v", got)
		}
	})
}
