package api_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestAnEndpointRoamsAndIsFixedAgain(t *testing.T) {
	s, places := onMap(t)
	s.device("a", "e1", "laptop")
	for _, on := range []bool{true, true, false} { // the second changes nothing
		var got api.RegisteredEndpoint
		s.call("PATCH", "/endpoints/e1", api.EndpointChange{Roaming: &on}, &got)
		if e, err := s.catalog.Endpoint(t.Context(), "e1"); e.Roaming != on || got.Roaming != on || got.Site != "a" || err != nil {
			t.Errorf("got %+v, and the catalog has %+v (%v), want roaming %v", got, e, err, on)
		}
	}
	if want := []wire.EndpointID{"e1", "e1"}; !slices.Equal(places.anew, want) {
		t.Errorf("placed anew: %v, want %v", places.anew, want)
	}
	w := s.asking("PATCH", "/endpoints/nobody", api.EndpointChange{})
	wantProblem(t, w, http.StatusNotFound, "not_found")
}
