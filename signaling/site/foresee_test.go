package site_test

import (
	"context"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

func (s *stand) foresee(p site.Plan) site.Foreseen {
	s.t.Helper()
	out, err := s.site.Foresee(context.Background(), p)
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	return out
}

func TestAPlanIsForeseenBesideWhatIsOnItsWay(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.Cap = 100_000
		a := version("a", 600) // 60 MB
		s.order(a)
		s.fetcher(10_000_000, a)
		now := time.Now()
		in := func(p site.Plan) time.Duration { return s.foresee(p).Ready.Sub(now).Round(time.Second) }
		plan := site.Plan{Name: "b", Priority: wire.Normal, Bytes: 10_000_000}
		if got := in(plan); got < 195*time.Second || got > 205*time.Second {
			t.Errorf("10 MB beside 60 MB of the same class at 100 kB/s: complete in %v, want 200 s", got)
		}
		high, same := plan, plan
		high.Priority, same.Name = wire.High, "a"
		if got := in(high); got < 95*time.Second || got > 105*time.Second {
			t.Errorf("before a lower class: complete in %v, want 100 s", got)
		}
		if got := in(same); got < 95*time.Second || got > 105*time.Second {
			t.Errorf("in place of what is on its way: complete in %v, want 100 s", got)
		}
		later := plan
		later.From = now.Add(time.Hour)
		if got := in(later); got < time.Hour+95*time.Second || got > time.Hour+105*time.Second {
			t.Errorf("an hour later: complete in %v, want an hour and 100 s", got)
		}
		windowed := same
		windowed.Window = windows(t, "02:00-04:00 open; * closed")
		if got := in(windowed); got < 2*time.Hour+90*time.Second || got > 2*time.Hour+105*time.Second {
			t.Errorf("in a window that opens in two hours: complete in %v, want 2 h and 100 s", got)
		}
		if got := s.foresee(site.Plan{Name: "b", Priority: wire.Normal}); !got.Ready.Equal(now) || got.Why != "" {
			t.Errorf("nothing has to come: got %+v, want that it is complete", got)
		}
		late := plan
		late.By = now.Add(time.Minute)
		if got := s.foresee(late); got.Why == "" || got.Rate != 100_000 {
			t.Errorf("a minute for what takes longer: got %+v, want that it says why, and the cap", got)
		}
		if s.flow(a).State != site.StateRunning {
			t.Error("the forecast changed a flow")
		}
	})
}

func TestNobodyCanTellWhatALineGivesThatWasNotMeasured(t *testing.T) {
	onStand(t, func(s *stand) {
		s.order()
		s.join("till")
		if got := s.foresee(site.Plan{Name: "b", Priority: wire.Normal, Bytes: 1}); !got.Ready.IsZero() || got.Why == "" {
			t.Errorf("got %+v, want that nobody can tell", got)
		}
	})
}
