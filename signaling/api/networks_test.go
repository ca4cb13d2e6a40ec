package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/evidence"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// everybody is an api.Places.
type everybody struct {
	all     []evidence.Standing
	changed int
	anew    []wire.EndpointID
}

func (e *everybody) Changed() { e.changed++ }

func (e *everybody) Expel(wire.EndpointID, string) {}

func (e *everybody) PlaceAnew(id wire.EndpointID, _ string) { e.anew = append(e.anew, id) }

func (e *everybody) Standings() []evidence.Standing { return slices.Clone(e.all) }

func (e *everybody) Standing(id wire.EndpointID) (evidence.Standing, bool) {
	i := slices.IndexFunc(e.all, func(s evidence.Standing) bool { return s.ID == id })
	if i < 0 {
		return evidence.Standing{}, false
	}
	return e.all[i], true
}

// lost is an endpoint in quarantine.
func lost(name, network string) evidence.Standing {
	s := evidence.Standing{ID: wire.EndpointID(name), Name: name, Seen: evidence.Seen{Networks: []netip.Prefix{netip.MustParsePrefix(network)}, Roaming: true}}
	none, _ := evidence.NewMap(nil) // of nothing is always one
	s.Verdict = none.Weigh(s.Seen)
	return s
}

// onMap has two sites, of which one was created with a range.
func onMap(t *testing.T, all ...evidence.Standing) (*stand, *everybody) {
	who := &everybody{all: all}
	s := newStand(t, func(c *api.Config) { c.Places = who })
	s.call("POST", "/sites", api.NewSite{Name: "a", CIDRs: []string{"10.1.0.0/16"}}, nil)
	s.call("POST", "/sites", api.NewSite{Name: "b"}, nil)
	return s, who
}

func (s *stand) wantMap(want ...string) {
	s.t.Helper()
	var list []catalog.Network
	s.call("GET", "/networks", nil, &list)
	var got []string
	for _, n := range list {
		got = append(got, n.String())
	}
	if list == nil || !slices.Equal(got, want) {
		s.t.Errorf("the map is %q, want %q", got, want)
	}
}

func TestTheMapIsChangedAndToldOf(t *testing.T) {
	s, who := onMap(t, lost("laptop", "10.2.3.0/24"))
	s.wantMap("10.1.0.0/16 (lan) at a")
	created := who.changed
	if created != 2 {
		t.Errorf("told of %d changes by two new sites", created)
	}
	var change api.NetworkChange
	s.call("PUT", "/networks?cidr=10.2.0.0/16&site=b&dry_run=true", nil, &change)
	if len(change.Added) != 1 || len(change.Moves) != 1 || change.Moves[0].To != "b" || who.changed != created {
		t.Errorf("a dry run says %+v, and was told %d times", change, who.changed-created)
	}
	s.wantMap("10.1.0.0/16 (lan) at a")
	s.call("PUT", "/networks?cidr=10.2.0.0/16&site=b", nil, &change)
	s.call("PUT", "/networks?cidr=203.0.113.7&site=b&kind=egress", nil, nil)
	if who.changed != created+2 {
		t.Errorf("told of %d changes, want 2", who.changed-created)
	}
	s.wantMap("203.0.113.7/32 (egress) at b", "10.1.0.0/16 (lan) at a", "10.2.0.0/16 (lan) at b")
	s.call("DELETE", "/networks?cidr=10.1.0.0/16&site=a", nil, &change)
	if len(change.Removed) != 1 || len(change.Added) != 0 {
		t.Errorf("removed as %+v", change)
	}
	s.wantMap("203.0.113.7/32 (egress) at b", "10.2.0.0/16 (lan) at b")
}

func TestNetworksThatCannotBeAreRefused(t *testing.T) {
	s, who := onMap(t)
	s.call("PUT", "/networks?cidr=203.0.113.7&site=b&kind=egress", nil, nil)
	before := who.changed
	for _, c := range []struct {
		method, query string
		status        int
		code          string
	}{
		{"PUT", "cidr=10.2.0.7/16&site=b", 422, "invalid"},
		{"PUT", "cidr=0.0.0.0/0&site=b", 422, "invalid"},
		{"PUT", "cidr=10.2.0.0/16&site=b&kind=wan", 422, "invalid"},
		{"PUT", "cidr=10.2.0.0/16", 422, "invalid"},
		{"PUT", "cidr=10.2.0.0/16&site=nowhere", 404, "not_found"},
		{"PUT", "cidr=203.0.113.7&site=a&kind=egress", 409, "conflict"},
		{"DELETE", "cidr=10.9.0.0/16&site=b", 404, "not_found"},
	} {
		wantProblem(t, s.as(catalog.RoleOperator, c.method, "/api/v1/networks?"+c.query, nil), c.status, c.code)
	}
	if who.changed != before {
		t.Error("told of a change that was refused")
	}
}

// importCSV sends a file as an operator.
func (s *stand) importCSV(query, text string) *httptest.ResponseRecorder {
	r := s.request(catalog.RoleOperator, http.MethodPost, "/api/v1/networks/import"+query, text)
	r.Header.Set("Content-Type", "text/csv")
	return s.do(r)
}

func TestAFileIsImportedAsAWholeOrNot(t *testing.T) {
	s, who := onMap(t)
	const good = "cidr,site,kind\n10.2.0.0/16,b,lan\n192.168.1.0/24,a,lan\n192.168.1.0/24,b,lan\n203.0.113.7,b,egress\n10.2.0.0/16,b,lan\n"
	before := who.changed
	if w := s.importCSV("?dry_run=true", good); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"dry_run":true`) {
		t.Fatalf("a dry run answered %d %s", w.Code, w.Body)
	}
	p := wantProblem(t, s.importCSV("", good+"10.3.0.0/16,nowhere,lan\n203.0.113.7,a,egress\n"), 422, "invalid")
	for _, want := range []string{"line 7: site nowhere", "line 8: it is at b, and no two sites can have it"} {
		if !strings.Contains(p.Detail, want) {
			t.Errorf("the problem lacks %q:\n%s", want, p.Detail)
		}
	}
	wantProblem(t, s.importCSV("", good+"what,is this\n"), 422, "invalid")
	wantProblem(t, s.importCSV("", strings.Repeat("x", evidence.MaxCSVBytes+1)), http.StatusRequestEntityTooLarge, "too_large")
	s.wantMap("10.1.0.0/16 (lan) at a")
	if who.changed != before {
		t.Error("told of a change though none was made")
	}
	if w := s.importCSV("", good); w.Code != http.StatusOK {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	s.wantMap("203.0.113.7/32 (egress) at b", "10.1.0.0/16 (lan) at a", "10.2.0.0/16 (lan) at b", "192.168.1.0/24 (lan) at a", "192.168.1.0/24 (lan) at b")
	text := s.as(catalog.RoleViewer, http.MethodGet, "/api/v1/networks/export", nil)
	if got := text.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/csv") || !strings.HasPrefix(text.Body.String(), "cidr,site,kind\n203.0.113.7/32,b,egress\n") {
		t.Errorf("exported as %s:\n%s", got, text.Body)
	}
	if w := s.importCSV("?replace=true", "cidr,site\n10.2.0.0/16,b\n"); w.Code != http.StatusOK {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	s.wantMap("10.2.0.0/16 (lan) at b")
}

func TestQuarantineIsListed(t *testing.T) {
	s, _ := onMap(t, lost("laptop-1", "10.7.0.0/24"), lost("laptop-2", "10.7.0.0/24"))
	var list []evidence.Quarantined
	s.call("GET", "/quarantine", nil, &list)
	if len(list) != 1 || list[0].Endpoints != 2 || list[0].Networks[0] != "10.7.0.0/24" || len(list[0].Settle) == 0 {
		t.Errorf("in quarantine is %+v", list)
	}
	bare := newStand(t)
	bare.call("GET", "/quarantine", nil, &list)
	if len(list) != 0 {
		t.Errorf("without places there are %+v", list)
	}
}
