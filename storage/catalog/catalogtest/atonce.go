package catalogtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

// concurrent are the tests in which many ask at once.
var concurrent = map[string]func(*testing.T, catalog.Catalog){
	"serials are distinct and rise":                 concurrentReserve,
	"one version reserved by many has one serial":   concurrentReserveSame,
	"one of many publishes a version":               concurrentPublish,
	"an enrolment has no more uses than it has":     concurrentEnrol,
	"one of many creates a site":                    concurrentSite,
	"one of many puts the next trust document":      concurrentTrust,
	"generations are distinct and rise":             concurrentGeneration,
	"orders hold all up to the generation they say": ordersHoldTheirGeneration,
}

// askers act at once.
const askers = 8

// atOnce calls do for each asker in a goroutine of its own, and waits for all.
func atOnce(do func(asker int)) {
	var begun, done sync.WaitGroup
	begun.Add(askers)
	for i := range askers {
		done.Go(func() {
			begun.Done()
			begun.Wait()
			do(i)
		})
	}
	done.Wait()
}

// distinct collects numbers and complains of one that comes twice, or falls
// behind what its asker had before.
type distinct struct {
	t    *testing.T
	mu   sync.Mutex
	had  map[uint64]bool
	last [askers]uint64
}

func (d *distinct) add(asker int, n uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.had == nil {
		d.had = map[uint64]bool{}
	}
	if d.had[n] {
		d.t.Errorf("got %d twice", n)
	}
	if n <= d.last[asker] {
		d.t.Errorf("got %d after %d", n, d.last[asker])
	}
	d.had[n], d.last[asker] = true, n
}

func concurrentReserve(t *testing.T, c catalog.Catalog) {
	serials := distinct{t: t}
	atOnce(func(asker int) {
		for i := range 6 {
			serial, err := c.Reserve(t.Context(), who, fmt.Sprintf("app-%d", asker), fmt.Sprint(i))
			if err != nil {
				t.Error(err)
				return
			}
			serials.add(asker, serial)
		}
	})
}

func concurrentReserveSame(t *testing.T, c catalog.Catalog) {
	var got [askers]uint64
	atOnce(func(asker int) {
		var err error
		if got[asker], err = c.Reserve(t.Context(), who, "app", "1"); err != nil {
			t.Error(err)
		}
	})
	for _, serial := range got {
		if serial != got[0] || serial == 0 {
			t.Fatalf("got serials %v, want one", got)
		}
	}
}

// oneWins counts who succeeded, and complains of any error but the loser's.
func oneWins(t *testing.T, loses error, do func(asker int) error) {
	t.Helper()
	var won atomic.Int32
	atOnce(func(asker int) {
		switch err := do(asker); {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, loses):
			t.Errorf("got error %v, want %q", err, loses)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d of %d succeeded, want 1", won.Load(), askers)
	}
}

func concurrentPublish(t *testing.T, c catalog.Catalog) {
	serial, err := c.Reserve(t.Context(), who, "app", "1")
	must(t, err)
	oneWins(t, catalog.ErrConflict, func(int) error { return c.Publish(t.Context(), who, versionOf("app", "1", serial)) })
}

func concurrentSite(t *testing.T, c catalog.Catalog) {
	oneWins(t, catalog.ErrConflict, func(int) error { return c.CreateSite(t.Context(), who, catalog.Site{Name: "shop"}) })
}

func concurrentTrust(t *testing.T, c catalog.Catalog) {
	for next := uint64(1); next <= 3; next++ {
		oneWins(t, catalog.ErrConflict, func(int) error { return c.PutTrust(t.Context(), who, next, json.RawMessage(`{}`)) })
	}
}

func concurrentEnrol(t *testing.T, c catalog.Catalog) {
	const uses, tries = 5, 3
	createSites(t, c, "shop")
	now := time.Now()
	e := catalog.Enrolment{ID: "token", Site: "shop", SecretHash: []byte("h"), Uses: uses, Expires: now.Add(time.Hour)}
	must(t, c.CreateEnrolment(t.Context(), who, e))
	var enrolled atomic.Int32
	atOnce(func(asker int) {
		for i := range tries {
			switch _, err := c.Enrol(t.Context(), "token", e.SecretHash, endpoint(fmt.Sprintf("e%d-%d", asker, i)), now); {
			case err == nil:
				enrolled.Add(1)
			case !errors.Is(err, catalog.ErrSpent):
				t.Error(err)
			}
		}
	})
	all, err := c.Endpoints(t.Context(), "shop", "", 0)
	must(t, err)
	if enrolled.Load() != uses || len(all) != uses {
		t.Errorf("%d of %d enrolled, %d are kept, want %d", enrolled.Load(), askers*tries, len(all), uses)
	}
}

func concurrentGeneration(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	publish(t, c, "app", "1")
	generations := distinct{t: t}
	atOnce(func(asker int) {
		for i := range 6 {
			var generation uint64
			var err error
			if (asker+i)%2 == 0 {
				generation, err = c.Distribute(t.Context(), who, catalog.Distribution{Name: "app", Version: "1", All: true})
			} else {
				generation, err = c.SetRule(t.Context(), who, catalog.Rule{Kind: catalog.RulePause})
			}
			if err != nil {
				t.Error(err)
				return
			}
			generations.add(asker, generation)
		}
	})
	newest := uint64(0)
	for generation := range generations.had {
		newest = max(newest, generation)
	}
	if got := orders(t, c, "shop").Generation; got != newest {
		t.Errorf("got generation %d, want the newest, %d", got, newest)
	}
}

// ordersHoldTheirGeneration reads orders while rules are added: an endpoint that
// has obeyed generation n is never asked to obey it again, so orders that say n
// must hold all that was set up to n.
func ordersHoldTheirGeneration(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	base := orders(t, c, "shop").Generation
	var ended atomic.Bool
	atOnce(func(asker int) {
		if asker == 0 {
			defer ended.Store(true)
			for i := range 40 {
				rule := catalog.Rule{Kind: catalog.RulePause, Selector: catalog.Selector{Name: fmt.Sprintf("app-%d", i)}}
				if _, err := c.SetRule(t.Context(), who, rule); err != nil {
					t.Error(err)
				}
			}
			return
		}
		for asker <= 2 && !ended.Load() {
			o, err := c.Orders(t.Context(), "shop")
			if err != nil {
				t.Error(err)
				return
			}
			held := uint64(0)
			for _, r := range o.Rules {
				if r.Generation <= o.Generation {
					held++
				}
			}
			if held != o.Generation-base {
				t.Errorf("orders of generation %d hold %d of %d rules", o.Generation, held, o.Generation-base)
			}
		}
	})
}
