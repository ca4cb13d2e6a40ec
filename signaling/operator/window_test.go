package operator_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/signaling/operator"
)

func TestADistributionHasAWindowOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-1"})
		s.published("app", "1")
		order := operator.Distribute{Remote: s.remote, Ref: "app@1", All: true, Priority: "normal", Aiming: operator.Aiming{Window: "mon-fri 22:00-05:00"}}
		if err := order.Validate(); err != nil {
			t.Fatal(err)
		}
		wantLines(t, "distribute", s.run(order), "Ordered app@1 to all sites, fetched in mon-fri 22:00-05:00.")
		if got := s.run(operator.RolloutShow{Remote: s.remote, One: operator.One{ID: 1}}); !strings.Contains(got, "fetched in mon-fri 22:00-05:00 open; * closed") {
			t.Errorf("rollout show printed %q, want the window", got)
		}
		order.Window = "mon-fri 22:30-05:00"
		if err := order.Validate(); err == nil || !strings.Contains(err.Error(), "--window") || !strings.Contains(err.Error(), "full hour") {
			t.Errorf("a window by minutes: %v, want a word about it", err)
		}
		s.end()
	})
}

func TestARingHasAGateOfTheWAN(t *testing.T) {
	aim := operator.Aiming{Query: "all", Ring: []string{"canary=tag:canary; wan<=20mbit", "rest=rest"}}
	d := operator.Distribute{Ref: "app@1", Priority: "normal", Aiming: aim}
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, gate := range []string{"wan>=20mbit", "wan<=none", "wan<=0", "wan<=much"} {
		d.Ring = []string{"canary=tag:canary; " + gate, "rest=rest"}
		if err := d.Validate(); err == nil {
			t.Errorf("%s is taken", gate)
		}
	}
}
