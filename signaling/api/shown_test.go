package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/evidence"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

func TestAnEndpointIsShownWithWhatItHolds(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stand) {
		v := s.published("app", "1")
		s.call("POST", "/distributions", api.NewDistribution{Name: "app", Version: "1", All: true, Priority: wire.Normal}, nil)
		s.flows("")
		e := s.enrolled("shop-1", "till", "agent")
		show := func() (got api.ShownEndpoint) {
			s.call("GET", "/endpoints/"+e.ID, nil, &got)
			return got
		}
		if got := show(); got.Online || got.Name != "till" || got.Held == nil || len(got.Held) != 0 || got.Revocation != nil || got.Quarantine != nil {
			t.Errorf("offline it is shown as %+v", got)
		}
		s.join(e)
		_, id, err := content.SignHead(v.head, v.key)
		s.must(err)
		s.hub.Site("shop-1").Send(site.Heard{ID: wire.EndpointID(e.ID), Conn: nobody{}, Body: &wire.Progress{Flow: id, Body: true, Have: []wire.Bits{{Bits: []byte{1}}}, Complete: true}})
		synctest.Wait()
		want := []api.HeldVersion{{Content: "app", Version: "1", Bytes: v.head.Bytes}}
		if got := show(); !got.Online || got.Address != "203.0.113.1" || !slices.Equal(got.Held, want) {
			t.Errorf("online it is shown as %+v, want that it holds %+v", got, want)
		}
		s.call("POST", "/endpoints/"+e.ID+"/revocation", api.NewRevocation{Reason: "stolen"}, nil)
		if got := show(); got.Revocation == nil || got.Revocation.Reason != "stolen" {
			t.Errorf("revoked it is shown as %+v", got)
		}
		wantProblem(t, s.as(catalog.RoleViewer, http.MethodGet, "/api/v1/endpoints/nobody", nil), http.StatusNotFound, "not_found")
		wantProblem(t, s.with(s.scoped(catalog.RoleViewer, "shop-2"), http.MethodGet, "/api/v1/endpoints/"+e.ID, nil), http.StatusNotFound, "not_found")
		if w := s.with(s.scoped(catalog.RoleViewer, "shop-1"), http.MethodGet, "/api/v1/endpoints/"+e.ID, nil); w.Code != http.StatusOK {
			t.Errorf("who may see its site is answered %d %s", w.Code, w.Body)
		}
	})
}

func TestAnEndpointInQuarantineIsShownWithWhatWouldSettleIt(t *testing.T) {
	s, _ := onMap(t, lost("laptop", "10.9.0.0/24"))
	s.device("a", "laptop", "laptop")
	var got api.ShownEndpoint
	s.call("GET", "/endpoints/laptop", nil, &got)
	q := got.Quarantine
	if !got.Quarantined || q == nil || q.Reason != evidence.Unknown || len(q.Networks) != 1 || q.Networks[0] != "10.9.0.0/24" || len(q.Settle) == 0 || q.Endpoints != 1 {
		t.Errorf("shown as %+v, in quarantine %+v", got, q)
	}
	for path, want := range map[string]string{
		"/endpoints?standing=quarantined": "laptop", "/endpoints?standing=revoked": "", "/endpoints?standing=quarantined&online=true": "laptop",
	} {
		s.wantList(path, follow(s, path, endpointName), want)
	}
}

func TestEndpointsAreListedByWhatIsWrong(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stand) {
		s.join(s.enrolled("shop-1", "a-till", "agent"))
		thief := s.enrolled("shop-1", "b-till", "agent")
		s.call("POST", "/endpoints/"+thief.ID+"/revocation", api.NewRevocation{Reason: "stolen"}, nil)
		kiosk := s.enrolled("shop-2", "c-kiosk", "kiosk")
		m := site.Member{ID: wire.EndpointID(kiosk.ID), Hello: wire.Hello{Version: 1, Software: "sitecast 0.9.1 linux/arm64", Name: "c-kiosk", Device: wire.DeviceKiosk}}
		s.hub.Site("shop-2").Send(site.Joined{Member: m, Conn: nobody{}})
		s.hub.Site("shop-2").Send(site.Heard{ID: m.ID, Conn: nobody{}, Body: &wire.Stock{Activation: &wire.Activation{Content: "menu", Version: "1", State: "rolled_back", Staged: "2"}}})
		synctest.Wait()
		for path, want := range map[string]string{
			"/endpoints?standing=revoked":                "b-till",
			"/endpoints?standing=revoked&online=true":    "",
			"/endpoints?standing=unhealthy":              "c-kiosk",
			"/endpoints?standing=unhealthy&online=true":  "c-kiosk",
			"/endpoints?standing=reported":               "",
			"/endpoints?standing=restrained":             "",
			"/endpoints?version=0.9":                     "c-kiosk",
			"/endpoints?version=LINUX":                   "c-kiosk",
			"/endpoints?version=1.0":                     "",
			"/endpoints?version=0.9&standing=unhealthy":  "c-kiosk",
			"/endpoints?standing=revoked&site=shop-2":    "",
			"/endpoints?standing=revoked&limit=1":        "b-till|",
			"/endpoints?standing=revoked&text=till":      "b-till",
			"/endpoints?standing=unhealthy&kind=kiosk":   "c-kiosk",
			"/endpoints?standing=unhealthy&online=false": "",
		} {
			s.wantList(path, follow(s, path, endpointName), want)
		}
		wantProblem(t, s.as(catalog.RoleViewer, "GET", "/api/v1/endpoints?standing=fine", nil), http.StatusUnprocessableEntity, "invalid")
	})
}

func TestOneRuleIsEndedAmongMany(t *testing.T) {
	s := newStand(t)
	for _, name := range []string{"shop-a", "shop-b"} {
		s.call("POST", "/sites", api.NewSite{Name: name}, nil)
	}
	set := func(site string) uint64 {
		var made api.Change
		s.call("POST", "/rules", api.NewRule{Kind: catalog.RulePause, Site: site}, &made)
		return made.Generation
	}
	everywhere, here := set(""), set("shop-a")
	token := s.scoped(catalog.RoleOperator, "shop-a")
	end := func(site string, generation uint64) *http.Response {
		return s.with(token, "POST", "/api/v1/rules/end", api.EndedRule{Site: site, Generation: generation}).Result()
	}
	if got := end("", everywhere).StatusCode; got != http.StatusForbidden {
		t.Errorf("who is held to a site ends a rule of all: %d", got)
	}
	if got := end("shop-a", everywhere).StatusCode; got != http.StatusNotFound {
		t.Errorf("who says that a rule is of their site ends one of all: %d", got)
	}
	if got := end("shop-a", here).StatusCode; got != http.StatusOK {
		t.Errorf("a rule of the own site is answered %d", got)
	}
	var rules []api.RuleView
	if s.call("GET", "/rules", nil, &rules); len(rules) != 1 || rules[0].Generation != everywhere {
		t.Errorf("left are %+v, want the pause everywhere", rules)
	}
	var purge api.Change
	s.published("app", "1")
	s.call("POST", "/rules", api.NewRule{Kind: catalog.RulePurge, Content: "app"}, &purge)
	wantProblem(t, s.as(catalog.RoleOperator, "POST", "/api/v1/rules/end", api.EndedRule{Generation: purge.Generation}), http.StatusConflict, "conflict")
}

func TestASitesZoneIsPutRight(t *testing.T) {
	s := newStand(t)
	s.call("POST", "/sites", api.NewSite{Name: "shop", TZ: "Europe/Paris"}, nil)
	for _, tz := range []string{"America/New_York", ""} {
		var got catalog.Site
		if s.call("PATCH", "/sites/shop", api.SiteChange{TZ: &tz}, &got); got.TZ != tz {
			t.Errorf("zone %q, want %q", got.TZ, tz)
		}
	}
	nowhere := "Mars/Olympus"
	p := wantProblem(t, s.as(catalog.RoleOperator, "PATCH", "/api/v1/sites/shop", api.SiteChange{TZ: &nowhere}), http.StatusUnprocessableEntity, "invalid")
	if !strings.Contains(p.Detail, nowhere) {
		t.Errorf("it is refused with %q", p.Detail)
	}
}
