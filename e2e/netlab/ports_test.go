//go:build linux

package netlab_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
)

func TestSiteBehindAnotherSharesItsWAN(t *testing.T) {
	const rate = 20e6
	lab := netlab.New(t, netlab.Plan{
		Sites: []netlab.SitePlan{
			{Endpoints: 1, WAN: netlab.Both(netlab.Link{Rate: rate, Delay: 5 * time.Millisecond})},
			{Endpoints: 1, Behind: 1},
		},
		Sysctls: map[string]string{"net.ipv4.tcp_congestion_control": "cubic"},
	})
	front, behind := lab.Sites[0], lab.Sites[1]
	for _, site := range lab.Sites {
		defer download(t, lab.Origin, site.Endpoints[0])()
	}
	time.Sleep(time.Second)
	begun, both, one := time.Now(), count(t, front), count(t, behind)
	time.Sleep(2 * time.Second)
	both, one = count(t, front).Minus(both), count(t, behind).Minus(one)
	full := rate / 8 * time.Since(begun).Seconds()
	if got := float64(both.ReceivedBytes) / full; got < 0.95 || got > 1.01 {
		t.Errorf("both sites together got %.3f of the link in front, want all", got)
	}
	if got := float64(one.ReceivedBytes) / full; got < 0.05 || got > 0.95 {
		t.Errorf("the site behind got %.3f of the link, want a part", got)
	}
	if link := (netlab.Link{Rate: rate}); behind.SetWAN(link, link) == nil {
		t.Error("the WAN of a site that has none was changed")
	}
}

func TestSiteBehindAnotherNeedsOneInFrontWithAWAN(t *testing.T) {
	wan := netlab.Both(netlab.Link{Rate: 1e6})
	for name, sites := range map[string][]netlab.SitePlan{
		"behind itself":         {{Behind: 1}},
		"behind a later site":   {{Behind: 2}, {WAN: wan}},
		"behind one behind":     {{WAN: wan}, {Behind: 1}, {Behind: 2}},
		"behind with a WAN":     {{WAN: wan}, {Behind: 1, WAN: wan}},
		"behind a negative one": {{WAN: wan}, {Behind: -1}},
	} {
		if lab, err := netlab.Start(netlab.Plan{Sites: sites}); err == nil {
			t.Errorf("%s: was built", name)
			_ = lab.Close()
		}
	}
}

func TestBytesTowardASiteAreToldByEndpoint(t *testing.T) {
	lab := netlab.New(t, netlab.Plan{Sites: []netlab.SitePlan{
		{Endpoints: 2, WAN: netlab.Both(netlab.Link{Rate: 20e6, Delay: 5 * time.Millisecond})}}})
	site := lab.Sites[0]
	defer download(t, lab.Origin, site.Endpoints[1])()
	time.Sleep(time.Second)
	wan, endpoints, err := site.Toward()
	if err != nil {
		t.Fatal(err)
	}
	// ARP never crossed the WAN.
	if wan < 1e6 || len(endpoints) != 2 || endpoints[0] > wan/100 || endpoints[1] < wan*98/100 || endpoints[1] > wan+1000 {
		t.Errorf("%d bytes came over the WAN, %d went to the endpoints, want all to the second", wan, endpoints)
	}
}
