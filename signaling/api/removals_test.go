package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/policy"
)

// TestAVersionThatIsNeededIsNotRemovedAndItIsSaidWhy goes through the reasons as they end.
func TestAVersionThatIsNeededIsNotRemovedAndItIsSaidWhy(t *testing.T) {
	var told, fetched []content.Ref
	s := newStand(t, func(cfg *api.Config) {
		cfg.Removed = func(ref content.Ref) { told = append(told, ref) }
		cfg.Fetched = func(context.Context) ([]content.Ref, error) { return fetched, nil }
	})
	s.call("POST", "/sites", api.NewSite{Name: "shop"}, nil)
	first := s.published("app", "1")
	order := func(version string) {
		s.call("POST", "/distributions", api.NewDistribution{Name: "app", Version: version, Sites: []string{"shop"}, Priority: "normal"}, nil)
	}
	refused := func(code, detail, hint string) {
		t.Helper()
		p := wantProblem(t, s.as(catalog.RoleOperator, "DELETE", "/api/v1"+first.path(), nil), http.StatusConflict, code)
		if !strings.Contains(p.Detail, detail) || !strings.Contains(p.Hint, hint) {
			t.Errorf("refused with %+v, want %q, and %q as what to do", p, detail, hint)
		}
		if len(told) > 0 {
			t.Fatalf("told of %v", told)
		}
	}
	order("1")
	s.call("POST", "/rules", api.NewRule{Kind: catalog.RulePin, Content: "app", Version: "1"}, nil)
	fetched = []content.Ref{first.ref}
	refused(catalog.NeedOrdered, "app@1 is ordered to shop; the admin pinned app@1 everywhere; a page has app@1 fetched", "sitecast purge")
	s.published("app", "2") // comes as patches to the first, and is to be
	order("2")
	refused(catalog.NeedPinned, "pinned", "sitecast unpin")
	s.call("POST", "/rules/unpin", api.EndedRules{Content: "app"}, nil)
	refused(catalog.NeedPatches, "app@2 comes as patches to app@1", "publish another version")
	s.published("app", "3")
	refused(catalog.NeedFetched, "a page", "try again")
	fetched = nil
	replicas := 2
	s.call("PATCH", "/sites/shop", api.SiteChange{Replicas: &replicas}, nil)
	refused(catalog.NeedCopies, "copies of app@1 are kept at shop", "--replicas 0")
	s.call("DELETE", "/settings?level=site&subject=shop&key=replicas", nil, nil)
	s.call("PUT", "/settings", change(policy.Organisation, "", policy.Replicas, "1"), nil)
	refused(catalog.NeedCopies, "copies of app@1 are kept at shop", "--replicas 0") // what is set for all counts, too
	replicas = 0
	s.call("PATCH", "/sites/shop", api.SiteChange{Replicas: &replicas}, nil)

	var removed api.Removed
	if s.call("DELETE", first.path(), nil, &removed); removed != (api.Removed{Name: "app", Version: "1"}) || len(told) != 1 || told[0] != first.ref {
		t.Errorf("removed %+v, and told of %v; want app@1", removed, told)
	}
	for _, method := range []string{"DELETE", "GET"} {
		wantProblem(t, s.as(catalog.RoleOperator, method, "/api/v1"+first.path(), nil), http.StatusNotFound, "not_found")
	}
	p := wantProblem(t, s.as(catalog.RoleOperator, "POST", "/api/v1/versions", api.NewVersion{Name: "app", Version: "1"}), http.StatusConflict, "conflict")
	if !strings.Contains(p.Detail, "removed") {
		t.Errorf("reserving it again: %+v, want that it was removed", p)
	}
}

func TestTheRuleOfRetentionIsShownAndChanged(t *testing.T) {
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	s := newStand(t, func(cfg *api.Config) {
		cfg.Occupancy = func() api.Occupancy { return api.Occupancy{At: at, Packs: 3, Bytes: 300, Dead: 100} }
	})
	var got api.Kept
	s.call("GET", "/retention", nil, &got)
	if got.Keep != 0 || !got.Origin.At.Equal(at) || got.Origin.Dead != 100 {
		t.Errorf("got %+v, want no rule, and what lies at the origin", got)
	}
	s.call("PUT", "/retention", api.Retention{Keep: 5, YoungerSeconds: 3600}, &got)
	if rule, err := s.catalog.Retention(t.Context()); rule != (catalog.Retention{Keep: 5, Younger: time.Hour}) || err != nil || got.Keep != 5 || got.YoungerSeconds != 3600 {
		t.Errorf("answered %+v, and kept %+v (%v)", got, rule, err)
	}
	for _, body := range []string{`{"keep":-1,"younger_seconds":0}`, `{"keep":0,"younger_seconds":60}`, `{"keep":10001,"younger_seconds":0}`, `{"keep":1,"younger_seconds":316224001}`, `{"keep":1}`} {
		wantProblem(t, s.as(catalog.RoleAdmin, "PUT", "/api/v1/retention", body), http.StatusUnprocessableEntity, "invalid")
	}
	wantProblem(t, s.as(catalog.RoleOperator, "PUT", "/api/v1/retention", api.Retention{}), http.StatusForbidden, "forbidden")
}

// TestWhoIsToldThatAnObjectIsThereCanRelyOnIt: from then on it is as if uploaded now.
func TestWhoIsToldThatAnObjectIsThereCanRelyOnIt(t *testing.T) {
	s := newStand(t)
	v := s.ready("app", "1")
	body := content.Sum(v.body)
	doom := func() []content.Digest {
		t.Helper()
		doomed, err := s.catalog.Doom(t.Context(), []content.Digest{v.digest, body}, time.Now().Add(time.Hour))
		s.must(err)
		return doomed
	}
	if got := doom(); len(got) != 2 {
		t.Fatalf("doomed %v, want the pack and the body", got)
	}
	var missing api.Objects
	if s.call("POST", "/objects/missing", api.Objects{Digests: []content.Digest{v.digest, body}}, &missing); len(missing.Digests) != 2 {
		t.Errorf("missing are %v, want all that is doomed", missing.Digests)
	}
	if s.call("POST", "/chunks/missing", api.Objects{Digests: []content.Digest{content.Sum(v.plain)}}, &missing); len(missing.Digests) != 1 {
		t.Error("a chunk counts as there whose pack is doomed")
	}
	path := "/api/v1/objects/" + v.digest.String()
	wantProblem(t, s.as(catalog.RoleOperator, "PUT", path, string(v.pack)), http.StatusServiceUnavailable, "being_deleted")
	wantProblem(t, s.as(catalog.RoleOperator, "PUT", "/api/v1"+v.path(), s.signed(v)), http.StatusServiceUnavailable, "being_deleted")
	for _, object := range []content.Digest{v.digest, body} {
		s.must(s.objects.Delete(t.Context(), object))
		s.must(s.catalog.Deleted(t.Context(), object))
	}
	s.upload(v.body, v.pack)
	s.call("PUT", v.path(), s.signed(v), nil)
	if got := doom(); len(got) != 0 {
		t.Errorf("doomed %v of a version that was published", got)
	}
}
