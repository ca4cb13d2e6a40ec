package operator_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/reason"
)

func TestAFlowIsExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.end()
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-1"})
		s.published("app", "1")
		s.run(operator.Distribute{Remote: s.remote, Ref: "app@1", Site: []string{"shop-1"}, Priority: "normal"})
		s.wantFlows("shop-1 app@1 waiting normal")
		got := s.run(operator.Explain{Remote: s.remote, Flow: "app", Site: "shop-1"})
		for _, want := range []string{"app@1 at shop-1: no endpoint of the site is online\n  no_endpoint_online, since ", "  do: see that its endpoints are on", "+0.0 s  no_endpoint_online  no endpoint"} {
			if !strings.Contains(got, want) {
				t.Errorf("explain printed %q, which lacks %q", got, want)
			}
		}
		story := decode[reason.FlowStory](t, s.run(operator.Explain{Remote: s.remote, Flow: "app@1", Site: "shop-1", JSON: true}))
		if story.Why.Code != reason.NoEndpointOnline || len(story.History) != 1 {
			t.Errorf("as JSON it is %+v", story)
		}
	})
}

func TestAnEndpointIsExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/explain") {
				_, _ = w.Write([]byte(`[{"id":"abcdefgh","name":"till-1"}]`))
				return
			}
			if r.URL.Query().Get("endpoint") != "abcdefgh" {
				t.Errorf("asked for %s", r.URL)
			}
			_, _ = w.Write([]byte(`{"endpoint":"abcdefgh","name":"till-1","site":"shop-2","enrolled":"shop-1","evidence":"its network 10.2.0.0/16",
				"why":{"code":"online","kind":"moving","text":"online at shop-2","since":"2000-01-01T00:00:00Z"},
				"flows":[{"endpoint":"abcdefgh","name":"till-1","flow":"app@1","why":{"code":"battery_low","kind":"waiting","text":"its battery is low\u001b[2J","since":"2000-01-01T00:00:00Z","do":"plug it in"},
				"source":{"code":"from_peers","text":"from peers","kind":"moving","since":"2000-01-01T00:00:00Z"},
				"history":[{"at":"2000-01-01T00:00:00Z","code":"battery_low","kind":"waiting","text":"its battery is low"}]}]}`))
		})
		defer s.end()
		got := s.run(operator.Explain{Remote: s.remote, Endpoint: "till-1"})
		for _, want := range []string{"till-1: online at shop-2\n", "it enrolled at shop-1, and is at shop-2, because its network 10.2.0.0/16\n", "app@1: its battery is low?[2J\n", "  do: plug it in\n", "  last source: from peers\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("explain printed %q, which lacks %q", got, want)
			}
		}
		if got := s.run(operator.Explain{Remote: s.remote, Endpoint: "till-1", Endpoints: true}); !strings.Contains(got, "+0.0 s  battery_low  its battery") {
			t.Errorf("with histories it printed %q", got)
		}
	})
}

func TestExplainWantsToKnowWhat(t *testing.T) {
	for _, c := range []operator.Explain{{}, {Site: "shop"}, {Flow: "app"}, {Flow: "a b", Site: "shop"}, {Flow: "app@", Site: "shop"}} {
		if c.Validate() == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
	for _, c := range []operator.Explain{{Flow: "app", Site: "shop"}, {Flow: "app@1", Site: "shop", Endpoint: "till"}, {Endpoint: "till"}} {
		if err := c.Validate(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
