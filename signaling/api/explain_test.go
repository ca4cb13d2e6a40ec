package api_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/reason"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// newTill enrols a device at shop-1.
func (s *stand) newTill(name string) device {
	s.t.Helper()
	var made api.MadeEnrolment
	s.call("POST", "/enrolments", api.NewEnrolment{Site: "shop-1", Uses: 1, TTLSeconds: 60}, &made)
	token, err := wire.ParseEnrolToken(made.Token)
	s.must(err)
	d := newDevice()
	request := d.request(token)
	request.Name = name
	s.call("POST", "/enrol", request, nil)
	return d
}

func TestFlowsSayWhyTheyStandAsTheyDo(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stand) {
		s.published("app", "1")
		s.call("POST", "/distributions", api.NewDistribution{Name: "app", Version: "1", Sites: []string{"shop-1"}, Priority: wire.Normal}, nil)
		synctest.Wait()
		if got := s.flows("")[0].Why; got.Code != reason.NoEndpointOnline || got.Kind != reason.Stopped || got.Text == "" || got.Since.IsZero() {
			t.Errorf("the list says %+v, want that nobody is online, since when, and what to do", got)
		}
		s.call("POST", "/rules", api.NewRule{Kind: catalog.RulePause, Site: "shop-1", Content: "app"}, nil)
		synctest.Wait()
		var story reason.FlowStory
		s.call("GET", "/flows/explain?site=shop-1&content=app", nil, &story)
		if story.Why.Code != reason.Paused || !strings.Contains(story.Why.Text, "paused app at shop-1") || len(story.History) != 2 || story.History[0].Code != reason.NoEndpointOnline || story.Version != "1" {
			t.Errorf("the story is %+v, want that it was paused after nobody was online", story)
		}
		ask := func(query string) string { return "/api/v1/flows/explain?" + query }
		for query, want := range map[string]struct {
			status int
			code   string
		}{
			"site=shop-1&content=film":              {http.StatusNotFound, "not_found"},
			"site=shop-1&content=app&version=2":     {http.StatusNotFound, "not_found"},
			"site=shop-1&content=app&endpoint=till": {http.StatusNotFound, "not_found"},
			"site=shop-9&content=app":               {http.StatusNotFound, "not_found"},
			"site=shop-1":                           {http.StatusUnprocessableEntity, "invalid"},
			"content=app":                           {http.StatusUnprocessableEntity, "invalid"},
		} {
			wantProblem(t, s.as(catalog.RoleViewer, http.MethodGet, ask(query), nil), want.status, want.code)
		}
	})
}

func TestAnEndpointSaysWhereItIs(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stand) {
		d := s.newTill("till-1")
		ask := "/endpoints/explain?endpoint=" + string(d.id)
		var story reason.EndpointStory
		s.call("GET", ask, nil, &story)
		if story.Why.Code != reason.Offline || story.Name != "till-1" || story.Site != "shop-1" || story.Why.Since.IsZero() {
			t.Errorf("the story is %+v, want that it is offline", story)
		}
		s.call("POST", "/endpoints/"+string(d.id)+"/revocation", api.NewRevocation{Reason: "disk stolen"}, nil)
		s.call("GET", ask, nil, &story)
		if story.Why.Code != reason.Revoked || story.Why.Text != "revoked: disk stolen" {
			t.Errorf("the story is %+v, want that it was revoked", story)
		}
		// Who may see other sites only learns nothing of it, not even that it is there.
		for _, path := range []string{ask, "/endpoints/explain?endpoint=nobody"} {
			wantProblem(t, s.with(s.scoped(viewer, "shop-2"), http.MethodGet, "/api/v1"+path, nil), http.StatusNotFound, "not_found")
		}
		if w := s.with(s.scoped(viewer, "shop-1"), http.MethodGet, "/api/v1"+ask, nil); w.Code != http.StatusOK {
			t.Errorf("who may see its site got %d %s", w.Code, w.Body)
		}
	})
}
