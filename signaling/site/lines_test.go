package site

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

func TestSitesBehindOneLineHaveEqualPartsOfIt(t *testing.T) {
	const shop, depot, kiosk, here = "shop", "depot", "kiosk", "192.0.2.1"
	now, lines := time.Unix(1e6, 0), &Lines{}
	for _, step := range []struct {
		what     string
		after    time.Duration
		site     string
		egress   string
		capacity int64
		want     int64
	}{
		{"alone it has the line", 0, shop, here, 1_000_000, wire.Unlimited},
		{"and goes on so", time.Second, shop, here, 1_000_000, wire.Unlimited},
		{"a second one has half", time.Second, depot, here, 0, 475_000},
		{"and the first, too", time.Second, shop, here, 1_000_000, 475_000},
		{"who sees little of it changes nothing", time.Second, depot, here, 500_000, 475_000},
		{"nor does who sees a bit more", time.Second, depot, here, 1_050_000, 475_000},
		{"who sees much more does", time.Second, depot, here, 2_000_000, 950_000},
		{"a third one makes it thirds", time.Second, kiosk, here, 0, 633_333},
		{"another line is another's", 0, kiosk, "192.0.2.2", 0, wire.Unlimited},
		{"the first was silent for long", 2 * time.Second, depot, here, 2_000_000, 950_000},
		{"so was the third", 3 * time.Second, depot, here, 1_800_000, wire.Unlimited},
		{"of an unknown line nobody has a part", 0, shop, "192.0.2.3", 0, wire.Unlimited},
		{"nor two", 0, depot, "192.0.2.3", 0, wire.Unlimited},
		{"until it is known", 0, shop, "192.0.2.3", 800_000, 380_000},
		{"private addresses are no line", 0, shop, "", 800_000, wire.Unlimited},
		{"of several sites", 0, depot, "", 800_000, wire.Unlimited},
	} {
		now = now.Add(step.after)
		if got := lines.share(now, step.site, step.egress, step.capacity); got/1000 != step.want/1000 {
			t.Errorf("%s: %s may take %d, want %d", step.what, step.site, got, step.want)
		}
	}
	now = now.Add(sweepEvery)
	lines.share(now, shop, here, 0)
	if n := len(lines.byEgress); n != 1 {
		t.Errorf("%d lines are remembered, want the one in use", n)
	}
}

func TestLeastOfTwoBounds(t *testing.T) {
	for _, c := range [][3]int64{{1, 2, 1}, {2, 1, 1}, {wire.Unlimited, 5, 5}, {5, wire.Unlimited, 5}, {wire.Unlimited, wire.Unlimited, wire.Unlimited}} {
		if got := least(c[0], c[1]); got != c[2] {
			t.Errorf("of %d and %d it is %d, want %d", c[0], c[1], got, c[2])
		}
	}
}
