package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// What is blocked everywhere is ordered nowhere, however it is said where.
func TestWhatIsBlockedEverywhereIsNotOrdered(t *testing.T) {
	s := newStand(t)
	newTags(s)
	var first api.Change
	s.call("POST", "/distributions", api.NewDistribution{Name: "app", Version: "1", Sites: []string{"shop-1"}, Priority: wire.Normal}, &first)
	s.call("POST", "/blocks", api.NewBlock{Content: "app", Version: "1"}, nil)
	for what, change := range map[string]func(*api.NewDistribution){
		"to all":    func(d *api.NewDistribution) { d.All = true },
		"to a site": func(d *api.NewDistribution) { d.Sites = []string{"shop-1"} },
		"to query":  func(d *api.NewDistribution) { d.Target = "tag:emea" },
		"back":      func(d *api.NewDistribution) { d.Replaces = first.Distribution },
	} {
		in := api.NewDistribution{Name: "app", Version: "1", Priority: wire.Normal}
		change(&in)
		t.Run(what, func(t *testing.T) {
			wantProblem(t, s.as(catalog.RoleOperator, "POST", "/api/v1/distributions", in), http.StatusConflict, "blocked")
		})
	}
}

// Who may see some sites learns of a block that stands everywhere how it is obeyed there.
func TestABlockIsCountedAtOwnSites(t *testing.T) {
	s := newStand(t)
	newTags(s)
	for name, site := range map[string]string{"a": "shop-1", "b": "shop-2", "c": "shop-2"} {
		s.enrolled(site, name, wire.DeviceKiosk)
	}
	s.call("POST", "/blocks", api.NewBlock{Content: "app"}, nil)
	for token, want := range map[string]int{s.scoped(viewer, "shop-1"): 1, s.scoped(viewer): 3} {
		var got []api.BlockView
		w := s.with(token, "GET", "/api/v1/blocks", nil)
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got) != 1 || got[0].Offline != want {
			t.Errorf("answered %d %s, want %d offline", w.Code, w.Body, want)
		}
	}
}

// Pages are counted like everybody who is online: they say when nothing of it is left.
func TestPagesCountAmongThoseThatObeyABlock(t *testing.T) {
	online := []site.EndpointView{
		{ID: "a", Site: "shop-1", Kind: wire.DeviceBrowser, Obeyed: 7}, {ID: "b", Site: "shop-1", Kind: wire.DeviceBrowser, Obeyed: 6},
		{ID: "c", Site: "shop-1", Kind: wire.DeviceKiosk, Obeyed: 8}, {ID: "d", Site: "shop-2", Kind: wire.DeviceBrowser, Obeyed: 7},
	}
	rule := catalog.Rule{Kind: catalog.RuleBlock, Generation: 7, Selector: catalog.Selector{Site: "shop-1", Name: "app"}}
	if v := api.CountObeyed(api.Actor{}, rule, online, nil); v.Gone != 2 || v.Holding != 1 {
		t.Errorf("got %d that obey and %d that do not, want a page and a kiosk, and a page", v.Gone, v.Holding)
	}
}
