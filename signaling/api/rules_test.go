package api_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// obedient is an endpoint that says to obey whatever it is told.
type obedient struct {
	at *site.Site
	id wire.EndpointID
}

func (o obedient) Send(kind wire.Kind, body any) bool {
	if f, ok := body.(wire.Flows); ok && kind == wire.KindFlows {
		go o.at.Send(site.Heard{ID: o.id, Conn: o, Body: &wire.Obeyed{Generation: f.Generation}})
	}
	return true
}

func (obedient) Close(string, string) {}

func (s *stand) obey(name string) {
	o := obedient{s.hub.Site(name), wire.EndpointID(strings.Repeat("a", 32))}
	o.at.Send(site.Joined{Conn: o, Member: site.Member{ID: o.id, Hello: wire.Hello{Version: 1, Name: "till", Device: wire.DeviceAgent}}})
	synctest.Wait()
}

func TestARuleSaysWhatBecameOfItAndEndsByItself(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stand) {
		s.published("app", "1")
		s.call("POST", "/distributions", api.NewDistribution{Name: "app", Version: "1", All: true, Priority: wire.Normal}, nil)
		s.flows("")
		s.obey("shop-1")
		var set api.Change
		s.call("POST", "/rules", api.NewRule{Kind: catalog.RulePause, Seconds: 7200, Reason: "stocktaking"}, &set)
		synctest.Wait()
		rules := func() (all []api.RuleView) {
			s.call("GET", "/rules", nil, &all)
			return all
		}
		got := rules()
		if len(got) != 1 || got[0].Reason != "stocktaking" || got[0].Effect == nil {
			t.Fatalf("rules are %+v, want the pause with its effect", got)
		}
		if e := got[0].Effect; e.Sites != 1 || e.Endpoints != 1 || e.Confirmed != 1 || e.Pending != 0 || e.LastByte == nil || e.LastByte.Max > 1000 {
			t.Errorf("the effect is %+v, want one endpoint that obeys at once", e)
		}
		if f := s.flows("?site=shop-1")[0]; f.State != site.StatePaused || !strings.HasSuffix(f.PausedBy, ": stocktaking") || f.PausedUntil.IsZero() {
			t.Errorf("the flow is %+v, want until when and why", f)
		}
		time.Sleep(2*time.Hour - time.Second)
		if f := s.flows("?site=shop-1")[0]; f.State != site.StatePaused {
			t.Errorf("it is %s a second before the pause ends", f.State)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if f := s.flows("?site=shop-1")[0]; f.State == site.StatePaused {
			t.Errorf("it is paused after the pause has ended")
		}
		if got := rules(); len(got) != 0 {
			t.Errorf("rules are %+v, want none that has ended", got)
		}
		s.call("POST", "/rules", api.NewRule{Kind: catalog.RulePriority, Site: "shop-1", Priority: wire.High}, nil)
		synctest.Wait()
		s.wantFlows("?site=shop-1", "shop-1 app@1 running high")
		if e := rules()[0].Effect; e == nil || e.Confirmation == nil || e.LastByte != nil {
			t.Errorf("the effect of a priority is %+v, want when it was confirmed", e)
		}
	})
}

func TestCapsAreSetListedAndEnded(t *testing.T) {
	s := newStand(t)
	s.call("POST", "/sites", api.NewSite{Name: "shop-1"}, nil)
	limit := int64(62_500)
	s.call("POST", "/rules", api.NewRule{Kind: catalog.RuleCap, Cap: &limit}, nil)
	s.call("POST", "/rules", api.NewRule{Kind: catalog.RuleCap, Cap: &limit, Site: "shop-1", Content: "app"}, nil)
	var rules []api.RuleView
	s.call("GET", "/rules?kind=cap", nil, &rules)
	if len(rules) != 2 || rules[0].Cap != limit {
		t.Errorf("caps are %+v", rules)
	}
	var ended api.Change
	s.call("POST", "/rules/uncap", api.EndedRules{Site: "shop-1"}, &ended)
	if ended.Removed != 1 {
		t.Errorf("ended %d caps within the site, want 1", ended.Removed)
	}
	s.call("POST", "/rules/uncap", api.EndedRules{}, &ended)
	if ended.Removed != 1 {
		t.Errorf("ended %d caps in all, want 1", ended.Removed)
	}
	for name, r := range map[string]api.NewRule{
		"a cap without a rate":  {Kind: catalog.RuleCap, Site: "shop-1"},
		"a pause with a rate":   {Kind: catalog.RulePause, Cap: &limit},
		"two ends":              {Kind: catalog.RulePause, Seconds: 5, Expires: time.Now().Add(time.Hour)},
		"an end in the past":    {Kind: catalog.RulePause, Expires: time.Now().Add(-time.Hour)},
		"two lines of a reason": {Kind: catalog.RulePause, Reason: "a\nb"},
	} {
		if w := s.as(catalog.RoleOperator, "POST", "/api/v1/rules", r); w.Code != http.StatusBadRequest && w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: answered %d %s", name, w.Code, w.Body)
		}
	}
}
