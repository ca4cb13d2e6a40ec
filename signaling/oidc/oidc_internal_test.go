package oidc

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/storage/catalog"
)

func TestTheHighestRoleCountsWhereItIsGiven(t *testing.T) {
	c := Config{RoleClaim: "realm.roles", Roles: []Mapping{
		{"all", catalog.RoleViewer, ""}, {"a", catalog.RoleOperator, "shop-a"}, {"b", catalog.RoleOperator, "shop-b"}, {"b2", catalog.RoleOperator, "shop-b"},
		{"boss", catalog.RoleAdmin, ""}, {"deputy", catalog.RoleAdmin, "shop-a"}, {"cn=team,dc=example", catalog.RoleViewer, "shop-c"}}}
	for _, k := range []struct {
		values any
		role   string
		sites  []string
	}{
		{[]any{"all"}, catalog.RoleViewer, nil},
		{"all", catalog.RoleViewer, nil},
		{[]any{"b", "a", "b2", "all"}, catalog.RoleOperator, []string{"shop-a", "shop-b"}},
		{[]any{"a", "boss"}, catalog.RoleAdmin, nil},
		{[]any{"boss", "deputy"}, catalog.RoleAdmin, nil},
		{[]any{"deputy", "a", "b"}, catalog.RoleAdmin, []string{"shop-a"}},
		{[]any{"cn=team,dc=example"}, catalog.RoleViewer, []string{"shop-c"}},
		{[]any{"nobody", 7, nil}, "", nil}, {nil, "", nil}, {7, "", nil}, {map[string]any{"all": true}, "", nil},
	} {
		role, sites := c.granted(values(map[string]any{"realm": map[string]any{"roles": k.values}}, c.RoleClaim))
		if role != k.role || !slices.Equal(sites, k.sites) {
			t.Errorf("%v: got %q at %q, want %q at %q", k.values, role, sites, k.role, k.sites)
		}
	}
	if got := values(map[string]any{"realm": "roles"}, c.RoleClaim); got != nil {
		t.Errorf("of a claim that is no object: got %q", got)
	}
}

func TestMappingsAreRead(t *testing.T) {
	for text, want := range map[string]Mapping{
		"team=operator":               {"team", "operator", ""},
		"team=operator:shop-1":        {"team", "operator", "shop-1"},
		"cn=team,dc=x=viewer:shop-1":  {"cn=team,dc=x", "viewer", "shop-1"},
		"urn:example:admins=admin":    {"urn:example:admins", "admin", ""},
		"with spaces in it=admin":     {"with spaces in it", "admin", ""},
		"=admin":                      {},
		"admin":                       {},
		"team=root":                   {},
		"team=operator:":              {},
		"team=operator:../etc/passwd": {},
	} {
		got, err := ParseMapping(text)
		if (err != nil) != (want == Mapping{}) || err == nil && got != want {
			t.Errorf("%q: got %+v (%v), want %+v", text, got, err, want)
		}
	}
}

func TestSubjectsAndNamesAreBounded(t *testing.T) {
	c := Config{RoleClaim: "groups", Roles: []Mapping{{"x", catalog.RoleViewer, ""}}}
	for _, subject := range []string{"", strings.Repeat("x", maxSubject+1), "a\x00b", "a\nb"} {
		if _, err := c.account("https://id.example", subject, map[string]any{"groups": "x"}); !errors.Is(err, ErrRefused) {
			t.Errorf("subject %.20q: got %v", subject, err)
		}
	}
	o, err := c.account("https://id.example", "1", map[string]any{"groups": "x", "email": "a\x1b[2Jb", "name": "Anna"})
	if o.Title != "Anna" || o.Name != "oidc:1" || o.Issuer != "https://id.example" || err != nil {
		t.Errorf("got %+v (%v)", o, err)
	}
	if _, err := c.account("https://id.example", "1", nil); !errors.Is(err, ErrNoRole) {
		t.Errorf("of no claim: got %v", err)
	}
}

func TestConfigurationsThatCannotBeAreRefused(t *testing.T) {
	good := Config{Issuer: "https://id.example", ClientID: "sitecast", Public: &url.URL{Scheme: "https", Host: "x"}, Roles: []Mapping{{"x", "admin", ""}}}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Config){
		"no URL": func(c *Config) { c.Issuer = "id.example" }, "plain http": func(c *Config) { c.Issuer = "http://id.example" },
		"no client": func(c *Config) { c.ClientID = "" }, "no roles": func(c *Config) { c.Roles = nil },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
