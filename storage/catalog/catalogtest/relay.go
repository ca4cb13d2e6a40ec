package catalogtest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/storage/catalog"
)

var relayAtShop = catalog.SiteRelay{Address: "turn:10.12.0.5:3478", Secret: []byte("0123456789abcdef")}

func relayChanges(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop", "other")
	for _, want := range []catalog.SiteRelay{relayAtShop, {Address: "turns:relay.shop.example:5349", Secret: bytes.Repeat([]byte("ü"), 100)},
		{Address: "turn:10.12.0.5:3478,[fd00:12::5]:3478", Secret: relayAtShop.Secret}, {}} {
		before := orders(t, c, "shop").Generation
		must(t, c.SetRelay(t.Context(), who, "shop", want))
		s, err := c.Site(t.Context(), "shop")
		if s.Relay != want.Address || !bytes.Equal(s.RelaySecret, want.Secret) || err != nil {
			t.Errorf("got relay %q with secret %q (%v), want %+v", s.Relay, s.RelaySecret, err, want)
		}
		if o := orders(t, c, "shop"); o.Site.Relay != want.Address || o.Generation <= before {
			t.Errorf("orders: got relay %q in generation %d after %d, want %q", o.Site.Relay, o.Generation, before, want.Address)
		}
		if s, err := c.Site(t.Context(), "other"); s.Relay != "" || s.RelaySecret != nil || err != nil {
			t.Errorf("another site: got relay %q (%v), want none", s.Relay, err)
		}
	}
	must(t, c.SetRelay(t.Context(), who, "shop", relayAtShop))
	for _, address := range []string{"", "10.12.0.5:3478", "turn:10.12.0.5", "turn::3478", "turn:10.12.0.5:0", "turn:10.12.0.5:70000", "turn:10.12.0.5:http",
		"stun:10.12.0.5:3478", "turn:10.12.0.5:3478,", "turn:10.12.0.5:3478,10.12.0.6:3478,10.12.0.7:3478", "turn:a b:1", "turn:" + strings.Repeat("a", 300) + ":3478"} {
		if err := c.SetRelay(t.Context(), who, "shop", catalog.SiteRelay{Address: address, Secret: relayAtShop.Secret}); err == nil {
			t.Errorf("a relay at %q: accepted", address)
		}
	}
	for _, n := range []int{0, catalog.MinRelaySecret - 1, catalog.MaxRelaySecret + 1} {
		if err := c.SetRelay(t.Context(), who, "shop", catalog.SiteRelay{Address: relayAtShop.Address, Secret: make([]byte, n)}); err == nil {
			t.Errorf("a secret of %d bytes: accepted", n)
		}
	}
	wantErr(t, "missing site", c.SetRelay(t.Context(), who, "nowhere", relayAtShop), catalog.ErrNotFound)
	if s, err := c.Site(t.Context(), "shop"); s.Relay != relayAtShop.Address || err != nil {
		t.Errorf("got relay %q (%v), want that of before", s.Relay, err)
	}
}
