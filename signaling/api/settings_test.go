package api_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/policy"
)

var farAhead = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// device makes an endpoint of a site.
func (s *stand) device(site, id, name string) {
	s.t.Helper()
	ctx, e := s.t.Context(), catalog.Enrolment{ID: rand.Text(), Site: site, SecretHash: []byte("x"), Uses: 1, Expires: farAhead}
	s.must(s.catalog.CreateEnrolment(ctx, "test", e))
	_, err := s.catalog.Enrol(ctx, e.ID, e.SecretHash, catalog.Endpoint{ID: id, Key: []byte(id), Name: name}, farAhead.AddDate(-1, 0, 0))
	s.must(err)
}

// settingsStand has two sites with endpoints.
func settingsStand(t *testing.T) *stand {
	s := newStand(t)
	for _, name := range []string{"shop-1", "shop-2"} {
		s.call("POST", "/sites", api.NewSite{Name: name}, nil)
	}
	s.device("shop-1", "e1", "till")
	s.device("shop-2", "e2", "kiosk")
	s.device("shop-2", "e3", "till")
	return s
}

// words is what an alteration says, in words.
func words(a api.Alteration) string {
	text := fmt.Sprintf("%d sites, %d endpoints", a.Sites, a.Endpoints)
	for _, who := range a.Altered {
		for _, v := range who.Values {
			text += fmt.Sprintf("; %s %s%s: %v -> %v", who.Site, who.Endpoint, v.Key, v.Before, v.After)
		}
	}
	return text
}

func change(level policy.Level, subject string, pairs ...string) api.SettingsChange {
	c := api.SettingsChange{Level: level, Subject: subject}
	for i := 0; i < len(pairs); i += 2 {
		c.Changes = append(c.Changes, policy.Assignment{Key: pairs[i], Value: pairs[i+1]})
	}
	return c
}

func TestADryRunSaysWhatAChangeWouldAlterAndChangesNothing(t *testing.T) {
	s := settingsStand(t)
	s.call("PUT", "/settings", change(policy.Site, "shop-1", policy.WANCap, "5mbit"), nil)
	s.call("PUT", "/tags/tills", map[string]any{"add_endpoints": []string{"e1", "e3"}}, nil)
	audit := func() (out []catalog.Entry) { s.call("GET", "/audit", nil, &out); return out }
	for _, c := range []struct {
		method, path string
		body         any
		want         string
	}{
		{"PUT", "/settings", change(policy.Organisation, "", policy.WANCap, "9mbit", policy.CacheQuota, "1GB"),
			"1 sites, 3 endpoints; shop-2 wan_cap: none (default) -> 9mbit (organisation); shop-1 e1cache_quota: none (default) -> 1GB (organisation); " +
				"shop-2 e2cache_quota: none (default) -> 1GB (organisation); shop-2 e3cache_quota: none (default) -> 1GB (organisation)"},
		{"PUT", "/settings", change(policy.Tag, "tills", policy.CacheQuota, "2GB"),
			"0 sites, 2 endpoints; shop-1 e1cache_quota: 1GB (organisation) -> 2GB (tag tills); shop-2 e3cache_quota: 1GB (organisation) -> 2GB (tag tills)"},
		{"PUT", "/settings", change(policy.Site, "shop-2", policy.CacheQuota, "3GB", policy.WANCap, "9000kbit"),
			"0 sites, 2 endpoints; shop-2 e2cache_quota: 1GB (organisation) -> 3GB (site shop-2); shop-2 e3cache_quota: 2GB (tag tills) -> 3GB (site shop-2)"},
		{"PUT", "/settings", change(policy.Endpoint, "kiosk", policy.CacheQuota, "4GB"),
			"0 sites, 1 endpoints; shop-2 e2cache_quota: 3GB (site shop-2) -> 4GB (endpoint e2)"},
		{"DELETE", "/settings?level=site&subject=shop-1&key=wan_cap", nil,
			"1 sites, 0 endpoints; shop-1 wan_cap: 5mbit (site shop-1) -> 9mbit (organisation)"},
		{"PUT", "/tags/tills", map[string]any{"remove_endpoints": []string{"e1"}},
			"0 sites, 1 endpoints; shop-1 e1cache_quota: 2GB (tag tills) -> 1GB (organisation)"},
		{"DELETE", "/tags/tills", nil, "0 sites, 0 endpoints"},
	} {
		before := len(audit())
		dry := c.path + "?dry_run=true"
		if strings.Contains(c.path, "?") {
			dry = c.path + "&dry_run=true"
		}
		for range 2 {
			var tried api.Alteration
			s.call(c.method, dry, c.body, &tried)
			if got := words(tried); got != c.want || !tried.DryRun {
				t.Errorf("a trial of %s %s %v:\n got %s\nwant %s", c.method, c.path, c.body, got, c.want)
			}
		}
		if n := len(audit()); n != before {
			t.Errorf("a trial of %s %s was audited", c.method, c.path)
		}
		var done api.Alteration
		s.call(c.method, c.path, c.body, &done)
		if got := words(done); got != c.want || done.DryRun {
			t.Errorf("%s %s %v:\n got %s\nwant %s", c.method, c.path, c.body, got, c.want)
		}
		if n := len(audit()); n != before+1 {
			t.Errorf("%s %s was audited %d times, want once", c.method, c.path, n-before)
		}
	}
}

func TestWhatIsAlteredIsCountedAndNotAllListed(t *testing.T) {
	s := newStand(t)
	for i := range 130 {
		s.must(s.catalog.CreateSite(t.Context(), "test", catalog.Site{Name: fmt.Sprintf("shop-%03d", i), Cap: catalog.NoCap}))
	}
	var out api.Alteration
	s.call("PUT", "/settings?dry_run=true", change(policy.Organisation, "", policy.WANCap, "9mbit"), &out)
	if out.Sites != 130 || len(out.Altered) != 100 {
		t.Errorf("%d sites are altered and %d listed, want 130 and 100", out.Sites, len(out.Altered))
	}
}

func TestAPolicyIsExplained(t *testing.T) {
	s := settingsStand(t)
	s.must(s.catalog.KeepSpent(t.Context(), "shop-2", catalog.Spent{Month: "2026-11", Bytes: 7}))
	s.call("PUT", "/tags/rural", map[string]any{"priority": 3, "add_sites": []string{"shop-2"}}, nil)
	s.call("PUT", "/settings", change(policy.Organisation, "", policy.HoldOff, "1s"), nil)
	s.call("PUT", "/settings", change(policy.Tag, "rural", policy.HoldOff, "8s"), nil)
	s.call("PATCH", "/sites/shop-2", map[string]any{"hold_off_ms": 9000, "cap_bytes_per_second": 625000}, nil)
	for query, endpoint := range map[string]string{"site=shop-2": "", "endpoint=kiosk": "e2", "endpoint=e2": "e2"} {
		var out api.Explained
		s.call("GET", "/policy?"+query, nil, &out)
		if out.Site != "shop-2" || out.Endpoint != endpoint || fmt.Sprint(out.Tags) != "[rural]" || out.MonthBytes != 7 || len(out.Settings) != len(policy.Keys()) {
			t.Errorf("%s is explained as %+v", query, out)
		}
		for _, e := range out.Settings {
			switch {
			case e.Key == policy.HoldOff && fmt.Sprint(e.Said, e.Overridden) != "9s (site shop-2) [8s (tag rural) 1s (organisation) 0s (default)]",
				e.Key == policy.WANCap && fmt.Sprint(e.Said) != "5mbit (site shop-2)":
				t.Errorf("%s: %s is explained as %v", query, e.Key, e)
			}
		}
	}
	var set []policy.Setting
	s.call("GET", "/settings", nil, &set)
	if len(set) != 4 {
		t.Errorf("what is set is listed as %+v, want four", set)
	}
	var tags []policy.Tagged
	s.call("GET", "/tags", nil, &tags)
	if len(tags) != 1 || tags[0].Priority != 3 {
		t.Errorf("tags are listed as %+v", tags)
	}
	var keys []policy.Key
	s.call("GET", "/settings/keys", nil, &keys)
	if len(keys) != len(policy.Keys()) || keys[0].Help == "" {
		t.Errorf("keys are listed as %+v", keys)
	}
}

func TestSettingsThatCannotBeAreRefusedWithAHint(t *testing.T) {
	s := settingsStand(t)
	for _, c := range []struct {
		method, path string
		body         any
		status       int
		code, part   string
	}{
		{"PUT", "/settings", change(policy.Site, "shop-1", "wan_cup", "5mbit"), 422, "invalid", "there are wan_rate"},
		{"PUT", "/settings", change(policy.Site, "shop-1", policy.WANCap, "fast"), 422, "invalid", "5mbit"},
		{"PUT", "/settings", change(policy.Site, "nowhere", policy.WANCap, "5mbit"), 404, "not_found", "nowhere"},
		{"PUT", "/settings", change(policy.Tag, "rural", policy.WANCap, "5mbit"), 404, "not_found", "rural"},
		{"PUT", "/settings", change(policy.Endpoint, "e1", policy.WANCap, "5mbit"), 422, "invalid", "a site as a whole"},
		{"PUT", "/settings", change(policy.Endpoint, "nobody", policy.CacheQuota, "5GB"), 404, "not_found", "nobody"},
		{"PUT", "/settings", change(policy.Endpoint, "till", policy.CacheQuota, "5GB"), 409, "conflict", "2 endpoints"},
		{"PUT", "/settings", change("planet", "earth", policy.CacheQuota, "5GB"), 422, "invalid", "level"},
		{"PUT", "/settings", change(policy.Site, "shop-1"), 422, "invalid", "nothing to change"},
		{"DELETE", "/settings?level=site&subject=shop-1", nil, 422, "invalid", "key"},
		{"GET", "/policy", nil, 422, "invalid", "which site"},
		{"GET", "/policy?site=shop-1&endpoint=e1", nil, 422, "invalid", "which site"},
		{"GET", "/policy?site=nowhere", nil, 404, "not_found", "nowhere"},
		{"PUT", "/tags/a%20b", map[string]any{}, 422, "invalid", "tag"},
		{"PUT", "/tags/rural", map[string]any{"add_sites": []string{"nowhere"}}, 404, "not_found", "nowhere"},
		{"PUT", "/tags/rural", map[string]any{"remove_sites": []string{"shop-1"}}, 404, "not_found", "rural"},
		{"PUT", "/tags/rural", map[string]any{"priority": 5000}, 422, "invalid", "priority"},
		{"DELETE", "/tags/rural", nil, 404, "not_found", "rural"},
	} {
		w := s.as(catalog.RoleOperator, c.method, "/api/v1"+c.path, c.body)
		if p := wantProblem(t, w, c.status, c.code); !strings.Contains(p.Detail, c.part) {
			t.Errorf("%s %s %v is refused with %q, want %q in it", c.method, c.path, c.body, p.Detail, c.part)
		}
	}
	if w := s.as(catalog.RoleViewer, http.MethodPut, "/api/v1/settings?dry_run=true", change(policy.Organisation, "", policy.WANCap, "9mbit")); w.Code != http.StatusForbidden {
		t.Errorf("a viewer's trial answered %d", w.Code)
	}
}
