package operator_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/storage/catalog"
)

func one(cidr, site, kind string, dry bool) operator.OneNetwork {
	return operator.OneNetwork{CIDR: cidr, Site: site, Kind: kind, DryRun: dry}
}

func TestTheMapOfNetworksIsKeptFromTheCommandLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.end()
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-1", CIDR: []string{"10.1.0.0/16"}})
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-2"})
		for _, c := range []struct {
			command command
			want    []string
		}{
			{operator.NetworkSet{Remote: s.remote, OneNetwork: one("10.2.0.0/16", "shop-2", "lan", true)}, []string{"+ 10.2.0.0/16 (lan) at shop-2", "Would change: 1 networks put in, 0 taken out"}},
			{operator.NetworkSet{Remote: s.remote, OneNetwork: one("10.2.0.0/16", "shop-2", "lan", false)}, []string{"Changed: 1 networks put in"}},
			{operator.NetworkSet{Remote: s.remote, OneNetwork: one("192.168.1.0/24", "shop-2", "lan", false)}, []string{"Homes have such networks, too", "shop-2"}},
			{operator.NetworkSet{Remote: s.remote, OneNetwork: one("203.0.113.7", "shop-2", "egress", false)}, []string{"+ 203.0.113.7/32 (egress) at shop-2"}},
			{operator.NetworkRemove{Remote: s.remote, OneNetwork: one("10.1.0.0/16", "shop-1", "lan", false)}, []string{"- 10.1.0.0/16 (lan) at shop-1"}},
			{operator.NetworkList{Remote: s.remote}, []string{"NETWORK", "203.0.113.7/32  egress  shop-2"}},
			{operator.Endpoints{Remote: s.remote, Quarantined: true}, []string{"Nobody is in quarantine."}},
		} {
			got := s.run(c.command)
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%T printed %q, which lacks %q", c.command, got, want)
				}
			}
		}
		trial := one("10.9.0.0/16", "shop-2", "lan", true)
		trial.JSON = true
		if would := decode[api.NetworkChange](t, s.run(operator.NetworkSet{Remote: s.remote, OneNetwork: trial})); !would.DryRun || len(would.Added) != 1 || would.Added[0].CIDR != "10.9.0.0/16" {
			t.Errorf("as JSON it would change %+v", would)
		}
		if got := s.run(operator.NetworkSet{Remote: s.remote, OneNetwork: one("192.168.2.0/24", "shop-2", "lan", false)}); strings.Contains(got, "Homes") {
			t.Errorf("warned of homes though the egress is known: %q", got)
		}
		exported := s.run(operator.NetworkExport{Remote: s.remote})
		file := filepath.Join(t.TempDir(), "networks.csv")
		s.must(os.WriteFile(file, []byte(exported), 0o600))
		if got := s.run(operator.NetworkImport{Remote: s.remote, File: file, Replace: true}); !strings.HasPrefix(got, "Changed: 0 networks put in, 0 taken out") {
			t.Errorf("what was exported changes something: %q", got)
		}
		s.must(os.WriteFile(file, []byte(exported+"10.9.0.0/16,nowhere,lan\n"), 0o600))
		err := operator.NetworkImport{Remote: s.remote, File: file}.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "site nowhere") || !strings.Contains(err.Error(), "line 6") {
			t.Errorf("got %v, want that line 6 names no site", err)
		}
		s.must(os.WriteFile(file, []byte(exported+"10.9.0.1/16,shop-1,lan\n"), 0o600))
		if err := (operator.NetworkImport{Remote: s.remote, File: file}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "line 6: network 10.9.0.1/16 has bits set") {
			t.Errorf("got %v, want what is wrong with line 6", err)
		}
		list := decode[[]catalog.Network](t, s.run(operator.NetworkList{Remote: s.remote, Site: "shop-2", JSON: true}))
		if len(list) != 4 {
			t.Errorf("listed %v, want the four of shop-2", list)
		}
	})
}

func TestNetworkCommandsRefuseWhatCannotBe(t *testing.T) {
	for _, o := range []operator.OneNetwork{one("10.1.0.0", "a b", "lan", false), one("10.1.0.7/16", "a", "lan", false), one("ten", "a", "lan", false), one("10.1.0.0/16", "a", "wan", false)} {
		if (operator.NetworkSet{OneNetwork: o}).Validate() == nil || (operator.NetworkRemove{OneNetwork: o}).Validate() == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	err := operator.NetworkImport{File: filepath.Join(t.TempDir(), "none.csv")}.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "sitecast network export") {
		t.Errorf("of a file that is not there: %v", err)
	}
}
