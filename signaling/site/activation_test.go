package site_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

func TestKioskIsShownWithWhatItUses(t *testing.T) {
	onStand(t, func(s *stand) {
		s.order()
		till := s.join("till", wire.Hello{Version: 1, Device: wire.DeviceKiosk})
		said := wire.Activation{Content: "app", Version: "1", State: "rolled_back", Staged: "2", Reason: "2 failed: status 500"}
		till.say(&wire.Stock{Room: 1, Activation: &said})
		if got := s.view().Endpoints[0].Activation; got == nil || got.Reason != said.Reason || got.Version != "1" {
			t.Errorf("got %+v, want %+v", got, said)
		}
		till.say(&wire.Stock{Room: 1})
		if got := s.view().Endpoints[0].Activation; got != nil {
			t.Errorf("got %+v of one that is no kiosk any more", got)
		}
	})
}

func TestEndpointsAreToldWhetherACopyIsToBeUsedAndTheTimeZone(t *testing.T) {
	onStand(t, func(s *stand) {
		spec := ahead(version("app", 4), 1)
		s.order()
		till := s.join("till")
		till.say(&wire.Stock{Room: 1 << 30})
		zone, err := time.LoadLocation("Europe/Berlin")
		if err != nil {
			t.Skip(err)
		}
		for _, c := range []struct {
			copies     int
			superseded bool
			want       bool
		}{{1, false, true}, {0, false, false}, {1, false, true}} {
			spec.PreStage, spec.Superseded = c.copies, c.superseded
			s.want.Zone = zone
			s.order(spec)
			s.pass(time.Second)
			flows, lists := take[wire.Flow](till), take[wire.Flows](till)
			if len(flows) == 0 || flows[len(flows)-1].Ahead != c.want {
				t.Errorf("%+v: told %+v, want ahead=%t", c, flows, c.want)
			}
			if len(lists) == 0 || lists[len(lists)-1].Zone != "Europe/Berlin" {
				t.Errorf("told %+v, want the time zone of the site", lists)
			}
		}
	})
}
