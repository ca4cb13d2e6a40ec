package catalogtest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

func siteIsKept(t *testing.T, c catalog.Catalog) {
	want := catalog.Site{Name: "shop-12", CIDRs: []string{"10.12.0.0/16", "fd00:12::/32"}, TZ: "UTC", Cap: 250_000, HoldOffMs: 8000, Replicas: 2, PeersOn: []string{"10.12.0.0/16"}}
	must(t, c.CreateSite(t.Context(), who, want))
	got, err := c.Site(t.Context(), "shop-12")
	must(t, err)
	if !near(got.Created) {
		t.Errorf("created %v, want now", got.Created)
	}
	if got.Created = want.Created; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	_, err = c.Site(t.Context(), "shop-13")
	wantErr(t, "another site", err, catalog.ErrNotFound)
	_, err = c.Site(t.Context(), "")
	wantErr(t, "no name", err, catalog.ErrNotFound)
}

func siteConflict(t *testing.T, c catalog.Catalog) {
	must(t, c.CreateSite(t.Context(), who, catalog.Site{Name: "shop", Cap: 5}))
	wantErr(t, "create again", c.CreateSite(t.Context(), who, catalog.Site{Name: "shop", Cap: 7}), catalog.ErrConflict)
	if s, err := c.Site(t.Context(), "shop"); s.Cap != 5 || err != nil {
		t.Errorf("got cap %d (%v), want 5, that of the first", s.Cap, err)
	}
	// Names that differ in case are two names.
	must(t, c.CreateSite(t.Context(), who, catalog.Site{Name: "Shop", Cap: 7}))
}

func siteMalformed(t *testing.T, c catalog.Catalog) {
	for what, s := range map[string]catalog.Site{
		"no name":       {},
		"path":          {Name: "../shop"},
		"negative cap":  {Name: "shop", Cap: -2},
		"time zone":     {Name: "shop", TZ: "Mars/Olympus"},
		"address range": {Name: "shop", CIDRs: []string{"10.0.0.0/8", "10.0.0.0/33"}},
	} {
		if err := c.CreateSite(t.Context(), who, s); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	if all, err := c.Sites(t.Context(), "", 10); len(all) != 0 || err != nil {
		t.Errorf("got %d sites (%v), want none", len(all), err)
	}
}

// siteNames are in the order of their bytes, which is not that of any language.
var siteNames = []string{"10", "9", "B", "Z-1", "a", "a-b", "a.b", "a1", "a_b", "aa", "b"}

func sitePages(t *testing.T, c catalog.Catalog) {
	backwards := slices.Clone(siteNames)
	slices.Reverse(backwards)
	createSites(t, c, backwards...)
	name := func(s catalog.Site) string { return s.Name }
	for _, n := range []int{1, 2, len(siteNames) - 1, len(siteNames), catalog.MaxPage} {
		wantStrings(t, fmt.Sprintf("%d at a time", n), pages(t, n, name, c.Sites), siteNames)
	}
	between, err := c.Sites(t.Context(), "a-c", 2)
	must(t, err)
	if len(between) != 2 || between[0].Name != "a.b" || between[1].Name != "a1" {
		t.Errorf("after a name that does not exist: got %v, want a.b and a1", between)
	}
}

func pageBound(t *testing.T, c catalog.Catalog) {
	for i := range catalog.MaxPage + 1 {
		createSites(t, c, fmt.Sprintf("s%05d", i))
	}
	for _, limit := range []int{0, -1, catalog.MaxPage, catalog.MaxPage + 1, 1 << 30} {
		if page, err := c.Sites(t.Context(), "", limit); len(page) != catalog.MaxPage || err != nil {
			t.Errorf("sites, limit %d: got %d (%v), want %d", limit, len(page), err, catalog.MaxPage)
		}
		if page, err := c.Audit(t.Context(), 0, limit); len(page) != catalog.MaxPage || err != nil {
			t.Errorf("audit, limit %d: got %d (%v), want %d", limit, len(page), err, catalog.MaxPage)
		}
	}
}

func capChanges(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop", "other")
	for _, limit := range []int64{1_000_000, 0, catalog.NoCap} {
		must(t, c.SetCap(t.Context(), who, "shop", limit))
		if s, err := c.Site(t.Context(), "shop"); s.Cap != limit || err != nil {
			t.Errorf("got cap %d (%v), want %d", s.Cap, err, limit)
		}
		if o := orders(t, c, "shop"); o.Site.Cap != limit {
			t.Errorf("orders: got cap %d, want %d", o.Site.Cap, limit)
		}
	}
	if err := c.SetCap(t.Context(), who, "shop", catalog.NoCap-1); err == nil {
		t.Error("a negative cap: accepted")
	}
	wantErr(t, "missing site", c.SetCap(t.Context(), who, "nowhere", 1), catalog.ErrNotFound)
	for _, name := range []string{"shop", "other"} {
		if s, err := c.Site(t.Context(), name); s.Cap != catalog.NoCap || err != nil {
			t.Errorf("%s: got cap %d (%v), want none", name, s.Cap, err)
		}
	}
}

func replicasChange(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop", "other")
	for _, n := range []int{2, catalog.MaxReplicas, 0} {
		before := orders(t, c, "shop").Generation
		must(t, c.SetReplicas(t.Context(), who, "shop", n))
		if o := orders(t, c, "shop"); o.Site.Replicas != n || o.Generation <= before {
			t.Errorf("orders: got %d copies in generation %d after %d, want %d", o.Site.Replicas, o.Generation, before, n)
		}
	}
	must(t, c.SetReplicas(t.Context(), who, "shop", 3))
	for _, n := range []int{-1, catalog.MaxReplicas + 1} {
		if err := c.SetReplicas(t.Context(), who, "shop", n); err == nil {
			t.Errorf("%d copies were taken", n)
		}
	}
	wantErr(t, "a site that is not there", c.SetReplicas(t.Context(), who, "nowhere", 1), catalog.ErrNotFound)
	for name, want := range map[string]int{"shop": 3, "other": 0} {
		if s, err := c.Site(t.Context(), name); s.Replicas != want || err != nil {
			t.Errorf("%s: got %d copies (%v), want %d", name, s.Replicas, err, want)
		}
	}
}

func peersOnChange(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop", "other")
	for _, on := range [][]string{{"10.12.0.0/16", "fd00:12::/32"}, {"0.0.0.0/0"}, nil, {"10.0.0.1/32"}} {
		before := orders(t, c, "shop").Generation
		must(t, c.SetPeersOn(t.Context(), who, "shop", on))
		if o := orders(t, c, "shop"); !slices.Equal(o.Site.PeersOn, on) || o.Generation <= before {
			t.Errorf("orders: got %v in generation %d after %d, want %v", o.Site.PeersOn, o.Generation, before, on)
		}
	}
	for _, on := range [][]string{{"10.12.0.0"}, {"10.12.0.0/33"}, {"10.12.3.4/16"}, {""}, {"shop"}, {"::ffff:10.0.0.0/104"}, {"127.0.0.0/8"},
		{"fe80::/64"}, {"224.0.0.0/4"}, slices.Repeat([]string{"10.0.0.0/8"}, catalog.MaxPeersOn+1)} {
		if err := c.SetPeersOn(t.Context(), who, "shop", on); err == nil {
			t.Errorf("%.100q were taken", on)
		}
	}
	for name, want := range map[string][]string{"shop": {"10.0.0.1/32"}, "other": {}} {
		if s, err := c.Site(t.Context(), name); !slices.Equal(s.PeersOn, want) || err != nil {
			t.Errorf("%s: got %v (%v), want %v", name, s.PeersOn, err, want)
		}
	}
}

func holdOffChanges(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop", "other")
	for _, d := range []time.Duration{8 * time.Second, catalog.MaxHoldOff, time.Millisecond, 0} {
		before := orders(t, c, "shop").Generation
		must(t, c.SetHoldOff(t.Context(), who, "shop", d))
		if s, err := c.Site(t.Context(), "shop"); s.HoldOffMs != d.Milliseconds() || err != nil {
			t.Errorf("got hold-off %d ms (%v), want %v", s.HoldOffMs, err, d)
		}
		if o := orders(t, c, "shop"); o.Site.HoldOffMs != d.Milliseconds() || o.Generation <= before {
			t.Errorf("orders: got hold-off %d ms in generation %d after %d, want %v", o.Site.HoldOffMs, o.Generation, before, d)
		}
	}
	for _, d := range []time.Duration{-1, catalog.MaxHoldOff + time.Millisecond, time.Microsecond} {
		if err := c.SetHoldOff(t.Context(), who, "shop", d); err == nil {
			t.Errorf("a hold-off of %v: accepted", d)
		}
	}
	wantErr(t, "missing site", c.SetHoldOff(t.Context(), who, "nowhere", 1000*time.Millisecond), catalog.ErrNotFound)
	for _, name := range []string{"shop", "other"} {
		if s, err := c.Site(t.Context(), name); s.HoldOffMs != 0 || err != nil {
			t.Errorf("%s: got hold-off %d ms (%v), want none", name, s.HoldOffMs, err)
		}
	}
}

func endpointIsKept(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	now := time.Date(2026, 2, 28, 23, 59, 59, 123_000_000, time.UTC)
	got := enrolAt(t, c, "shop", "e1", now)
	want := endpoint("e1")
	want.Site, want.Created, want.LastSeen = "shop", now, now
	if !reflect.DeepEqual(got, want) {
		t.Errorf("enrol: got %+v, want %+v", got, want)
	}
	if got, err := c.Endpoint(t.Context(), "e1"); !reflect.DeepEqual(got, want) || err != nil {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	_, err := c.Endpoint(t.Context(), "e2")
	wantErr(t, "another endpoint", err, catalog.ErrNotFound)
}

func endpointMoves(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "old", "new")
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	enrolAt(t, c, "old", "e1", first)
	second := first.Add(24 * time.Hour)
	e := catalog.Enrolment{ID: "again", Site: "new", SecretHash: []byte("h"), Uses: 1, Expires: second.Add(time.Minute)}
	must(t, c.CreateEnrolment(t.Context(), who, e))
	again := endpoint("e1")
	again.Name, again.Device = "renamed", "windows/arm64"
	got, err := c.Enrol(t.Context(), "again", e.SecretHash, again, second)
	must(t, err)
	want := again
	want.Site, want.Created, want.LastSeen = "new", first, second
	if !reflect.DeepEqual(got, want) {
		t.Errorf("enrol again: got %+v, want %+v", got, want)
	}
	if got, err := c.Endpoint(t.Context(), "e1"); !reflect.DeepEqual(got, want) || err != nil {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	if left, err := c.Endpoints(t.Context(), "old", "", 10); len(left) != 0 || err != nil {
		t.Errorf("got %d endpoints at the old site (%v), want none", len(left), err)
	}
}

func endpointKeepsKey(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop", "elsewhere")
	now := time.Now()
	want := enrolAt(t, c, "shop", "e1", now)
	e := catalog.Enrolment{ID: "other", Site: "elsewhere", SecretHash: []byte("h"), Uses: 1, Expires: now.Add(time.Minute)}
	must(t, c.CreateEnrolment(t.Context(), who, e))
	thief := endpoint("e1")
	thief.Key = []byte("another key")
	_, err := c.Enrol(t.Context(), "other", e.SecretHash, thief, now)
	wantErr(t, "enrol with another key", err, catalog.ErrConflict)
	if got, err := c.Endpoint(t.Context(), "e1"); !reflect.DeepEqual(got, want) || err != nil {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	if _, err := c.Enrol(t.Context(), "other", e.SecretHash, endpoint("e2"), now); err != nil {
		t.Errorf("the refused attempt used up the token: %v", err)
	}
}

func enrolmentRefused(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	secret := []byte("hash of a secret")
	for id, e := range map[string]catalog.Enrolment{
		"good":    {Uses: 1, Expires: now.Add(time.Millisecond)},
		"expired": {Uses: 1, Expires: now},
		"used up": {Uses: 0, Expires: now.Add(time.Hour)},
	} {
		e.ID, e.Site, e.SecretHash = id, "shop", secret
		must(t, c.CreateEnrolment(t.Context(), who, e))
	}
	for what, try := range map[string]struct {
		id     string
		secret []byte
	}{
		"expired":       {"expired", secret},
		"used up":       {"used up", secret},
		"unknown":       {"unknown", secret},
		"wrong secret":  {"good", []byte("hash of another!")},
		"half a secret": {"good", secret[:8]},
		"no secret":     {"good", nil},
	} {
		_, err := c.Enrol(t.Context(), try.id, try.secret, endpoint("e1"), now)
		wantErr(t, what, err, catalog.ErrSpent)
	}
	_, err := c.Endpoint(t.Context(), "e1")
	wantErr(t, "endpoint after refusals", err, catalog.ErrNotFound)
	// None of these spent the use of the good one.
	_, err = c.Enrol(t.Context(), "good", secret, endpoint("e1"), now)
	must(t, err)
	_, err = c.Enrol(t.Context(), "good", secret, endpoint("e2"), now)
	wantErr(t, "second endpoint with a single use", err, catalog.ErrSpent)
}

func enrolmentMalformed(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop", "other")
	now := time.Now()
	e := catalog.Enrolment{ID: "e", Site: "nowhere", SecretHash: []byte("h"), Uses: 1, Expires: now.Add(time.Hour)}
	wantErr(t, "missing site", c.CreateEnrolment(t.Context(), who, e), catalog.ErrNotFound)
	e.Site = "shop"
	must(t, c.CreateEnrolment(t.Context(), who, e))
	e.Site = "other"
	wantErr(t, "taken id", c.CreateEnrolment(t.Context(), who, e), catalog.ErrConflict)
	if ep, err := c.Enrol(t.Context(), "e", e.SecretHash, endpoint("e1"), now); ep.Site != "shop" || err != nil {
		t.Errorf("got site %q (%v), want that of the first token", ep.Site, err)
	}
}

func endpointPages(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "north", "south", "empty")
	now := time.Now()
	want := map[string][]string{"": {}, "north": {}, "south": {}, "empty": {}, "missing": {}}
	for i := range 9 {
		id, site := fmt.Sprintf("e%d", i), []string{"north", "south", "north"}[i%3]
		want[""], want[site] = append(want[""], id), append(want[site], id)
	}
	for i := range 9 {
		i = 8 - i
		enrolAt(t, c, []string{"north", "south", "north"}[i%3], fmt.Sprintf("e%d", i), now)
	}
	id := func(e catalog.Endpoint) string { return e.ID }
	for site, ids := range want {
		for _, n := range []int{1, 2, 9, catalog.MaxPage} {
			got := pages(t, n, id, func(ctx context.Context, after string, limit int) ([]catalog.Endpoint, error) {
				return c.Endpoints(ctx, site, after, limit)
			})
			wantStrings(t, fmt.Sprintf("endpoints of %q, %d at a time", site, n), got, ids)
		}
	}
}

func lastSeen(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	begin := time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
	for _, id := range []string{"e1", "e2", "e3"} {
		enrolAt(t, c, "shop", id, begin)
	}
	later := begin.Add(90*time.Minute + 7*time.Millisecond)
	before := latest(t, c)
	must(t, c.Seen(t.Context(), map[string]time.Time{"e1": later, "e2": begin.Add(-time.Hour), "removed": later}))
	must(t, c.Seen(t.Context(), nil))
	for id, want := range map[string]time.Time{"e1": later, "e2": begin, "e3": begin} {
		if ep, err := c.Endpoint(t.Context(), id); !ep.LastSeen.Equal(want) || !ep.Created.Equal(begin) || err != nil {
			t.Errorf("%s: got last seen %v, created %v (%v), want %v, %v", id, ep.LastSeen, ep.Created, err, want, begin)
		}
	}
	_, err := c.Endpoint(t.Context(), "removed")
	wantErr(t, "an endpoint that was only seen", err, catalog.ErrNotFound)
	if after := latest(t, c); after != before {
		t.Errorf("seeing endpoints wrote audit entries %d to %d, want none", before+1, after)
	}
}
