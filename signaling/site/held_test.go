package site_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestMembersAreToldWhenAVersionIsUsed(t *testing.T) {
	onStand(t, func(s *stand) {
		held := version("a", 3)
		held.Activate = &site.Activate{}
		s.order(held)
		till := s.join("till")
		if got := one[wire.Flow](till); got.Activate == nil || got.Activate.Statement != nil || !got.Ahead {
			t.Errorf("got %+v, want it held, and ahead of need for agents of before", got)
		}
		s.order(held)
		none[wire.Flow](till)
		at := time.Now().Add(time.Hour)
		held.Activate = &site.Activate{At: at, Statement: json.RawMessage(`{"payload":"x"}`)}
		s.order(held)
		if got := one[wire.Flow](till); got.Activate == nil || string(got.Activate.Statement) != `{"payload":"x"}` || !got.Ahead {
			t.Errorf("got %+v, want the instant", got)
		}
		held.Activate = nil
		s.order(held)
		if got := one[wire.Flow](till); got.Activate != nil || got.Ahead {
			t.Errorf("got %+v, want it used", got)
		}
	})
}

// At the instant the older version is superseded, which the catalog says when it is asked.
func TestWhatIsWantedIsReadAgainAtAnInstant(t *testing.T) {
	onHub(t, func(h *site.Hub, from *source) {
		held := version("a", 3)
		held.Activate = &site.Activate{At: time.Now().Add(90 * time.Minute)}
		from.set(map[string]site.Desired{"shop-1": {Generation: 1, Flows: []site.FlowSpec{held}}}, nil)
		h.Site("shop-1")
		synctest.Wait()
		from.set(map[string]site.Desired{"shop-1": {Generation: 1}}, nil)
		time.Sleep(90*time.Minute - time.Second)
		synctest.Wait()
		if got := from.names(); len(got) != 0 {
			t.Errorf("read %d times before the instant", len(got))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		time.Sleep(24 * time.Hour)
		if got := from.names(); len(got) != 1 {
			t.Errorf("read %d times, want once", len(got))
		}
	})
}
