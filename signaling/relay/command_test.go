package relay_test

import (
	"net"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/signaling/relay"
	"github.com/sitecast/sitecast/signaling/units"
)

func TestFlagsThatCannotBeAreRefusedAndSayWhich(t *testing.T) {
	good := relay.Command{Listen: "0.0.0.0:3478", PublicIP: []string{"10.12.0.5"}, Ports: "49160-49660", EndpointAllocations: 64,
		EndpointRate: units.NoRate, SiteRate: units.NoRate, Deny: []string{"192.0.2.0/24"}}
	if err := good.Validate(); err != nil {
		t.Fatalf("good flags: %v", err)
	}
	for want, change := range map[string]func(*relay.Command){
		"--public-ip":            func(c *relay.Command) { c.PublicIP = []string{"0.0.0.0"} },
		"--listen":               func(c *relay.Command) { c.Listen = "3478" },
		"--tls-cert and":         func(c *relay.Command) { c.TLSKey = "key.pem" },
		`--ports "9-8"`:          func(c *relay.Command) { c.Ports = "9-8" },
		`--ports "1-65536"`:      func(c *relay.Command) { c.Ports = "1-65536" },
		`--ports "7"`:            func(c *relay.Command) { c.Ports = "7" },
		"--deny":                 func(c *relay.Command) { c.Deny = []string{"10.0.0/8"} },
		"--endpoint-allocations": func(c *relay.Command) { c.EndpointAllocations = 0 },
		"--site-allocations":     func(c *relay.Command) { c.SiteAllocations = -1 },
	} {
		c := good
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error about %s", err, want)
		}
	}
}

// A relay is of the kind of its public address: so is where it listens by itself.
func TestARelayListensAtAddressesOfItsKind(t *testing.T) {
	for _, c := range [][3]string{{"", "203.0.113.5", "0.0.0.0"}, {"::", "203.0.113.5", "0.0.0.0"}, {"0.0.0.0", "2001:db8::5", "::"}, {"", "2001:db8::5", "::"},
		{"10.0.0.5", "203.0.113.5", "10.0.0.5"}, {"fd00::5", "2001:db8::5", "fd00::5"}, {"relay.example", "203.0.113.5", "relay.example"}} {
		if got := relay.BindAll(c[0], net.ParseIP(c[1])); got != c[2] {
			t.Errorf("at %q for %s: %s, want %s", c[0], c[1], got, c[2])
		}
	}
}
