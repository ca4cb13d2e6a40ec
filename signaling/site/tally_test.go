package site_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// ledger writes down what a site hands over.
type ledger struct {
	// mu guards the rest.
	mu      sync.Mutex
	batches [][]catalog.Tally
}

// Count implements site.Ledger.
func (l *ledger) Count(tallies []catalog.Tally) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.batches = append(l.batches, tallies)
}

// taken are the batches since it was last asked.
func (l *ledger) taken() [][]catalog.Tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.batches
	l.batches = nil
	return out
}

// counting runs do beside a site whose ledger it is given.
func counting(t *testing.T, do func(s *stand, l *ledger)) {
	l := &ledger{}
	cfg := config("shop-1")
	cfg.Ledger, cfg.Accounts = l, &site.Accounts{}
	onStandOf(t, cfg, func(s *stand) { do(s, l) })
}

// received reports what a member received, all of a flow's chunks or none.
func received(spec site.FlowSpec, whole bool, b wire.Sources, wan int64) *wire.Progress {
	have := []uint32{}
	if whole {
		have = chunks(0, spec.Head.Chunks)
	}
	p := progress(spec, have)
	p.Bytes, p.WAN = b, wan
	return p
}

func TestWhatWasReceivedIsHandedOverEachMinute(t *testing.T) {
	counting(t, func(s *stand, l *ledger) {
		a := version("a", 10)
		s.order(a)
		one, two := s.join("one"), s.join("two")
		one.say(received(a, false, wire.Sources{}, 0)) // says nothing
		one.say(received(a, false, wire.Sources{Origin: 500_000}, 250_000))
		one.say(received(a, true, wire.Sources{Origin: 1_000_000}, 500_000))
		two.say(received(a, true, wire.Sources{Peer: 1_000_000}, 0))
		s.pass(site.CountEvery - time.Second)
		if early := l.taken(); len(early) > 0 {
			t.Fatalf("handed over %+v within a minute", early)
		}
		s.pass(2 * time.Second)
		batches := l.taken()
		if len(batches) != 1 || len(batches[0]) != 2 {
			t.Fatalf("got %+v, want the last words of two, once", batches)
		}
		first, second := batches[0][0], batches[0][1]
		if first.Endpoint != string(one.id) || first.Origin != 1_000_000 || first.WAN != 500_000 || !first.Complete || first.Day != "2000-01-01" || first.Content != "a" || first.Site != "shop-1" {
			t.Errorf("got %+v of who fetched", first)
		}
		if second.Endpoint != string(two.id) || second.Peer != 1_000_000 || !second.Complete || second.Version != a.ID {
			t.Errorf("got %+v of who got it from a peer", second)
		}
		if first.WirePPM != 500_000 || second.WirePPM != 500_000 {
			t.Errorf("a million bytes are %d and %d on their way, want half as was measured", first.WirePPM, second.WirePPM)
		}
		s.pass(10 * time.Minute)
		if more := l.taken(); len(more) > 0 {
			t.Errorf("handed over again: %+v", more)
		}
	})
}

func TestWhatWasReceivedIsHandedOverBeforeItIsForgotten(t *testing.T) {
	for name, end := range map[string]func(s *stand){
		"the site stops":     func(s *stand) { s.close() },
		"its flow ends":      func(s *stand) { s.order() },
		"the day is another": func(s *stand) { s.pass(20 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			counting(t, func(s *stand, l *ledger) {
				s.want.Zone = berlin(t)
				a := version("a", 10)
				s.order(a)
				one := s.join("one")
				s.until(time.Date(2000, 1, 1, 22, 59, 45, 0, time.UTC))
				one.say(received(a, false, wire.Sources{Origin: 100_000}, 100_000))
				end(s)
				if name == "the day is another" {
					one.say(received(a, false, wire.Sources{Origin: 300_000}, 300_000))
				}
				batches := l.taken()
				if len(batches) != 1 || len(batches[0]) != 1 || batches[0][0].Origin != 100_000 || batches[0][0].Day != "2000-01-01" {
					t.Fatalf("got %+v, want what was received on the day in Berlin", batches)
				}
				s.close()
				if name == "the day is another" {
					if batches = l.taken(); len(batches) != 1 || batches[0][0].Origin != 300_000 || batches[0][0].Day != "2000-01-02" {
						t.Errorf("got %+v, want the rest on the next day", batches)
					}
				}
			})
		})
	}
}

func TestCountersSayWhatCameUnderTheServersEyes(t *testing.T) {
	cfg := config("shop-1")
	accounts := &site.Accounts{}
	cfg.Accounts = accounts
	onStandOf(t, cfg, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		one := s.join("one")
		one.say(received(a, false, wire.Sources{Origin: 100_000, Peer: 7}, 50_000)) // before the server started
		one.say(received(a, false, wire.Sources{Origin: 300_000, Peer: 8, Relay: 2, Reused: 3}, 150_000))
		one.say(received(a, false, wire.Sources{Origin: 300_000, Peer: 8, Relay: 2, Reused: 3}, 150_000))
		synctest.Wait()
		bytes, wan := accounts.Counters().Received()
		if want := (wire.Sources{Origin: 200_000, Peer: 1, Relay: 2, Reused: 3}); bytes != want || wan != 100_000 {
			t.Errorf("got %+v and %d over the WAN, want %+v and 100000", bytes, wan, want)
		}
		s.pass(3 * time.Second)
		if granted, _ := accounts.Counters().Leases(); granted == 0 {
			t.Error("no lease is counted")
		}
		one.leave()
		s.order(paused(a))
		if n, _, _ := accounts.Counters().Steps.Read(); n == 0 {
			t.Error("no step of the loop is counted")
		}
	})
}

func TestHistogramsCountUpToTheirBounds(t *testing.T) {
	var h site.Histogram
	for _, d := range []time.Duration{0, 50 * time.Microsecond, time.Millisecond, time.Hour} {
		h.Observe(d)
	}
	count, sum, buckets := h.Read()
	if count != 4 || sum < 3600 || buckets[50e-6] != 2 || buckets[1e-3] != 3 || buckets[10] != 3 {
		t.Errorf("got %d, %v s, %v", count, sum, buckets)
	}
}
