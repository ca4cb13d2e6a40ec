package catalogtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

func tokenIsFound(t *testing.T, c catalog.Catalog) {
	expires := time.Date(2027, 1, 2, 3, 4, 5, 6_000_000, time.UTC)
	for _, want := range []catalog.Token{
		{Name: "admin", Hash: []byte{0, 1, 255}, Role: catalog.RoleAdmin},
		{Name: "admin", Hash: []byte{0, 1, 254}, Role: catalog.RoleViewer, Expires: expires},
	} {
		must(t, c.PutToken(t.Context(), who, want))
		got, err := c.Token(t.Context(), want.Hash)
		if !reflect.DeepEqual(got, want) || err != nil {
			t.Errorf("got %+v (%v), want %+v", got, err, want)
		}
	}
	for _, hash := range [][]byte{nil, {0}, {0, 1}, {0, 1, 255, 0}, []byte("admin")} {
		_, err := c.Token(t.Context(), hash)
		wantErr(t, fmt.Sprintf("hash %x", hash), err, catalog.ErrNotFound)
	}
}

func tokenConflict(t *testing.T, c catalog.Catalog) {
	viewer := catalog.Token{Name: "board", Hash: []byte("h"), Role: catalog.RoleViewer}
	must(t, c.PutToken(t.Context(), who, viewer))
	admin := catalog.Token{Name: "board", Hash: []byte("h"), Role: catalog.RoleAdmin}
	wantErr(t, "put again", c.PutToken(t.Context(), who, admin), catalog.ErrConflict)
	if got, err := c.Token(t.Context(), []byte("h")); got.Role != catalog.RoleViewer || err != nil {
		t.Errorf("got role %q (%v), want that of the first", got.Role, err)
	}
}

func metaIsKept(t *testing.T, c catalog.Catalog) {
	_, err := c.Meta(t.Context(), "epoch")
	wantErr(t, "before it is set", err, catalog.ErrNotFound)
	for _, value := range []string{"1", "", "two\nlines, ünïcode"} {
		must(t, c.SetMeta(t.Context(), "epoch", value))
		if got, err := c.Meta(t.Context(), "epoch"); got != value || err != nil {
			t.Errorf("got %q (%v), want %q", got, err, value)
		}
	}
	_, err = c.Meta(t.Context(), "Epoch")
	wantErr(t, "another key", err, catalog.ErrNotFound)
}

func metaSparesGeneration(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	setRule(t, c, catalog.RulePause, "", catalog.Selector{})
	want := orders(t, c, "shop").Generation
	// Whether it takes such a key or refuses it is left to the catalog.
	_ = c.SetMeta(t.Context(), "generation", "0")
	if got := orders(t, c, "shop").Generation; got != want {
		t.Errorf("got generation %d, want %d", got, want)
	}
	if got := setRule(t, c, catalog.RulePause, "", catalog.Selector{}); got <= want {
		t.Errorf("got generation %d after %d", got, want)
	}
}

// changes are all that are audited, in an order in which they succeed. Those
// about endpoints are not asked for by a person.
var changes = []struct {
	target string // part of the entry's
	do     func(context.Context, catalog.Catalog) error
}{
	{"shop", func(ctx context.Context, c catalog.Catalog) error {
		return c.CreateSite(ctx, who, catalog.Site{Name: "shop"})
	}},
	{"shop", func(ctx context.Context, c catalog.Catalog) error { return c.SetCap(ctx, who, "shop", 9) }},
	{"shop", func(ctx context.Context, c catalog.Catalog) error { return c.SetHoldOff(ctx, who, "shop", time.Second) }},
	{"shop", func(ctx context.Context, c catalog.Catalog) error { return c.SetReplicas(ctx, who, "shop", 2) }},
	{"shop", func(ctx context.Context, c catalog.Catalog) error {
		return c.SetPeersOn(ctx, who, "shop", []string{"10.0.0.0/8"})
	}},
	{"shop", func(ctx context.Context, c catalog.Catalog) error { return c.SetRelay(ctx, who, "shop", relayAtShop) }},
	{"shop", func(ctx context.Context, c catalog.Catalog) error {
		return c.CreateEnrolment(ctx, who, catalog.Enrolment{ID: "token", Site: "shop", SecretHash: []byte("h"), Uses: 2,
			Expires: time.Now().Add(time.Hour)})
	}},
	{"e1", func(ctx context.Context, c catalog.Catalog) error {
		_, err := c.Enrol(ctx, "token", []byte("h"), endpoint("e1"), time.Now())
		return err
	}},
	{"1", func(ctx context.Context, c catalog.Catalog) error {
		return c.PutTrust(ctx, who, 1, json.RawMessage(`{}`))
	}},
	{"app@1", func(ctx context.Context, c catalog.Catalog) error {
		_, err := c.Reserve(ctx, who, "app", "1")
		return err
	}},
	{"app@1", func(ctx context.Context, c catalog.Catalog) error {
		return c.Publish(ctx, who, versionOf("app", "1", 1))
	}},
	{"app@1", func(ctx context.Context, c catalog.Catalog) error {
		_, err := c.Distribute(ctx, who, catalog.Distribution{Name: "app", Version: "1", All: true})
		return err
	}},
	{"app@1 at shop", func(ctx context.Context, c catalog.Catalog) error {
		_, err := c.SetRule(ctx, who, catalog.Rule{Kind: catalog.RulePause, Selector: catalog.Selector{Site: "shop", Name: "app", Version: "1"}})
		return err
	}},
	{"everything at shop", func(ctx context.Context, c catalog.Catalog) error {
		_, _, err := c.ClearRules(ctx, who, catalog.RulePause, catalog.Selector{Site: "shop"})
		return err
	}},
	{"board", func(ctx context.Context, c catalog.Catalog) error {
		return c.PutToken(ctx, who, catalog.Token{Name: "board", Hash: []byte("t"), Role: catalog.RoleViewer})
	}},
	{"app at shop", func(ctx context.Context, c catalog.Catalog) error {
		return c.Note(ctx, who, "create browser token", "app at shop", "for an hour")
	}},
}

func changesAreAudited(t *testing.T, c catalog.Catalog) {
	seen := map[string]bool{}
	for i, change := range changes {
		before := latest(t, c)
		must(t, change.do(t.Context(), c))
		entries, err := c.Audit(t.Context(), 0, 2)
		must(t, err)
		if len(entries) == 0 || entries[0].ID <= before || len(entries) == 2 && entries[1].ID != before {
			t.Fatalf("change %d: got entries %+v after %d, want one new", i, entries, before)
		}
		e := entries[0]
		if by := who; e.Target != "e1" && e.By != by || e.By == "" || !near(e.At) || !strings.Contains(e.Target, change.target) {
			t.Errorf("change %d: got %+v, want one of now by %q about %q", i, e, by, change.target)
		}
		if e.Action == "" || seen[e.Action] {
			t.Errorf("change %d: got action %q, want one of its own", i, e.Action)
		}
		seen[e.Action] = true
	}
}

func failuresAreNotAudited(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	for _, change := range changes {
		must(t, change.do(ctx, c))
	}
	want := latest(t, c)
	_, reserve := c.Reserve(ctx, who, "app", "1")
	_, distribute := c.Distribute(ctx, who, catalog.Distribution{Name: "app", Version: "1", Sites: []string{"shop", "nowhere"}})
	_, enrol := c.Enrol(ctx, "token", []byte("wrong"), endpoint("e1"), time.Now())
	for what, err := range map[string]error{
		"create site": c.CreateSite(ctx, who, catalog.Site{Name: "shop"}),
		"cap":         c.SetCap(ctx, who, "nowhere", 1),
		"hold-off":    c.SetHoldOff(ctx, who, "nowhere", time.Second),
		"replicas":    c.SetReplicas(ctx, who, "nowhere", 1),
		"peers on":    c.SetPeersOn(ctx, who, "nowhere", nil),
		"relay":       c.SetRelay(ctx, who, "nowhere", relayAtShop),
		"enrolment":   c.CreateEnrolment(ctx, who, catalog.Enrolment{ID: "x", Site: "nowhere"}),
		"enrol":       enrol,
		"trust":       c.PutTrust(ctx, who, 1, json.RawMessage(`{}`)),
		"reserve":     reserve,
		"publish":     c.Publish(ctx, who, versionOf("app", "1", 1)),
		"distribute":  distribute,
		"token":       c.PutToken(ctx, who, catalog.Token{Hash: []byte("t")}),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if got := latest(t, c); got != want {
		t.Errorf("got %d entries for failed changes, want none", got-want)
	}
}

func auditPages(t *testing.T, c catalog.Catalog) {
	const made = 7
	for i := range made {
		createSites(t, c, fmt.Sprintf("s%d", i))
	}
	for _, n := range []int{1, 3, made, catalog.MaxPage} {
		got, before := []string{}, int64(0)
		for {
			page, err := c.Audit(t.Context(), before, n)
			must(t, err)
			if len(page) > n {
				t.Fatalf("got a page of %d, want at most %d", len(page), n)
			}
			if len(page) == 0 {
				break
			}
			for _, e := range page {
				if before != 0 && e.ID >= before {
					t.Fatalf("entry %d is listed after %d", e.ID, before)
				}
				before = e.ID
				got = append(got, e.Target)
			}
		}
		wantStrings(t, fmt.Sprintf("%d at a time", n), got, []string{"s6", "s5", "s4", "s3", "s2", "s1", "s0"})
	}
}

func returnedIsOwned(t *testing.T, c catalog.Catalog) {
	must(t, c.CreateSite(t.Context(), who, catalog.Site{Name: "shop", CIDRs: []string{"10.0.0.0/8"}}))
	enrolAt(t, c, "shop", "e1", time.Now())
	publish(t, c, "app", "1")
	for range 2 { // the second time finds what the first did not spoil
		s, err := c.Site(t.Context(), "shop")
		must(t, err)
		ep, err := c.Endpoint(t.Context(), "e1")
		must(t, err)
		v, err := c.Version(t.Context(), "app", "1")
		must(t, err)
		if s.CIDRs[0] != "10.0.0.0/8" || string(ep.Key) != "key of e1" || v.Head[0] != '{' || v.Placement[1] != 255 {
			t.Errorf("got %q, %q, %s, %v", s.CIDRs, ep.Key, v.Head, v.Placement)
		}
		s.CIDRs[0] = "spoilt"
		clear(ep.Key)
		clear(v.Head)
		clear(v.Placement)
	}
}

func endedContext(t *testing.T, c catalog.Catalog) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for i, change := range changes {
		wantErr(t, fmt.Sprintf("change %d", i), change.do(ctx, c), context.Canceled)
		must(t, change.do(t.Context(), c)) // it is still to be done, and can be
	}
	wantErr(t, "seen", c.Seen(ctx, map[string]time.Time{"e1": time.Now().Add(time.Hour)}), context.Canceled)
	wantErr(t, "setting", c.SetMeta(ctx, "epoch", "1"), context.Canceled)
	_, err := c.Orders(ctx, "shop")
	wantErr(t, "orders", err, context.Canceled)
	if entries, err := c.Audit(t.Context(), 0, 0); len(entries) != len(changes) || err != nil {
		t.Errorf("got %d changes (%v), want %d", len(entries), err, len(changes))
	}
}

// Contexts that end at any moment leave neither half a change nor a connection
// that is of no use, and whoever was told of success finds the change.
func contextsEndAnywhere(t *testing.T, c catalog.Catalog) {
	for i := range 150 {
		ctx, stop := context.WithTimeout(t.Context(), time.Duration(i)*20*time.Microsecond)
		name := fmt.Sprintf("s%d", i)
		err := c.CreateSite(ctx, who, catalog.Site{Name: name})
		stop()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) || strings.Contains(fmt.Sprint(err), "rolled back") {
			t.Errorf("%s: got error %v, want only %q", name, err, context.DeadlineExceeded)
		}
		_, missing := c.Site(t.Context(), name)
		entries, audit := c.Audit(t.Context(), 0, 1)
		written := len(entries) == 1 && entries[0].Target == name
		if (err == nil) != (missing == nil) || (err == nil) != written || audit != nil {
			t.Errorf("%s: created: %v, kept: %v, audited: %v (%v)", name, err, missing, written, audit)
		}
	}
}

// Not every database can hold every text; of what it can't hold there is nothing.
func impossibleTextIsNotFound(t *testing.T, c catalog.Catalog) {
	for _, text := range []string{"a\x00b", "\xff"} {
		_, err := c.Site(t.Context(), text)
		wantErr(t, "a site", err, catalog.ErrNotFound)
		_, err = c.Endpoint(t.Context(), text)
		wantErr(t, "an endpoint", err, catalog.ErrNotFound)
		_, err = c.Version(t.Context(), text, text)
		wantErr(t, "a version", err, catalog.ErrNotFound)
		_, err = c.Newest(t.Context(), text)
		wantErr(t, "a content", err, catalog.ErrNotFound)
	}
}
