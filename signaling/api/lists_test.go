package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/catalogtest"
)

var link = regexp.MustCompile(`^<(/api/v1/[^>]*)>; rel="next"$`)

// follow reads a list to its end and returns one word for each row, pages divided by "|".
func follow[T any](s *stand, path string, word func(T) string) string {
	s.t.Helper()
	var pages []string
	for at := "/api/v1" + path; ; {
		w := s.as(catalog.RoleViewer, "GET", at, nil)
		var rows []T
		if err := json.Unmarshal(w.Body.Bytes(), &rows); err != nil || w.Code != http.StatusOK {
			s.t.Fatalf("%s answered %d %s", at, w.Code, w.Body)
		}
		words := make([]string, len(rows))
		for i, row := range rows {
			words[i] = word(row)
		}
		pages = append(pages, strings.Join(words, " "))
		next := link.FindStringSubmatch(w.Header().Get("Link"))
		if next == nil {
			return strings.Join(pages, "|")
		}
		if at = next[1]; len(pages) > 20 {
			s.t.Fatalf("the list has no end: %q", pages)
		}
	}
}

func siteName(v catalog.Site) string          { return v.Name }
func flowName(v site.FlowView) string         { return v.Site + "/" + v.Content + "@" + v.Version }
func endpointName(v site.EndpointView) string { return v.Name }
func contentName(v api.ContentView) string {
	return fmt.Sprintf("%s:%d:%s", v.Name, v.Versions, v.Newest.Version)
}
func versionName(v api.VersionView) string { return v.Version }
func orderName(v catalog.Listed) string {
	return fmt.Sprintf("%s@%s:%d", v.Name, v.Version, v.SiteCount)
}
func entryName(v catalog.Entry) string { return strings.ReplaceAll(v.Action, " ", "-") }
func ruleName(v catalog.Rule) string   { return v.Kind + ":" + v.Site + v.Name }
func (s *stand) wantList(path, got, want string) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("%s lists %q, want %q", path, got, want)
	}
}

func TestListsGoOnWhereTheirLinkSays(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stand) {
		s.call("POST", "/sites", api.NewSite{Name: "depot"}, nil)
		for _, v := range []string{"1", "2"} {
			s.published("app", v)
		}
		s.published("film", "1")
		for _, d := range []api.NewDistribution{{Name: "app", Version: "1", Sites: []string{"shop-1", "shop-2"}}, {Name: "film", Version: "1", All: true},
			{Name: "app", Version: "2", Sites: []string{"shop-1"}}} {
			d.Priority = wire.Normal
			s.call("POST", "/distributions", d, nil)
		}
		for _, r := range []api.NewRule{{Kind: "pause", Site: "shop-2"}, {Kind: "pin", Content: "film"}, {Kind: "pause", Site: "depot"}} {
			s.call("POST", "/rules", r, nil)
		}
		synctest.Wait()
		for path, want := range map[string]string{"/sites?limit=2": "depot shop-1|shop-2", "/sites?prefix=shop&limit=1": "shop-1|shop-2|", "/sites?prefix=x": ""} {
			s.wantList(path, follow(s, path, siteName), want)
		}
		for path, want := range map[string]string{
			"/flows":                        "depot/film@1 shop-1/app@2 shop-1/film@1 shop-2/app@1 shop-2/film@1",
			"/flows?limit=2":                "depot/film@1 shop-1/app@2|shop-1/film@1 shop-2/app@1|shop-2/film@1",
			"/flows?limit=1&site=shop-1":    "shop-1/app@2|shop-1/film@1",
			"/flows?content=app&limit=1":    "shop-1/app@2|shop-2/app@1",
			"/flows?state=paused&limit=2":   "depot/film@1 shop-2/app@1|shop-2/film@1",
			"/flows?state=complete":         "",
			"/flows?after=zz/app@1":         "",
			"/flows?after=shop-1/nothing@1": "shop-2/app@1 shop-2/film@1",
		} {
			s.wantList(path, follow(s, path, flowName), want)
		}
		for path, want := range map[string]string{"/contents": "app:2:2 film:1:1", "/contents?limit=1": "app:2:2|film:1:1|", "/contents?prefix=f": "film:1:1"} {
			s.wantList(path, follow(s, path, contentName), want)
		}
		s.wantList("/contents/app", follow(s, "/contents/app?limit=1", versionName), "2|1|")
		wantProblem(t, s.as(catalog.RoleViewer, "GET", "/api/v1/contents/nothing", nil), http.StatusNotFound, "not_found")
		for path, want := range map[string]string{"/distributions": "app@2:1 film@1:0 app@1:2", "/distributions?limit=2": "app@2:1 film@1:0|app@1:2",
			"/distributions?site=shop-2": "film@1:0 app@1:2", "/distributions?content=app&version=1": "app@1:2"} {
			s.wantList(path, follow(s, path, orderName), want)
		}
		var order catalog.Distribution
		s.call("GET", "/distributions/1", nil, &order)
		if !slices.Equal(order.Sites, []string{"shop-1", "shop-2"}) {
			s.t.Errorf("the first distribution is %+v", order)
		}
		for path, want := range map[string]string{"/rules?limit=2": "pause:shop-2 pin:film|pause:depot", "/rules?kind=pause&site=depot": "pause:depot"} {
			s.wantList(path, follow(s, path, ruleName), want)
		}
		for path, want := range map[string]string{"/audit?action=pause&limit=1": "pause|pause|", "/audit?text=DEPOT": "pause create-site",
			"/audit?by=the+admin&action=distribute": "distribute distribute distribute", "/audit?until=1999-12-31T00:00:00Z": ""} {
			s.wantList(path, follow(s, path, entryName), want)
		}
	})
}

// nobody is a session that takes everything.
type nobody struct{}

func (nobody) Send(wire.Kind, any) bool { return true }
func (nobody) Close(string, string)     {}

// enrolled makes an endpoint of a site; its id begins with the name.
func (s *stand) enrolled(at, name, device string) catalog.Endpoint {
	s.t.Helper()
	e := catalog.Endpoint{ID: (name + strings.Repeat("a", 32))[:32], Key: []byte(name), Name: name, Device: device}
	token := catalog.Enrolment{ID: name, Site: at, SecretHash: []byte("hash"), Uses: 1, Expires: time.Now().Add(time.Hour)}
	s.must(s.catalog.CreateEnrolment(s.t.Context(), "test", token))
	e, err := s.catalog.Enrol(s.t.Context(), token.ID, token.SecretHash, e, time.Now())
	s.must(err)
	return e
}

// join brings an endpoint online.
func (s *stand) join(e catalog.Endpoint) {
	s.t.Helper()
	m := site.Member{ID: wire.EndpointID(e.ID), Hello: wire.Hello{Version: wire.Version, Name: e.Name, Device: e.Device}, Address: "203.0.113.1"}
	if e.Device == wire.DeviceBrowser {
		m.Contents = []wire.Named{{Name: "app"}}
	}
	s.hub.Site(e.Site).Send(site.Joined{Member: m, Conn: nobody{}})
	synctest.Wait()
}

func TestEndpointsAreListedAsTheyAreLookedFor(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stand) {
		s.join(s.enrolled("shop-1", "b-till", "agent"))
		s.enrolled("shop-1", "d-kiosk", "kiosk")
		s.join(s.enrolled("shop-2", "c-till", "agent"))
		s.enrolled("shop-2", "e-till", "agent")
		s.join(catalog.Endpoint{ID: "bz" + strings.Repeat("b", 30), Name: "page", Device: wire.DeviceBrowser, Site: "shop-1"})
		for path, want := range map[string]string{
			"/endpoints":                        "b-till page c-till d-kiosk e-till",
			"/endpoints?limit=2":                "b-till page|c-till d-kiosk|e-till",
			"/endpoints?limit=1":                "b-till|page|c-till|d-kiosk|e-till|",
			"/endpoints?site=shop-1":            "b-till page d-kiosk",
			"/endpoints?online=true":            "b-till page c-till",
			"/endpoints?online=true&limit=2":    "b-till page|c-till",
			"/endpoints?online=false":           "d-kiosk e-till",
			"/endpoints?kind=kiosk":             "d-kiosk",
			"/endpoints?text=TILL":              "b-till c-till e-till",
			"/endpoints?text=kiosk&online=true": "",
			"/endpoints?holds=app":              "",
		} {
			s.wantList(path, follow(s, path, endpointName), want)
		}
		wantProblem(t, s.as(catalog.RoleViewer, "GET", "/api/v1/endpoints?holds=app&online=false", nil), http.StatusUnprocessableEntity, "invalid")
	})
}

func TestWhoJoinedIsListedAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stand) {
		e := s.enrolled("shop-1", "till", "agent")
		s.wantList("online", follow(s, "/endpoints?online=true", endpointName), "")
		s.hub.Site("shop-1").Send(site.Joined{Member: site.Member{ID: wire.EndpointID(e.ID), Hello: wire.Hello{Name: "till"}}, Conn: nobody{}})
		s.wantList("online", follow(s, "/endpoints?online=true", endpointName), "till")
	})
}

func TestTheOverviewCountsEverything(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stand) {
		s.published("app", "1")
		s.call("POST", "/distributions", map[string]any{"name": "app", "version": "1", "all": true}, nil)
		s.enrolled("shop-1", "till", "agent")
		s.flows("") // the loops run
		s.join(s.enrolled("shop-2", "kiosk", "kiosk"))
		time.Sleep(2 * board.Every)
		var got api.Overview
		s.call("GET", "/overview", nil, &got)
		if got.Sites != 2 || got.Endpoints != 2 || got.Online != 1 || got.Contents != 1 || got.Versions != 1 || got.Attention == nil ||
			got.States[site.StateWaiting] != 1 || got.States[site.StateRunning] != 1 || len(got.States) != 6 {
			t.Errorf("got %+v", got)
		}
	})
}

// TestNoTextInAQueryDoesHarm: it finds nothing, or is refused, and changes nothing.
func TestNoTextInAQueryDoesHarm(t *testing.T) {
	s := newStand(t)
	s.call("POST", "/sites", api.NewSite{Name: "shop-1"}, nil)
	s.published("app", "1")
	s.enrolled("shop-1", "till", "agent")
	before := len(audit(s))
	for _, text := range catalogtest.Hostile {
		q := url.QueryEscape(text)
		for _, path := range []string{"/sites?prefix=", "/sites?after=", "/flows?site=", "/flows?content=", "/flows?after=", "/flows?state=", "/endpoints?site=",
			"/endpoints?text=", "/endpoints?kind=", "/endpoints?holds=", "/endpoints?online=", "/endpoints?after=", "/lines?site=", "/lines?after=", "/contents?prefix=",
			"/contents?after=", "/contents/" + url.PathEscape(text) + "?limit=", "/distributions?content=", "/distributions?site=", "/distributions?before=",
			"/audit?by=", "/audit?action=", "/audit?text=", "/audit?since=", "/audit?before=", "/rules?site=", "/rules?after=", "/events?view=flows&site=", "/events?view="} {
			w := s.as(catalog.RoleAdmin, "GET", "/api/v1"+path+q, nil)
			if w.Code >= 500 || w.Code < 200 || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s%s answered %d %s", path, q, w.Code, w.Body)
			}
			if strings.Contains(w.Body.String(), "shop-1") && !strings.Contains(path, "after=") {
				t.Errorf("%s%s found %s", path, q, w.Body)
			}
		}
		for _, c := range []struct{ path, body string }{{"/sites", `{"name":%s}`}, {"/rules", `{"kind":"pause","site":%s}`}, {"/distributions", `{"name":"app","version":"1","sites":[%s]}`}} {
			quoted, err := json.Marshal(text)
			s.must(err)
			if w := s.as(catalog.RoleAdmin, "POST", "/api/v1"+c.path, fmt.Sprintf(c.body, quoted)); w.Code < 400 || w.Code >= 500 {
				t.Errorf("POST %s %q answered %d %s", c.path, text, w.Code, w.Body)
			}
		}
	}
	if after := len(audit(s)); after != before {
		t.Errorf("the audit log has %d entries, want %d as before", after, before)
	}
	s.wantList("sites", follow(s, "/sites", siteName), "shop-1")
	if log := s.logged(); log != "" {
		t.Errorf("the log blames the server: %s", log)
	}
}
