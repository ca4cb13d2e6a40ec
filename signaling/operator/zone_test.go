package operator_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/signaling/operator"
)

func TestASitesZoneIsSetLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-1"})
		if got, want := s.run(operator.SiteSet{Remote: s.remote, Name: "shop-1", TZ: new("Europe/Berlin")}), "Time zone of shop-1: Europe/Berlin\n"; got != want {
			t.Errorf("printed %q, want %q", got, want)
		}
		if got := s.run(operator.SiteShow{Remote: s.remote, Name: "shop-1", JSON: true}); !strings.Contains(got, `"tz": "Europe/Berlin"`) {
			t.Errorf("the site is %s", got)
		}
		if err := (operator.SiteSet{Name: "shop-1", TZ: new("Mars/Olympus")}).Validate(); err == nil {
			t.Error("a zone that is none is taken")
		}
		s.end()
	})
}
