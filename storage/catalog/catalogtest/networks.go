package catalogtest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

// networkTests are the tests of the map of networks.
var networkTests = map[string]func(*testing.T, catalog.Catalog){
	"the map begins with what sites were created with":    networksOfSites,
	"networks are put in and taken out":                   networksChange,
	"a change of networks is made as a whole or not":      networksAllOrNothing,
	"a private LAN may be at many sites, an egress not":   networksAtTwoSites,
	"what a site was created with is taken out, too":      networksOfSitesGo,
	"a map of many networks is kept":                      networksAreMany,
	"an endpoint roams where its enrolment says so":       roamingIsKept,
	"enrolling again says anew whether an endpoint roams": roamingChanges,
}

func lan(cidr, site string) catalog.Network {
	return catalog.Network{CIDR: cidr, Site: site, Kind: catalog.NetworkLAN}
}

func egress(cidr, site string) catalog.Network {
	return catalog.Network{CIDR: cidr, Site: site, Kind: catalog.NetworkEgress}
}

func wantNetworks(t *testing.T, c catalog.Catalog, want ...catalog.Network) {
	t.Helper()
	got, err := c.Networks(t.Context())
	must(t, err)
	if got == nil || !slices.Equal(got, want) {
		t.Errorf("got networks %v, want %v", got, want)
	}
}

func networksOfSites(t *testing.T, c catalog.Catalog) {
	wantNetworks(t, c)
	must(t, c.CreateSite(t.Context(), who, catalog.Site{Name: "shop", Cap: catalog.NoCap, CIDRs: []string{"10.12.7.0/16", "fd00:12::/32"}}))
	createSites(t, c, "bare")
	wantNetworks(t, c, lan("10.12.0.0/16", "shop"), lan("fd00:12::/32", "shop"))
}

func networksChange(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "a", "b")
	put := []catalog.Network{lan("10.2.0.0/16", "b"), egress("203.0.113.7/32", "a"), lan("10.1.0.0/16", "a")}
	merged, err := c.ChangeNetworks(t.Context(), who, nil, put)
	must(t, err)
	want := []catalog.Network{put[1], put[2], put[0]}
	if !slices.Equal(merged, want) {
		t.Errorf("got %v, want %v", merged, want)
	}
	wantNetworks(t, c, want...)
	entry := latest(t, c)
	_, err = c.ChangeNetworks(t.Context(), who, nil, put) // again
	must(t, err)
	wantNetworks(t, c, want...)
	if latest(t, c) == entry {
		t.Error("a change is not audited")
	}
	_, err = c.ChangeNetworks(t.Context(), who, put[:1], []catalog.Network{lan("10.2.0.0/16", "a")})
	must(t, err)
	wantNetworks(t, c, put[1], put[2], lan("10.2.0.0/16", "a"))
}

func networksAllOrNothing(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "a")
	have := lan("10.1.0.0/16", "a")
	_, err := c.ChangeNetworks(t.Context(), who, nil, []catalog.Network{have})
	must(t, err)
	entry := latest(t, c)
	_, err = c.ChangeNetworks(t.Context(), who, []catalog.Network{have}, []catalog.Network{lan("10.2.0.0/16", "a"), lan("10.3.0.0/16", "nowhere")})
	wantErr(t, "a site that is not there", err, catalog.ErrNotFound)
	_, err = c.ChangeNetworks(t.Context(), who, []catalog.Network{lan("10.9.0.0/16", "a")}, []catalog.Network{lan("10.2.0.0/16", "a")})
	wantErr(t, "a network that is not there", err, catalog.ErrNotFound)
	wantNetworks(t, c, have)
	if latest(t, c) != entry {
		t.Error("a change that failed is audited")
	}
}

func networksAtTwoSites(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "a", "b")
	all := []catalog.Network{egress("203.0.113.0/24", "a"), lan("192.168.1.0/24", "a"), lan("192.168.1.0/24", "b"), lan("198.51.100.0/24", "a")}
	_, err := c.ChangeNetworks(t.Context(), who, nil, all)
	must(t, err)
	for _, n := range []catalog.Network{egress("203.0.113.0/24", "b"), lan("198.51.100.0/24", "b")} {
		_, err := c.ChangeNetworks(t.Context(), who, nil, []catalog.Network{n})
		wantErr(t, n.String(), err, catalog.ErrConflict)
	}
	wantNetworks(t, c, all...)
	// Whoever takes it from the one may give it to the other at once.
	_, err = c.ChangeNetworks(t.Context(), who, all[:1], []catalog.Network{egress("203.0.113.0/24", "b")})
	must(t, err)
}

func networksOfSitesGo(t *testing.T, c catalog.Catalog) {
	must(t, c.CreateSite(t.Context(), who, catalog.Site{Name: "shop", Cap: catalog.NoCap, CIDRs: []string{"10.12.7.0/16", "10.13.0.0/16"}}))
	_, err := c.ChangeNetworks(t.Context(), who, []catalog.Network{lan("10.12.0.0/16", "shop")}, nil)
	must(t, err)
	wantNetworks(t, c, lan("10.13.0.0/16", "shop"))
	found, err := c.Site(t.Context(), "shop")
	must(t, err)
	wantStrings(t, "ranges of the site", found.CIDRs, []string{"10.13.0.0/16"})
}

func networksAreMany(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "a")
	var all []catalog.Network
	for i := range 1200 {
		all = append(all, lan(fmt.Sprintf("10.%d.%d.0/24", i/256, i%256), "a"))
	}
	_, err := c.ChangeNetworks(t.Context(), who, nil, all)
	must(t, err)
	slices.SortFunc(all, catalog.Network.Order)
	wantNetworks(t, c, all...)
}

func roamingIsKept(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	now := time.Now()
	if ep := enrolAt(t, c, "shop", "till", now); ep.Roaming {
		t.Error("an endpoint roams by itself")
	}
	roam(t, c, "laptop", "1", true)
	for id, want := range map[string]bool{"till": false, "laptop": true} {
		ep, err := c.Endpoint(t.Context(), id)
		must(t, err)
		if ep.Roaming != want {
			t.Errorf("%s: roaming %v, want %v", id, ep.Roaming, want)
		}
	}
}

func roamingChanges(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	roam(t, c, "laptop", "1", true)
	roam(t, c, "laptop", "2", false)
	if ep, err := c.Endpoint(t.Context(), "laptop"); ep.Roaming || err != nil {
		t.Errorf("got %+v (%v), want that it stays", ep, err)
	}
}

// roam enrols an endpoint by a token that says whether it roams.
func roam(t *testing.T, c catalog.Catalog, id, token string, roaming bool) {
	t.Helper()
	e := catalog.Enrolment{ID: token, Site: "shop", SecretHash: []byte("hash"), Uses: 1, Roaming: roaming, Expires: time.Now().Add(time.Hour)}
	must(t, c.CreateEnrolment(t.Context(), who, e))
	ep, err := c.Enrol(t.Context(), token, e.SecretHash, endpoint(id), time.Now())
	must(t, err)
	if ep.Roaming != roaming {
		t.Errorf("roaming %v, want %v", ep.Roaming, roaming)
	}
}
