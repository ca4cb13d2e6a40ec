package api_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// inBubble runs a test of flows in fake time, in which the loops of sites are
// known to have heard everything.
func inBubble(t *testing.T, test func(t *testing.T, s *stand)) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		for _, name := range []string{"shop-1", "shop-2"} {
			s.call("POST", "/sites", api.NewSite{Name: name}, nil)
		}
		test(t, s)
	})
}

// flows lists flows, once the sites have heard of every change.
func (s *stand) flows(query string) []site.FlowView {
	s.t.Helper()
	var out []site.FlowView
	s.call("GET", "/flows"+query, nil, &out) // starts the loops
	synctest.Wait()
	s.call("GET", "/flows"+query, nil, &out)
	return out
}

// wantFlows checks flows written as "site content@version state priority".
func (s *stand) wantFlows(query string, want ...string) {
	s.t.Helper()
	got := []string{}
	for _, f := range s.flows(query) {
		got = append(got, strings.Join([]string{f.Site, f.Content + "@" + f.Version, f.State, string(f.Priority)}, " "))
	}
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		s.t.Errorf("flows%s = %q, want %q", query, got, want)
	}
}

func TestFlowsAreListedBySiteAndContent(t *testing.T) {
	inBubble(t, func(_ *testing.T, s *stand) {
		s.wantFlows("")
		s.published("app", "1")
		s.published("film", "1")
		s.call("POST", "/distributions", map[string]any{"name": "app", "version": "1", "all": true}, nil)
		s.call("POST", "/distributions", api.NewDistribution{Name: "film", Version: "1", Sites: []string{"shop-2"}, Priority: wire.Low}, nil)
		s.wantFlows("", "shop-1 app@1 waiting normal", "shop-2 app@1 waiting normal", "shop-2 film@1 waiting low")
		s.wantFlows("?site=shop-2", "shop-2 app@1 waiting normal", "shop-2 film@1 waiting low")
		s.wantFlows("?content=film", "shop-2 film@1 waiting low")
		s.wantFlows("?site=shop-1&content=film")
	})
}

func TestANewerVersionSupersedesTheOlder(t *testing.T) {
	inBubble(t, func(_ *testing.T, s *stand) {
		s.published("app", "1")
		s.published("app", "2")
		for _, v := range []string{"2", "1"} {
			s.call("POST", "/distributions", api.NewDistribution{Name: "app", Version: v, All: true, Priority: wire.Normal}, nil)
		}
		s.wantFlows("?site=shop-1", "shop-1 app@2 waiting normal")
	})
}

func TestASiteNamedTwiceIsOrderedOnce(t *testing.T) {
	inBubble(t, func(_ *testing.T, s *stand) {
		s.published("app", "1")
		s.call("POST", "/distributions", api.NewDistribution{Name: "app", Version: "1", Sites: []string{"shop-2", "shop-1", "shop-2"},
			Priority: wire.Normal}, nil)
		s.wantFlows("", "shop-1 app@1 waiting normal", "shop-2 app@1 waiting normal")
	})
}

func TestPauseHoldsForWhatMatchesAlsoLaterUntilItIsResumed(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stand) {
		s.published("app", "1")
		s.call("POST", "/distributions", api.NewDistribution{Name: "app", Version: "1", All: true, Priority: wire.Normal}, nil)
		var set, again api.Change
		s.call("POST", "/rules", api.NewRule{Kind: catalog.RulePause, Site: "shop-1"}, &set)
		s.wantFlows("", "shop-1 app@1 paused normal", "shop-2 app@1 waiting normal")
		if by := s.flows("?site=shop-1")[0].PausedBy; by != "the admin paused everything at shop-1" {
			t.Errorf("paused by %q", by)
		}
		s.published("film", "1")
		s.call("POST", "/distributions", api.NewDistribution{Name: "film", Version: "1", All: true, Priority: wire.Normal}, nil)
		s.wantFlows("?site=shop-1", "shop-1 app@1 paused normal", "shop-1 film@1 paused normal")

		// The same rule again is a new generation and still one rule.
		s.call("POST", "/rules", api.NewRule{Kind: catalog.RulePause, Site: "shop-1"}, &again)
		if again.Generation <= set.Generation {
			t.Errorf("generation %d after %d, want a higher", again.Generation, set.Generation)
		}
		var ended api.Change
		s.call("POST", "/rules/resume", api.EndedRules{Site: "shop-1", Content: "film"}, &ended)
		if ended.Removed != 0 {
			t.Errorf("resuming one flow of a paused site ended %d rules, want none", ended.Removed)
		}
		s.wantFlows("?site=shop-1", "shop-1 app@1 paused normal", "shop-1 film@1 paused normal")
		s.call("POST", "/rules/resume", api.EndedRules{Site: "shop-1"}, &ended)
		if ended.Removed != 1 {
			t.Errorf("resuming the site ended %d rules, want 1", ended.Removed)
		}
		s.wantFlows("?site=shop-1", "shop-1 app@1 waiting normal", "shop-1 film@1 waiting normal")
	})
}

func TestResumingASiteEndsTheNarrowerRulesAndNoOthers(t *testing.T) {
	s := newStand(t)
	for _, name := range []string{"shop-1", "shop-2"} {
		s.call("POST", "/sites", api.NewSite{Name: name}, nil)
	}
	s.published("app", "1")
	for _, r := range []api.NewRule{
		{Site: "shop-1"}, {Site: "shop-1", Content: "app"}, {Site: "shop-1", Content: "app", Version: "1"},
		{Site: "shop-2"}, {Content: "app"}, {},
	} {
		r.Kind = catalog.RulePause
		s.call("POST", "/rules", r, nil)
	}
	s.call("POST", "/rules", api.NewRule{Kind: catalog.RulePriority, Site: "shop-1", Content: "app", Priority: wire.High}, nil)
	var ended api.Change
	s.call("POST", "/rules/resume", api.EndedRules{Site: "shop-1"}, &ended)
	var rules []catalog.Rule
	s.call("GET", "/rules", nil, &rules)
	left := []string{}
	for _, r := range rules {
		left = append(left, r.Kind+" "+r.Selector.String())
	}
	want := "pause everything at shop-2; pause app everywhere; pause everything everywhere; priority app at shop-1"
	if got := strings.Join(left, "; "); got != want || ended.Removed != 3 {
		t.Errorf("ended %d rules and left %q, want 3 and %q", ended.Removed, got, want)
	}
}

func TestPriorityRulesWinOverTheDistributionAndTheNewestWins(t *testing.T) {
	inBubble(t, func(_ *testing.T, s *stand) {
		s.published("app", "1")
		s.call("POST", "/distributions", api.NewDistribution{Name: "app", Version: "1", All: true, Priority: wire.Low}, nil)
		s.call("POST", "/rules", api.NewRule{Kind: catalog.RulePriority, Content: "app", Version: "1", Site: "shop-1", Priority: wire.High}, nil)
		s.wantFlows("", "shop-1 app@1 waiting high", "shop-2 app@1 waiting low")
		s.call("POST", "/rules", api.NewRule{Kind: catalog.RulePriority, Content: "app", Priority: wire.Normal}, nil)
		s.wantFlows("", "shop-1 app@1 waiting normal", "shop-2 app@1 waiting normal")
	})
}

func TestEveryChangeIsInTheAuditLogWithItsAuthor(t *testing.T) {
	s := newStand(t)
	s.call("POST", "/sites", api.NewSite{Name: "shop-1"}, nil)
	if w := s.as(catalog.RoleOperator, "POST", "/api/v1/rules", api.NewRule{Kind: catalog.RulePause, Site: "shop-1"}); w.Code != http.StatusOK {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	entries := audit(s)
	if e := entries[0]; e.By != "the operator" || e.Action != "pause" || e.Target != "everything at shop-1" {
		t.Errorf("newest entry %+v, want the operator's pause", e)
	}
	if e := entries[1]; e.By != "the admin" || e.Action != "create site" || e.Target != "shop-1" {
		t.Errorf("entry before it %+v, want the admin's site", e)
	}
	var page []catalog.Entry
	s.call("GET", "/audit?limit=1", nil, &page)
	if len(page) != 1 || page[0].ID != entries[0].ID {
		t.Errorf("first page %+v, want entry %d alone", page, entries[0].ID)
	}
}
