package catalogtest

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

var activations = map[string]func(*testing.T, catalog.Catalog){
	"when a version is used is kept, and instants only rise": activationsAreKept,
}

func activationsAreKept(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	createSites(t, c, "a", "b")
	publish(t, c, "app", "1")
	from := time.Date(2026, 12, 1, 3, 0, 0, 0, time.UTC)
	at := func(serial uint64) catalog.When {
		return catalog.When{Activate: catalog.ActivateAt, Statement: json.RawMessage(`{"n": 1}`), At: from, Instant: serial}
	}
	last := func(want uint64) {
		t.Helper()
		if got, err := c.LastInstant(ctx, "app", "1"); err != nil || got != want {
			t.Errorf("the last instant is %d (%v), want %d", got, err, want)
		}
	}
	last(0)
	distribute(t, c, catalog.Distribution{Name: "app", Version: "1", All: true, Priority: "low", When: at(3)})
	last(3)
	d := orders(t, c, "a").Distributions
	if len(d) != 1 || !d[0].At.Equal(from) || d[0].Instant != 3 || d[0].Activate != catalog.ActivateAt || string(d[0].Statement) != `{"n": 1}` {
		t.Errorf("distributed %+v", d)
	}
	before := orders(t, c, "a").Generation
	generation, err := c.Activate(ctx, who, catalog.Activation{Name: "app", Version: "1", When: at(4)}, []string{"b"})
	if err != nil || generation <= before {
		t.Errorf("generation %d (%v), was %d", generation, err, before)
	}
	last(4)
	for _, serial := range []uint64{1, 4} {
		if _, err := c.Activate(ctx, who, catalog.Activation{Name: "app", Version: "1", When: at(serial)}, nil); !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("instant %d after 4: %v", serial, err)
		}
		if _, err := c.Distribute(ctx, who, catalog.Distribution{Name: "app", Version: "1", All: true, Priority: "low", When: at(serial)}); !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("distributed with instant %d after 4: %v", serial, err)
		}
	}
	if _, err := c.Activate(ctx, who, catalog.Activation{Name: "app", Version: "1"}, []string{"nowhere"}); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("at a site there is none of: %v", err)
	}
	if _, err := c.Activate(ctx, who, catalog.Activation{Name: "app", Version: "9"}, nil); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("a version there is none of: %v", err)
	}
	if got := orders(t, c, "a").Activations; len(got) != 0 {
		t.Errorf("at a: %+v", got)
	}
	if _, err := c.Activate(ctx, who, catalog.Activation{Name: "app", Version: "1"}, nil); err != nil {
		t.Fatal(err)
	}
	got := orders(t, c, "b").Activations
	if len(got) != 2 || got[0].Site != "b" || !got[0].At.Equal(from) || got[1].Activate != "" || got[1].Upto != d[0].ID || got[1].By != who || got[0].Created.IsZero() {
		t.Errorf("at b: %+v", got)
	}
	later, err := c.LaterOrders(ctx)
	if err != nil || len(later.Activations) != 1 {
		t.Errorf("at a site that comes: %+v, %v", later.Activations, err)
	}
	which := catalog.Selector{Name: "app", Version: "1"}
	if _, err := c.SetRule(ctx, who, catalog.Rule{Kind: catalog.RuleBlock, Selector: which, Reason: "wrong"}); err != nil {
		t.Fatal(err)
	}
	if rules := orders(t, c, "a").Rules; len(rules) != 1 || rules[0].Reason != "wrong" || len(catalog.Resolve(orders(t, c, "a"))) != 0 {
		t.Errorf("blocked by %+v", rules)
	}
	if n, _, err := c.ClearRules(ctx, who, catalog.RuleBlock, which); n != 1 || err != nil || len(catalog.Resolve(orders(t, c, "a"))) != 1 {
		t.Errorf("%d blocks ended, %v", n, err)
	}
}
