package api_test

import (
	"net/http"
	"testing"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

func TestASwarmIsShownWhereNobodyIs(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stand) {
		var v site.SwarmView
		s.call("GET", "/sites/shop-1/swarm", nil, &v)
		if v.Site != "shop-1" || v.Endpoints == nil || v.Links == nil || v.Lines == nil {
			t.Errorf("%+v, want empty lists", v)
		}
		wantProblem(t, s.as(catalog.RoleViewer, http.MethodGet, "/api/v1/sites/nowhere/swarm", nil), http.StatusNotFound, "not_found")
	})
}

func TestChunksAreOfAFlowOfTheSite(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stand) {
		s.published("app", "1")
		s.call("POST", "/distributions", api.NewDistribution{Name: "app", Version: "1", All: true, Priority: wire.Normal}, nil)
		s.flows("") // the loop has heard of it
		var m site.ChunkMap
		s.call("GET", "/sites/shop-1/chunks?content=app", nil, &m)
		if m.Version != "1" || m.Chunks == 0 || m.Buckets == 0 || m.Endpoints == nil {
			t.Errorf("%+v, want the chunks of app@1", m)
		}
		ask := func(query string, status int, code string) {
			t.Helper()
			wantProblem(t, s.as(catalog.RoleViewer, http.MethodGet, "/api/v1/sites/shop-1/chunks"+query, nil), status, code)
		}
		ask("?content=other", http.StatusNotFound, "not_found")
		ask("?content=app&version=2", http.StatusNotFound, "not_found")
		ask("", http.StatusUnprocessableEntity, "invalid")
	})
}
