package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/policy"
)

// TestShortListsComeInPages reads each list two at a time, and all at once.
func TestShortListsComeInPages(t *testing.T) {
	s := settingsStand(t)
	s.published("app", "1")
	for i := range 5 {
		s.call("PUT", fmt.Sprintf("/tags/tag-%d", i), map[string]any{"add_sites": []string{"shop-1"}}, nil)
		s.call("PUT", fmt.Sprintf("/networks?cidr=10.%d.0.0/16&site=shop-1", i), nil, nil)
		s.call("POST", "/tokens", api.NewToken{Name: fmt.Sprintf("token-%d", i/2), Role: catalog.RoleViewer}, nil)
		_, err := s.catalog.Propose(t.Context(), catalog.Proposal{Distribution: catalog.Distribution{Name: "app", Version: "1", All: true, Priority: "normal"}, By: "somebody", Person: "somebody"})
		s.must(err)
	}
	for _, c := range []api.SettingsChange{change(policy.Organisation, "", policy.WANCap, "9mbit"), change(policy.Tag, "tag-1", policy.WANCap, "8mbit"),
		change(policy.Site, "shop-1", policy.WANCap, "7mbit", policy.HoldOff, "1m"), change(policy.Endpoint, "e1", policy.EndpointAllowance, "5GB")} {
		s.call("PUT", "/settings", c, nil)
	}
	read := func(path string) (rows []string) {
		for at := "/api/v1" + path; ; {
			w := s.as(catalog.RoleAdmin, "GET", at, nil)
			var some []map[string]any
			s.must(json.Unmarshal(w.Body.Bytes(), &some))
			for _, row := range some {
				rows = append(rows, fmt.Sprint(row))
			}
			next := link.FindStringSubmatch(w.Header().Get("Link"))
			if next == nil {
				return rows
			}
			at = next[1]
		}
	}
	for path, least := range map[string]int{"/tags": 5, "/networks": 5, "/tokens": 5, "/proposals": 5, "/settings": 5, "/operators": 0} {
		all, paged := read(path), read(path+"?limit=2")
		if len(all) < least || !slices.Equal(all, paged) {
			t.Errorf("%s: got %d rows in pages, %d at once\n%s\n%s", path, len(paged), len(all), strings.Join(paged, "\n"), strings.Join(all, "\n"))
		}
	}
}
