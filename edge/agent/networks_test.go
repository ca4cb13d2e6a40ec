package agent

import (
	"errors"
	"net"
	"slices"
	"testing"

	"github.com/pion/transport/v5"

	"github.com/sitecast/sitecast/edge/rtc"
	"github.com/sitecast/sitecast/signaling/wire"
)

// wired is a network whose interfaces are given.
type wired struct {
	rtc.Net
	addresses [][]string // of each interface
	err       error
}

func (w wired) Interfaces() (out []*transport.Interface, err error) {
	for _, list := range w.addresses {
		i := transport.NewInterface(net.Interface{Name: "eth0", Flags: net.FlagUp})
		for _, text := range list {
			ip, n, err := net.ParseCIDR(text)
			if err != nil {
				return nil, err
			}
			i.AddAddress(&net.IPNet{IP: ip, Mask: n.Mask})
		}
		out = append(out, i)
	}
	return out, w.err
}

func TestAHelloNamesTheNetworksAndNoAddress(t *testing.T) {
	many := [][]string{{}}
	for i := range maxSubnets + 2 {
		many[0] = append(many[0], (&net.IPNet{IP: net.IPv4(10, byte(i), 0, 1), Mask: net.CIDRMask(16, 32)}).String())
	}
	for name, c := range map[string]struct {
		addresses [][]string
		want      []string
	}{
		"one":                     {[][]string{{"10.1.0.7/24"}}, []string{"10.1.0.0/24"}},
		"several of one network":  {[][]string{{"fd00:1::7/64", "fd00:1::8/64"}, {"10.1.0.7/24"}}, []string{"fd00:1::/64", "10.1.0.0/24"}},
		"what everybody has":      {[][]string{{"127.0.0.1/8", "::1/128", "fe80::1/64", "169.254.1.1/16"}}, nil},
		"none":                    {nil, nil},
		"more than are asked for": {many, []string{"10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16", "10.5.0.0/16", "10.6.0.0/16", "10.7.0.0/16"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := wire.Hello{Version: 1}
			Config{Net: wired{addresses: c.addresses}}.sayNetworks(&h)
			if !slices.Equal(h.Subnets, c.want) || h.Aside != nil || h.Tunnelled {
				t.Errorf("got %+v, want subnets %v", h, c.want)
			}
			if err := h.Check(); err != nil {
				t.Error(err)
			}
		})
	}
	h := wire.Hello{Version: 1}
	if (Config{Net: wired{err: errors.New("no")}}).sayNetworks(&h); h.Subnets != nil {
		t.Errorf("got %v without interfaces", h.Subnets)
	}
}

func TestOnlyWhatSaysWhereTheHostIsMovesIt(t *testing.T) {
	was := wire.Hello{Subnets: []string{"10.1.0.0/24", "172.17.0.0/16"}, Aside: []string{"172.17.0.0/16"}}
	for name, c := range map[string]struct {
		is   wire.Hello
		want bool
	}{
		"the same":             {was, false},
		"in another order":     {wire.Hello{Subnets: []string{"172.17.0.0/16", "10.1.0.0/24"}, Aside: was.Aside}, false},
		"other containers":     {wire.Hello{Subnets: []string{"10.1.0.0/24", "172.18.0.0/16"}, Aside: []string{"172.18.0.0/16"}}, false},
		"another network":      {wire.Hello{Subnets: []string{"10.2.0.0/24"}}, true},
		"one more":             {wire.Hello{Subnets: []string{"10.1.0.0/24", "10.2.0.0/24"}}, true},
		"by way of a tunnel":   {wire.Hello{Subnets: was.Subnets, Aside: was.Aside, Tunnelled: true}, true},
		"what was aside is in": {wire.Hello{Subnets: was.Subnets}, true},
	} {
		if got := elsewhere(was, c.is); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
