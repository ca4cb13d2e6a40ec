package catalogtest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/policy"
)

// policies are the tests of settings, tags and what was spent.
var policies = map[string]func(*testing.T, catalog.Catalog){
	"a setting is set, changed and taken back":       settingsChange,
	"a site shows what is set for it alone":          siteShowsItsOwn,
	"settings of nobody are refused":                 settingsOfNobody,
	"a book of one site has what concerns it":        bookOfOneSite,
	"a tag is made, given, taken and dropped":        tagsChange,
	"a change that fails leaves no setting":          settingsFail,
	"what a site took in a month is kept":            spentIsKept,
	"an endpoint that moves keeps what is set of it": settingsMoveAlong,
	"an endpoint that roams has its settings along":  settingsRoam,
}

// WantSettings checks that a site of Fill has what was set of it, as far as its schema had
// settings of that kind. Some schemas were filled with a network of links, too.
func WantSettings(t *testing.T, s catalog.Site, holdOff, replicas bool) {
	t.Helper()
	want := catalog.Site{Cap: catalog.NoCap}
	if s.Name == FilledSite {
		want.Cap = 125_000
		if holdOff {
			want.HoldOffMs = 60_000
		}
		if replicas {
			want.Replicas = 2
		}
	}
	if len(s.PeersOn) > 0 && s.Name == FilledSite {
		want.PeersOn = []string{"10.1.0.0/16"}
	}
	if s.Cap != want.Cap || s.HoldOffMs != want.HoldOffMs || s.Replicas != want.Replicas || !slices.Equal(s.PeersOn, want.PeersOn) {
		t.Errorf("settings of a site are %+v, want %+v", s, want)
	}
}

// FilledPolicy is what Read finds of settings.
type FilledPolicy struct {
	Settings []policy.Setting
	Tags     []policy.Tagged
	Spent    catalog.Spent
}

func fillPolicy(t *testing.T, c catalog.Catalog) {
	t.Helper()
	must(t, c.ChangeTag(t.Context(), who, policy.TagChange{Name: "rural", Priority: new(3), AddSites: []string{FilledSite}, AddEndpoints: []string{"e1"}}))
	setAt(t, c, organisation, policy.WANCapHours, "mon-fri 08:00-18:00 2mbit; * none")
	setAt(t, c, policy.Scope{Level: policy.Tag, Subject: "rural"}, policy.WANRate, "6mbit")
	must(t, c.KeepSpent(t.Context(), FilledSite, catalog.Spent{Month: "2026-04", Bytes: 1 << 40}))
}

func readPolicy(t *testing.T, c catalog.Catalog) FilledPolicy {
	t.Helper()
	book, err := c.Policy(t.Context(), "")
	must(t, err)
	spent, err := c.Spent(t.Context(), FilledSite)
	must(t, err)
	return FilledPolicy{book.Settings, book.Tags, spent}
}

var (
	organisation = policy.Scope{Level: policy.Organisation}
	shop         = policy.Scope{Level: policy.Site, Subject: "shop"}
)

func change(key, value string) []policy.Assignment {
	return []policy.Assignment{{Key: key, Value: value}}
}

func setAt(t *testing.T, c catalog.Catalog, scope policy.Scope, key, value string) {
	t.Helper()
	must(t, c.ChangeSettings(t.Context(), who, scope, change(key, value)))
}

// wantSet checks what is set, written as "SCOPE KEY VALUE".
func wantSet(t *testing.T, c catalog.Catalog, site string, want ...string) {
	t.Helper()
	book, err := c.Policy(t.Context(), site)
	must(t, err)
	got := []string{}
	for _, s := range book.Settings {
		got = append(got, fmt.Sprintf("%v %s %s", s.Scope, s.Key, s.Value))
	}
	slices.Sort(got)
	slices.Sort(want)
	wantStrings(t, "what is set at "+site, got, want)
}

func lastAudit(t *testing.T, c catalog.Catalog) string {
	t.Helper()
	all, err := c.Audit(t.Context(), 0, 1)
	must(t, err)
	return fmt.Sprintf("%s %s: %s", all[0].Action, all[0].Target, all[0].Detail)
}

func settingsChange(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	before := orders(t, c, "shop").Generation
	must(t, c.ChangeSettings(t.Context(), who, organisation, []policy.Assignment{{Key: policy.WANCap, Value: "20000kbit"}, {Key: policy.Windows, Value: "OPEN"}}))
	wantSet(t, c, "", "organisation wan_cap 20mbit", "organisation windows open")
	if got, want := lastAudit(t, c), "settings organisation: wan_cap: not set -> 20mbit, windows: not set -> open"; got != want {
		t.Errorf("audited %q, want %q", got, want)
	}
	must(t, c.ChangeSettings(t.Context(), who, organisation, []policy.Assignment{{Key: policy.WANCap, Value: "5mbit"}, {Key: policy.Windows}}))
	wantSet(t, c, "", "organisation wan_cap 5mbit")
	if got, want := lastAudit(t, c), "settings organisation: wan_cap: 20mbit -> 5mbit, windows: open -> not set"; got != want {
		t.Errorf("audited %q, want %q", got, want)
	}
	if after := orders(t, c, "shop").Generation; after != before+2 {
		t.Errorf("generation went from %d to %d, want one more for each change", before, after)
	}
}

func siteShowsItsOwn(t *testing.T, c catalog.Catalog) {
	must(t, c.CreateSite(t.Context(), who, catalog.Site{Name: "shop", Cap: 625_000, HoldOffMs: 8000, Replicas: 3, PeersOn: []string{"10.0.0.0/8", "fd00::/16"}}))
	wantSet(t, c, "shop", "site shop wan_cap 5mbit", "site shop hold_off 8s", "site shop replicas 3", "site shop peers_on 10.0.0.0/8,fd00::/16")
	setAt(t, c, organisation, policy.HoldOff, "1h")
	setAt(t, c, shop, policy.WANCap, "8mbit")
	setAt(t, c, shop, policy.HoldOff, "")
	s, err := c.Site(t.Context(), "shop")
	if err != nil || s.Cap != 1_000_000 || s.HoldOffMs != 0 || s.Replicas != 3 || len(s.PeersOn) != 2 {
		t.Errorf("the site is %+v (%v)", s, err)
	}
	must(t, c.SetCap(t.Context(), who, "shop", catalog.NoCap))
	if got, want := lastAudit(t, c), "cap shop: wan_cap: 8mbit -> none"; got != want {
		t.Errorf("audited %q, want %q", got, want)
	}
	must(t, c.SetHoldOff(t.Context(), who, "shop", 90*time.Second))
	must(t, c.SetReplicas(t.Context(), who, "shop", 0))
	must(t, c.SetPeersOn(t.Context(), who, "shop", nil))
	wantSet(t, c, "shop", "organisation hold_off 1h", "site shop wan_cap none", "site shop hold_off 1m30s", "site shop replicas 0", "site shop peers_on any")
}

func settingsOfNobody(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	for _, scope := range []policy.Scope{{Level: policy.Site, Subject: "nowhere"}, {Level: policy.Tag, Subject: "rural"}, {Level: policy.Site, Subject: "a\x00b"}} {
		wantErr(t, scope.String(), c.ChangeSettings(t.Context(), who, scope, change(policy.WANCap, "5mbit")), catalog.ErrNotFound)
	}
	wantErr(t, "an endpoint", c.ChangeSettings(t.Context(), who, policy.Scope{Level: policy.Endpoint, Subject: "e1"}, change(policy.CacheQuota, "5GB")), catalog.ErrNotFound)
	for name, err := range map[string]error{
		"a wrong value": c.ChangeSettings(t.Context(), who, shop, change(policy.WANCap, "fast")),
		"no such key":   c.ChangeSettings(t.Context(), who, shop, change("wan_cup", "5mbit")),
		"nothing":       c.ChangeSettings(t.Context(), who, shop, nil),
	} {
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	wantSet(t, c, "")
}

func bookOfOneSite(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop", "farm")
	enrolAt(t, c, "shop", "e1", time.Now())
	enrolAt(t, c, "farm", "e2", time.Now())
	must(t, c.ChangeTag(t.Context(), who, policy.TagChange{Name: "rural", AddSites: []string{"farm"}}))
	must(t, c.ChangeTag(t.Context(), who, policy.TagChange{Name: "kiosk", Priority: new(7), AddEndpoints: []string{"e1", "e2"}}))
	setAt(t, c, organisation, policy.WANCap, "9mbit")
	setAt(t, c, policy.Scope{Level: policy.Tag, Subject: "rural"}, policy.WANCap, "1mbit")
	setAt(t, c, policy.Scope{Level: policy.Tag, Subject: "kiosk"}, policy.CacheQuota, "1GB")
	setAt(t, c, shop, policy.Replicas, "2")
	setAt(t, c, policy.Scope{Level: policy.Site, Subject: "farm"}, policy.Replicas, "3")
	setAt(t, c, policy.Scope{Level: policy.Endpoint, Subject: "e1"}, policy.CacheFloor, "2GB")
	setAt(t, c, policy.Scope{Level: policy.Endpoint, Subject: "e2"}, policy.CacheFloor, "3GB")
	wantSet(t, c, "shop", "organisation wan_cap 9mbit", "tag kiosk cache_quota 1GB", "site shop replicas 2", "endpoint e1 cache_floor 2GB")
	wantSet(t, c, "farm", "organisation wan_cap 9mbit", "tag kiosk cache_quota 1GB", "tag rural wan_cap 1mbit", "site farm replicas 3", "endpoint e2 cache_floor 3GB")
	for site, want := range map[string]string{
		"shop": "{kiosk 7 [] [e1]}", "farm": "{kiosk 7 [] [e2]} {rural 0 [farm] []}", "": "{kiosk 7 [] [e1 e2]} {rural 0 [farm] []}",
	} {
		book, err := c.Policy(t.Context(), site)
		must(t, err)
		if got := fmt.Sprint(book.Tags); got != "["+want+"]" {
			t.Errorf("tags at %q are %s, want %s", site, got, want)
		}
	}
	book, err := c.Policy(t.Context(), "farm")
	must(t, err)
	if v := book.Values("farm", "e2"); v[policy.WANCap] != "1mbit" || v[policy.CacheQuota] != "1GB" || v[policy.CacheFloor] != "3GB" {
		t.Errorf("at an endpoint holds %v", v)
	}
}

func tagsChange(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop", "farm")
	rural := policy.Scope{Level: policy.Tag, Subject: "rural"}
	step := func(change policy.TagChange, want string) {
		t.Helper()
		change.Name = "rural"
		before := orders(t, c, "shop").Generation
		must(t, c.ChangeTag(t.Context(), who, change))
		if got := lastAudit(t, c); got != "tag rural: "+want {
			t.Errorf("audited %q, want %q", got, want)
		}
		if after := orders(t, c, "shop").Generation; after <= before {
			t.Error("a tag was changed in the same generation")
		}
	}
	step(policy.TagChange{AddSites: []string{"shop"}}, "new, priority 0, + site shop")
	step(policy.TagChange{Priority: new(4), AddSites: []string{"shop", "farm"}}, "priority: 0 -> 4, + site shop, + site farm")
	setAt(t, c, rural, policy.WANCap, "1mbit")
	step(policy.TagChange{RemoveSites: []string{"shop"}}, "- site shop")
	wantSet(t, c, "shop")
	wantSet(t, c, "farm", "tag rural wan_cap 1mbit")
	wantErr(t, "a tag for a site that is not there", c.ChangeTag(t.Context(), who, policy.TagChange{Name: "new", AddSites: []string{"nowhere"}}), catalog.ErrNotFound)
	if book, err := c.Policy(t.Context(), ""); err != nil || len(book.Tags) != 1 {
		t.Errorf("tags are %+v (%v), want rural alone", book.Tags, err)
	}
	must(t, c.DropTag(t.Context(), who, "rural"))
	if got, want := lastAudit(t, c), "drop tag rural: 1 sites and endpoints bore it, 1 settings"; got != want {
		t.Errorf("audited %q, want %q", got, want)
	}
	wantSet(t, c, "")
	wantErr(t, "a tag that is gone", c.DropTag(t.Context(), who, "rural"), catalog.ErrNotFound)
	wantErr(t, "a tag that can't be", c.DropTag(t.Context(), who, "a\x00"), catalog.ErrNotFound)
}

func settingsFail(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	enrolAt(t, c, "shop", "e1", time.Now())
	before := orders(t, c, "shop").Generation
	if err := c.ChangeTag(t.Context(), who, policy.TagChange{Name: "new", AddSites: []string{"shop"}, AddEndpoints: []string{"e1", "e9"}}); err == nil {
		t.Error("a tag for an endpoint that is not there was taken")
	}
	book, err := c.Policy(t.Context(), "")
	must(t, err)
	if len(book.Tags) != 0 || orders(t, c, "shop").Generation != before {
		t.Errorf("a change that failed left %+v", book.Tags)
	}
}

func spentIsKept(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop", "farm")
	for _, want := range []catalog.Spent{{}, {Month: "2026-11", Bytes: 1 << 40}, {Month: "2026-12", Bytes: 5}} {
		if want.Month != "" {
			must(t, c.KeepSpent(t.Context(), "shop", want))
		}
		if got, err := c.Spent(t.Context(), "shop"); got != want || err != nil {
			t.Errorf("got %+v (%v), want %+v", got, err, want)
		}
	}
	if got, err := c.Spent(t.Context(), "farm"); got != (catalog.Spent{}) || err != nil {
		t.Errorf("another site spent %+v (%v)", got, err)
	}
}

func settingsMoveAlong(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop", "farm")
	enrolAt(t, c, "shop", "e1", time.Now())
	setAt(t, c, policy.Scope{Level: policy.Endpoint, Subject: "e1"}, policy.CacheQuota, "1GB")
	enrolAt(t, c, "farm", "e1", time.Now())
	wantSet(t, c, "shop")
	wantSet(t, c, "farm", "endpoint e1 cache_quota 1GB")
}

// An endpoint that roams has its own settings wherever it is; one that is fixed is at home.
func settingsRoam(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop", "farm")
	enrolAt(t, c, "shop", "fixed", time.Now())
	e := catalog.Enrolment{ID: "roams", Site: "shop", SecretHash: []byte("hash"), Uses: 1, Expires: time.Now().Add(time.Hour), Roaming: true}
	must(t, c.CreateEnrolment(t.Context(), who, e))
	_, err := c.Enrol(t.Context(), e.ID, e.SecretHash, endpoint("laptop"), time.Now())
	must(t, err)
	for _, id := range []string{"fixed", "laptop"} {
		setAt(t, c, policy.Scope{Level: policy.Endpoint, Subject: id}, policy.CacheQuota, "1GB")
	}
	must(t, c.ChangeTag(t.Context(), who, policy.TagChange{Name: "field", AddEndpoints: []string{"laptop"}}))
	setAt(t, c, policy.Scope{Level: policy.Tag, Subject: "field"}, policy.CacheIdle, "24h")
	wantSet(t, c, "shop", "endpoint fixed cache_quota 1GB", "endpoint laptop cache_quota 1GB", "tag field cache_idle 1d")
	wantSet(t, c, "farm", "endpoint laptop cache_quota 1GB", "tag field cache_idle 1d")
}
