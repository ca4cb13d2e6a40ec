package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/storage/policy"
)

// set is a setting written as "LEVEL SUBJECT KEY VALUE", with "-" for no subject.
func set(lines ...string) (out []policy.Setting) {
	for _, line := range lines {
		f := strings.Fields(line)
		out = append(out, policy.Setting{Scope: policy.Scope{Level: policy.Level(f[0]), Subject: strings.Trim(f[1], "-")}, Key: f[2], Value: f[3]})
	}
	return out
}

func tag(name string, priority int, sites, endpoints string) policy.Tagged {
	return policy.Tagged{Name: name, Priority: priority, Sites: strings.Fields(sites), Endpoints: strings.Fields(endpoints)}
}

// explained is what holds of a key, in words.
func explained(b *policy.Book, key, site, endpoint string) string {
	for _, e := range b.Explain(site, endpoint) {
		if e.Key == key {
			text := e.Said.String()
			for _, o := range e.Overridden {
				text += " < " + o.String()
			}
			if e.Conflict != "" {
				text += " ! " + e.Conflict
			}
			return text
		}
	}
	return "nothing"
}

func TestTheNearestLevelThatSaysSomethingCounts(t *testing.T) {
	settings := set("organisation - wan_cap 50mbit", "organisation - cache_quota 10GB", "organisation - hold_off 1s",
		"tag rural wan_cap 6mbit", "tag kiosk cache_quota 2GB", "tag kiosk wan_cap 1mbit", "tag old cache_quota 3GB", "tag new hold_off 8s", "tag also hold_off 9s",
		"tag same hold_off 8s", "site shop wan_cap 5mbit", "site shop cache_floor 1GB", "endpoint e1 cache_floor 5GB", "endpoint e2 cache_floor 6GB")
	tags := []policy.Tagged{tag("rural", 1, "shop farm", ""), tag("kiosk", 5, "", "e1"), tag("old", 7, "farm", ""),
		tag("new", 3, "farm", ""), tag("also", 3, "farm", ""), tag("same", 3, "shop", ""), tag("silent", 9, "shop farm", "e1")}
	b := policy.NewBook(settings, tags)
	for _, c := range []struct{ key, site, endpoint, want string }{
		{policy.WANCap, "shop", "", "5mbit (site shop) < 6mbit (tag rural) < 50mbit (organisation) < none (default)"},
		{policy.WANCap, "farm", "", "6mbit (tag rural) < 50mbit (organisation) < none (default)"},
		{policy.WANCap, "city", "", "50mbit (organisation) < none (default)"},
		// What is of a site heeds no tag of an endpoint.
		{policy.WANCap, "farm", "e1", "6mbit (tag rural) < 50mbit (organisation) < none (default)"},
		{policy.Windows, "city", "", "open (default)"},
		{policy.CacheFloor, "shop", "e1", "5GB (endpoint e1) < 1GB (site shop) < none (default)"},
		{policy.CacheFloor, "shop", "", "1GB (site shop) < none (default)"},
		{policy.CacheQuota, "shop", "e1", "2GB (tag kiosk) < 10GB (organisation) < none (default)"},
		{policy.CacheQuota, "farm", "e1", "3GB (tag old) < 2GB (tag kiosk) < 10GB (organisation) < none (default)"},
		{policy.CacheQuota, "farm", "e9", "3GB (tag old) < 10GB (organisation) < none (default)"},
		{policy.HoldOff, "farm", "", "9s (tag also) < 8s (tag new) < 1s (organisation) < 0s (default) ! tags also and new have priority 3 and disagree: the first by name counts"},
		{policy.HoldOff, "shop", "", "8s (tag same) < 1s (organisation) < 0s (default)"},
	} {
		if got := explained(b, c.key, c.site, c.endpoint); got != c.want {
			t.Errorf("%s at %s %s:\n got %s\nwant %s", c.key, c.site, c.endpoint, got, c.want)
		}
	}
	if got := b.Particular(); !slices.Equal(got, []string{"e1", "e2"}) {
		t.Errorf("of %v something is set, want e1 and e2", got)
	}
}

// altered is what a change alters, in words.
func altered(before, after *policy.Book, site, endpoint string) string {
	var parts []string
	for _, a := range before.Alters(after, site, endpoint) {
		parts = append(parts, fmt.Sprintf("%s: %v -> %v", a.Key, a.Before, a.After))
	}
	return strings.Join(parts, ", ")
}

func TestAChangeAltersOnlyWhereItHolds(t *testing.T) {
	b := policy.NewBook(set("site shop wan_cap 5mbit", "tag rural wan_cap 1mbit", "endpoint e1 cache_quota 1GB"), []policy.Tagged{tag("rural", 0, "farm", "")})
	before := fmt.Sprint(b.Settings, b.Tags)
	org := b.With(policy.Scope{Level: policy.Organisation}, []policy.Assignment{{Key: policy.WANCap, Value: "9mbit"}, {Key: policy.CacheQuota, Value: "2GB"}})
	unset := b.With(policy.Scope{Level: policy.Site, Subject: "shop"}, []policy.Assignment{{Key: policy.WANCap}})
	tagged := b.WithTag(policy.TagChange{Name: "rural", AddSites: []string{"city", "shop"}, RemoveSites: []string{"farm"}})
	fresh := b.WithTag(policy.TagChange{Name: "new", AddEndpoints: []string{"e1"}})
	gone := b.WithoutTag("rural")
	for _, c := range []struct {
		after                *policy.Book
		site, endpoint, want string
	}{
		{org, "shop", "", ""},
		{org, "city", "", "wan_cap: none (default) -> 9mbit (organisation)"},
		{org, "city", "e1", ""},
		{org, "city", "e2", "cache_quota: none (default) -> 2GB (organisation)"},
		{unset, "shop", "", "wan_cap: 5mbit (site shop) -> none (default)"},
		{unset, "farm", "", ""},
		{tagged, "city", "", "wan_cap: none (default) -> 1mbit (tag rural)"},
		{tagged, "farm", "", "wan_cap: 1mbit (tag rural) -> none (default)"},
		{tagged, "shop", "", ""},
		{fresh, "city", "e1", ""},
		{gone, "farm", "", "wan_cap: 1mbit (tag rural) -> none (default)"},
	} {
		if got := altered(b, c.after, c.site, c.endpoint); got != c.want {
			t.Errorf("at %s %s it alters %q, want %q", c.site, c.endpoint, got, c.want)
		}
	}
	if after := fmt.Sprint(b.Settings, b.Tags); after != before {
		t.Errorf("a trial changed the book from %s to %s", before, after)
	}
}

func TestWhatIsNoTagIsRefused(t *testing.T) {
	high := policy.MaxPriority + 1
	for _, c := range []policy.TagChange{{Name: ""}, {Name: "a b"}, {Name: "a\x00"}, {Name: strings.Repeat("a", policy.MaxNameTag+1)}, {Name: "a", Priority: &high}} {
		if c.Check() == nil {
			t.Errorf("%.80q was taken", c.Name)
		}
	}
	if err := (policy.TagChange{Name: "rural-2.north_east"}).Check(); err != nil {
		t.Error(err)
	}
}
