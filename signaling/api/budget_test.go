package api_test

import (
	"net/http"
	"testing"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
)

func TestABudgetIsForAllSitesTogether(t *testing.T) {
	s := newStand(t)
	newTags(s)
	rate, none := int64(1_000_000), int64(0)
	for what, in := range map[string]api.NewRule{
		"of a site":       {Kind: catalog.RuleBudget, Site: "shop-1", Cap: &rate},
		"of a content":    {Kind: catalog.RuleBudget, Content: "app", Cap: &rate},
		"of nothing":      {Kind: catalog.RuleBudget, Cap: &none},
		"without a bound": {Kind: catalog.RuleBudget},
	} {
		t.Run(what, func(t *testing.T) {
			wantProblem(t, s.as(operator, "POST", "/api/v1/rules", in), http.StatusUnprocessableEntity, "invalid")
		})
	}
	together := func() int64 {
		t.Helper()
		o, err := s.catalog.Orders(t.Context(), "shop-1")
		if err != nil {
			t.Fatal(err)
		}
		return o.Together()
	}
	s.call("POST", "/rules", api.NewRule{Kind: catalog.RuleBudget, Cap: &rate}, nil)
	s.call("POST", "/rules", api.NewRule{Kind: catalog.RuleCap, Cap: &rate}, nil)
	if got := together(); got != rate {
		t.Errorf("all sites together may take %d, want %d", got, rate)
	}
	wantProblem(t, s.as(operator, "POST", "/api/v1/rules/uncap", api.EndedRules{Together: true, Site: "shop-1"}), http.StatusUnprocessableEntity, "invalid")
	s.call("POST", "/rules/uncap", api.EndedRules{}, nil) // of each site
	if got := together(); got != rate {
		t.Errorf("once caps were ended it is %d", got)
	}
	var out api.Change
	s.call("POST", "/rules/uncap", api.EndedRules{Together: true}, &out)
	if got := together(); got != 0 || out.Removed != 1 {
		t.Errorf("once it was ended it is %d, and %d were", got, out.Removed)
	}
}
