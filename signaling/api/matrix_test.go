package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/policy"
)

// right says who may use a route, and about which sites.
type right struct {
	role, scope string
	body        func(site string) any // of a route whose body names sites, "" for all of them
}

const (
	viewer, operator, admin = catalog.RoleViewer, catalog.RoleOperator, catalog.RoleAdmin

	ofOrganisation, inPath, inQuery, inBody, ofAll, ofSelf = "organisation", "path", "query", "body", "shared", "self"
	ofNamed                                                = "named" // as inQuery, but who is held to some sites has to name one
	ofEndpoint, ofLevel                                    = "endpoint", "level"
)

// rights are those of every route that is not public. A route is added here with what it is meant
// for, and the tests below hold that it is that, for everybody.
var rights = map[string]right{
	"POST /api/v1/sites":            {admin, ofOrganisation, nil},
	"GET /api/v1/sites":             {viewer, inQuery, nil},
	"GET /api/v1/sites/{name}":      {viewer, inPath, nil},
	"PATCH /api/v1/sites/{name}":    {operator, inPath, nil},
	"GET /api/v1/sites/{name}/pair": {viewer, inPath, nil},

	"GET /api/v1/sites/{name}/swarm":  {viewer, inPath, nil},
	"GET /api/v1/sites/{name}/chunks": {viewer, inPath, nil},

	"POST /api/v1/enrolments": {admin, inBody, func(site string) any {
		return api.NewEnrolment{Site: site, Uses: 1, TTLSeconds: 60}
	}},
	"POST /api/v1/browser-tokens": {operator, inBody, func(site string) any {
		return api.NewBrowserToken{Site: site, Contents: []wire.Named{{Name: "app"}}, TTLSeconds: 60}
	}},
	"GET /api/v1/trust":                     {viewer, ofAll, nil},
	"POST /api/v1/publishers":               {admin, ofOrganisation, nil},
	"POST /api/v1/versions":                 {operator, ofOrganisation, nil},
	"POST /api/v1/objects/missing":          {operator, ofOrganisation, nil},
	"POST /api/v1/chunks/missing":           {operator, ofOrganisation, nil},
	"PUT /api/v1/objects/{digest}":          {operator, ofOrganisation, nil},
	"PUT /api/v1/versions/{name}/{version}": {operator, ofOrganisation, nil},
	"GET /api/v1/versions/{name}/{version}": {viewer, ofAll, nil},
	"POST /api/v1/distributions": {operator, inBody, func(site string) any {
		d := api.NewDistribution{Name: "app", Version: "1", Priority: wire.Normal}
		if d.Sites = []string{site}; site == "" {
			d.Sites, d.All = nil, true
		}
		return d
	}},
	"POST /api/v1/rules": {operator, inBody, func(site string) any {
		return api.NewRule{Kind: catalog.RulePause, Site: site, Content: "app"}
	}},
	"POST /api/v1/rules/resume":  {operator, inBody, func(site string) any { return api.EndedRules{Site: site, Content: "app"} }},
	"POST /api/v1/rules/unpin":   {operator, inBody, func(site string) any { return api.EndedRules{Site: site, Content: "app"} }},
	"POST /api/v1/blocks":        {operator, inBody, func(site string) any { return api.NewBlock{Site: site, Content: "app"} }},
	"POST /api/v1/blocks/end":    {operator, inBody, func(site string) any { return api.EndedRules{Site: site, Content: "app"} }},
	"POST /api/v1/rules/uncap":   {operator, inBody, func(site string) any { return api.EndedRules{Site: site, Content: "app"} }},
	"POST /api/v1/rules/end":     {operator, inBody, func(site string) any { return api.EndedRule{Site: site, Generation: 1 << 40} }},
	"GET /api/v1/reports":        {viewer, inQuery, nil},
	"GET /api/v1/reports/export": {viewer, inQuery, nil},
	"GET /api/v1/blocks":         {viewer, inQuery, nil},
	"POST /api/v1/activations": {operator, inBody, func(site string) any {
		a := api.NewActivation{Name: "app", Version: "1"}
		if a.Sites = []string{site}; site == "" {
			a.Sites, a.All = nil, true
		}
		return a
	}},
	"GET /api/v1/versions/{name}/{version}/instant": {viewer, ofAll, nil},
	"GET /api/v1/rules":                             {viewer, inQuery, nil},
	"GET /api/v1/flows":                             {viewer, inQuery, nil},
	"GET /api/v1/endpoints":                         {viewer, inQuery, nil},
	"GET /api/v1/lines":                             {viewer, inQuery, nil},
	"GET /api/v1/events":                            {viewer, ofNamed, nil},
	"GET /api/v1/policy":                            {viewer, inQuery, nil},
	"GET /api/v1/history":                           {viewer, ofAll, nil},
	"GET /api/v1/history/flows":                     {viewer, inQuery, nil},
	"GET /api/v1/history/endpoints":                 {viewer, inQuery, nil},
	"GET /api/v1/flows/changes":                     {viewer, inQuery, nil},
	"GET /api/v1/distributions":                     {viewer, inQuery, nil},
	"GET /api/v1/distributions/{id}":                {viewer, ofOrganisation, nil},
	"GET /api/v1/contents":                          {viewer, ofAll, nil},
	"GET /api/v1/contents/{name}":                   {viewer, ofAll, nil},
	"GET /api/v1/overview":                          {viewer, ofOrganisation, nil},
	"GET /api/v1/audit":                             {viewer, ofOrganisation, nil},
	"GET /api/v1/audit/head":                        {viewer, ofOrganisation, nil},

	"GET /api/v1/endpoints/{id}":                      {viewer, inQuery, nil},
	"DELETE /api/v1/endpoints/{id}":                   {admin, ofEndpoint, nil},
	"PATCH /api/v1/endpoints/{id}":                    {admin, ofEndpoint, nil},
	"POST /api/v1/endpoints/{id}/revocation":          {admin, ofEndpoint, nil},
	"GET /api/v1/networks":                            {viewer, ofOrganisation, nil},
	"PUT /api/v1/networks":                            {operator, ofOrganisation, nil},
	"DELETE /api/v1/networks":                         {operator, ofOrganisation, nil},
	"GET /api/v1/networks/export":                     {viewer, ofOrganisation, nil},
	"POST /api/v1/networks/import":                    {operator, ofOrganisation, nil},
	"GET /api/v1/quarantine":                          {viewer, ofOrganisation, nil},
	"GET /api/v1/flows/explain":                       {viewer, inQuery, nil},
	"GET /api/v1/endpoints/explain":                   {viewer, inQuery, nil},
	"PATCH /api/v1/objects/{digest}":                  {operator, ofOrganisation, nil},
	"HEAD /api/v1/objects/{digest}":                   {viewer, ofOrganisation, nil},
	"DELETE /api/v1/publishers/{key}":                 {admin, ofOrganisation, nil},
	"POST /api/v1/publishers/{key}/rotation":          {admin, ofOrganisation, nil},
	"PUT /api/v1/trust":                               {admin, ofOrganisation, nil},
	"PUT /api/v1/versions/{name}/{version}/signature": {operator, ofOrganisation, nil},
	"DELETE /api/v1/versions/{name}/{version}":        {operator, ofOrganisation, nil},
	"PUT /api/v1/versions/{name}/{version}/external":  {operator, ofOrganisation, nil},
	"GET /api/v1/retention":                           {viewer, ofOrganisation, nil},
	"PUT /api/v1/retention":                           {admin, ofOrganisation, nil},
	"GET /api/v1/settings":                            {viewer, ofOrganisation, nil},
	"PUT /api/v1/settings": {operator, ofLevel, func(site string) any {
		change := api.SettingsChange{Level: policy.Site, Subject: site, Changes: []policy.Assignment{{Key: policy.WANCap, Value: "5mbit"}}}
		if site == "" {
			change.Level = policy.Organisation
		}
		return change
	}},
	"DELETE /api/v1/settings":    {operator, ofLevel, nil},
	"GET /api/v1/settings/keys":  {viewer, ofAll, nil},
	"GET /api/v1/tags":           {viewer, ofOrganisation, nil},
	"PUT /api/v1/tags/{name}":    {operator, ofOrganisation, nil},
	"DELETE /api/v1/tags/{name}": {operator, ofOrganisation, nil},

	"GET /api/v1/rollouts":                {viewer, ofOrganisation, nil},
	"GET /api/v1/contents/{name}/details": {viewer, ofAll, nil},
	"POST /api/v1/distributions/forecast": {operator, inBody, func(site string) any {
		d := api.NewDistribution{Name: "app", Version: "1", Priority: wire.Normal}
		if d.Sites = []string{site}; site == "" {
			d.Sites, d.All = nil, true
		}
		return d
	}},
	"GET /api/v1/rollouts/{id}":           {viewer, ofOrganisation, nil},
	"POST /api/v1/rollouts/{id}/halt":     {operator, ofOrganisation, nil},
	"POST /api/v1/rollouts/{id}/continue": {operator, ofOrganisation, nil},
	"POST /api/v1/rollouts/{id}/retry":    {operator, ofOrganisation, nil},

	"GET /api/v1/rules/effects/{generation}": {viewer, ofAll, nil},
	"GET /api/v1/four-eyes":                  {viewer, ofAll, nil},
	"PUT /api/v1/four-eyes":                  {admin, ofOrganisation, nil},
	"GET /api/v1/proposals":                  {viewer, ofOrganisation, nil},
	"POST /api/v1/proposals/{id}/approve":    {operator, ofOrganisation, nil},
	"POST /api/v1/proposals/{id}/reject":     {operator, ofOrganisation, nil},

	"POST /api/v1/tokens":                 {admin, ofOrganisation, nil},
	"GET /api/v1/tokens":                  {admin, ofOrganisation, nil},
	"DELETE /api/v1/tokens/{id}":          {admin, ofOrganisation, nil},
	"POST /api/v1/invites":                {admin, ofOrganisation, nil},
	"GET /api/v1/operators":               {admin, ofOrganisation, nil},
	"PATCH /api/v1/operators/{operator}":  {admin, ofOrganisation, nil},
	"DELETE /api/v1/operators/{operator}": {admin, ofOrganisation, nil},
	"GET /api/v1/me":                      {viewer, ofSelf, nil},
	"GET /api/v1/me/views":                {viewer, ofSelf, nil},
	"PUT /api/v1/me/views":                {viewer, ofSelf, nil},
	"POST /api/v1/logout":                 {viewer, ofSelf, nil},
	"POST /api/v1/password":               {viewer, ofSelf, nil},
}

// undescribed are routes that answer with no JSON, so no description of the API has them.
var undescribed = []string{"PUT /api/v1/objects/{digest}", "PATCH /api/v1/objects/{digest}", "HEAD /api/v1/objects/{digest}", "GET /api/v1/events"}

// scoped makes a token that is good for some sites, none for all.
func (s *stand) scoped(role string, sites ...string) string {
	s.t.Helper()
	secret, hash := credential.NewSecret()
	s.must(s.catalog.PutToken(s.t.Context(), "test", catalog.Token{Name: strings.Join(append(sites, role), "-"), Hash: hash, Role: role, Sites: sites}))
	return credential.APIToken(secret)
}

// with makes a request with a token.
func (s *stand) with(token, method, path string, body any) *httptest.ResponseRecorder {
	s.t.Helper()
	r := s.request("", method, path, body)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return s.do(r)
}

// about makes a request to a route about a site, "" for all.
func (s *stand) about(token, name, site string) *httptest.ResponseRecorder {
	s.t.Helper()
	method, route, _ := strings.Cut(name, " ")
	is := rights[name]
	at := strings.NewReplacer("{name}", site, "{version}", "1", "{digest}", strings.Repeat("ab", 32), "{id}", "0123456789abcdef", "{operator}", "nobody", "{key}", "nokey").Replace(route)
	var in any = "{}"
	switch {
	case is.scope == ofLevel && is.body == nil:
		at += "?key=wan_cap&level=site&subject=" + site
		if site == "" {
			at = strings.Replace(at, "level=site", "level=organisation", 1)
		}
	case is.scope == ofEndpoint:
		at = strings.Replace(at, "0123456789abcdef", "till-of-"+site, 1)
	case (is.scope == inQuery || is.scope == ofNamed) && site != "":
		at += "?site=" + site
	case is.body != nil:
		in = is.body(site)
	}
	if method == http.MethodGet {
		in = nil
	}
	return s.with(token, method, at, in)
}

// TestEveryRouteIsForWhomItIsMeant walks the router, so that no route is forgotten, and tries each
// as nobody and with each role, for all sites, for the one that is asked about, and for another.
func TestEveryRouteIsForWhomItIsMeant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		for _, name := range []string{"shop-a", "shop-b"} {
			s.call("POST", "/sites", api.NewSite{Name: name}, nil)
		}
		order := []string{viewer, operator, admin}
		tokens := map[string]string{}
		for _, role := range order {
			tokens[role+" of all"] = s.scoped(role)
			tokens[role+" of its site"] = s.scoped(role, "shop-a", "shop-c")
			tokens[role+" of another site"] = s.scoped(role, "shop-b")
		}
		walk(t, s, func(method, route string) {
			name := method + " " + route
			is, listed := rights[name]
			if public[name] != "" {
				if listed {
					t.Errorf("%s is public, and has rights", name)
				}
				return
			}
			if !listed {
				t.Errorf("%s has no rights: say in the table who may use it, and declare its scope with about(...)", name)
				return
			}
			refused := func(who, site string, status int, code string) {
				w := s.about(tokens[who], name, site)
				if wantProblem(t, w, status, code); t.Failed() {
					t.Fatalf("%s about %q by %s", name, site, who)
				}
			}
			let := func(who, site string) {
				if is.scope == ofEndpoint { // the one before may have removed it
					if _, err := s.catalog.Endpoint(t.Context(), "till-of-"+site); err != nil {
						s.device(site, "till-of-"+site, "till")
					}
				}
				if w := s.about(tokens[who], name, site); w.Code == http.StatusUnauthorized || w.Code == http.StatusForbidden {
					t.Errorf("%s about %q by %s answered %d %s", name, site, who, w.Code, w.Body)
				}
			}
			refused("nobody", "shop-a", http.StatusUnauthorized, "unauthorized")
			for _, role := range order {
				all, own, other := role+" of all", role+" of its site", role+" of another site"
				if slices.Index(order, role) < slices.Index(order, is.role) {
					for _, who := range []string{all, own, other} {
						refused(who, "shop-a", http.StatusForbidden, "forbidden")
					}
					continue
				}
				let(all, "shop-a")
				switch is.scope {
				case ofOrganisation:
					refused(own, "shop-a", http.StatusForbidden, "out_of_scope")
					refused(other, "shop-a", http.StatusForbidden, "out_of_scope")
				case ofAll, ofSelf:
					let(own, "shop-a")
					let(other, "shop-a")
				default:
					let(own, "shop-a")
					refused(other, "shop-a", http.StatusForbidden, "out_of_scope")
					// Whether a site is there is not told to whom it does not concern.
					refused(other, "nowhere", http.StatusForbidden, "out_of_scope")
				}
				switch is.scope {
				case inBody, ofLevel:
					let(all, "")
					refused(own, "", http.StatusForbidden, "out_of_scope")
				case inQuery:
					let(own, "")
				case ofNamed:
					refused(own, "", http.StatusForbidden, "out_of_scope")
				}
			}
		})
	})
}

// What a route declares is what the table says of it, also in the description of the API.
func TestEveryRouteDeclaresItsScope(t *testing.T) {
	s := newStand(t)
	var described struct {
		Paths map[string]map[string]struct {
			Role  string `json:"x-role"`
			Scope string `json:"x-scope"`
		} `json:"paths"`
	}
	s.must(json.Unmarshal(s.as("", http.MethodGet, "/api/v1/openapi.json", nil).Body.Bytes(), &described))
	for name, is := range rights {
		method, route, _ := strings.Cut(name, " ")
		got := described.Paths[route][strings.ToLower(method)]
		if !slices.Contains(undescribed, name) && (got.Role != is.role || got.Scope != is.scope) {
			t.Errorf("%s declares role %q and scope %q, want %q and %q: see about(...)", name, got.Role, got.Scope, is.role, is.scope)
		}
	}
}

// Nobody learns of another site's things, whatever lists them.
func TestListsAreOfTheOwnSites(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stand) {
		now := time.Now()
		for _, shop := range []string{"shop-1", "shop-2"} {
			e := catalog.Enrolment{ID: shop, Site: shop, SecretHash: []byte("hash"), Uses: 1, Expires: now.Add(time.Hour)}
			s.must(s.catalog.CreateEnrolment(t.Context(), "test", e))
			_, err := s.catalog.Enrol(t.Context(), e.ID, e.SecretHash, catalog.Endpoint{ID: "endpoint at " + shop, Key: []byte(shop), Name: "till of " + shop}, now)
			s.must(err)
			s.call("POST", "/rules", api.NewRule{Kind: catalog.RulePause, Site: shop, Content: "film"}, nil)
		}
		s.call("POST", "/rules", api.NewRule{Kind: catalog.RulePause, Content: "everywhere"}, nil)
		s.published("app", "1")
		s.call("POST", "/distributions", api.NewDistribution{Name: "app", Version: "1", All: true, Priority: wire.Normal}, nil)
		s.flows("") // the loops of the sites have heard of it
		token := s.scoped(viewer, "shop-1")
		for _, list := range []string{"/sites", "/endpoints", "/flows", "/rules"} {
			all := s.with(s.scoped(viewer), "GET", "/api/v1"+list, nil).Body.String()
			if !strings.Contains(all, "shop-1") || !strings.Contains(all, "shop-2") {
				t.Errorf("%s by whom may see all: %s", list, all)
			}
			for _, ask := range []string{list, list + "?site=shop-1", list + "?limit=1", list + "?after=shop-1"} {
				if ask == "/rules?after=shop-1" { // they go on after a number
					continue
				}
				got := s.with(token, "GET", "/api/v1"+ask, nil)
				if got.Code != http.StatusOK || strings.Contains(got.Body.String(), "shop-2") {
					t.Errorf("%s by whom may see shop-1: %d %s", ask, got.Code, got.Body)
				}
				if !strings.Contains(ask, "after") && !strings.Contains(got.Body.String(), "shop-1") {
					t.Errorf("%s by whom may see shop-1 lacks it: %s", ask, got.Body)
				}
			}
		}
		if rules := s.with(token, "GET", "/api/v1/rules", nil).Body.String(); !strings.Contains(rules, "everywhere") {
			t.Errorf("rules %s, want also the one that holds at every site", rules)
		}
	})
}

// A list of sites is not to be a way around: every name in it counts.
func TestADistributionIsToOwnSitesOnly(t *testing.T) {
	s := newStand(t)
	for _, name := range []string{"shop-a", "shop-b"} {
		s.call("POST", "/sites", api.NewSite{Name: name}, nil)
	}
	s.published("app", "1")
	token := s.scoped(operator, "shop-a")
	order := func(sites ...string) *httptest.ResponseRecorder {
		return s.with(token, "POST", "/api/v1/distributions", api.NewDistribution{Name: "app", Version: "1", Sites: sites, Priority: wire.Normal})
	}
	wantProblem(t, order("shop-a", "shop-b"), http.StatusForbidden, "out_of_scope")
	wantProblem(t, order("shop-a", ""), http.StatusForbidden, "out_of_scope")
	wantProblem(t, order(), http.StatusForbidden, "out_of_scope")
	if w := order("shop-a"); w.Code != http.StatusOK {
		t.Errorf("to the own site: %d %s", w.Code, w.Body)
	}
	if o, err := s.catalog.Orders(t.Context(), "shop-b"); len(o.Distributions) != 0 || err != nil {
		t.Errorf("shop-b got %+v (%v)", o.Distributions, err)
	}
}

// An endpoint's settings, and the endpoint itself, are for who may act at its site.
func TestWhatIsSetOfAnEndpointIsForItsSite(t *testing.T) {
	s := settingsStand(t)
	token := s.scoped(operator, "shop-2")
	set := func(subject string) *httptest.ResponseRecorder {
		return s.with(token, "PUT", "/api/v1/settings", change(policy.Endpoint, subject, policy.EndpointAllowance, "5GB"))
	}
	for _, subject := range []string{"e1", "till", "nobody"} { // another site's, one of two, and none
		wantProblem(t, set(subject), http.StatusForbidden, "out_of_scope")
	}
	for _, subject := range []string{"e2", "kiosk"} {
		if w := set(subject); w.Code != http.StatusOK {
			t.Errorf("%s answered %d %s", subject, w.Code, w.Body)
		}
	}
	wantProblem(t, s.with(token, "PUT", "/api/v1/settings", change(policy.Organisation, "", policy.WANCap, "5mbit")), http.StatusForbidden, "out_of_scope")
}
