package lab_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/signaling/operator"
)

// A version is complete on all kiosks and waits for the instant that its publisher signed when
// its rollout is halted. It stays out of use beyond that instant, also on a kiosk that was off when it
// was halted and is on again before, and is used when the rollout goes on.
func TestAHaltKeepsKiosksFromActivatingWhatIsComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 256 << 10
		l := lab.New(t, lab.Plan{Sites: []int{2, 1}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		canary, rest := l.Sites[0], l.Sites[1]
		kiosks(canary)
		kiosks(rest)
		tag(t, l, "canary", canary)
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		l.AwaitComplete("app", canary, time.Minute)
		l.AwaitComplete("app", rest, time.Minute)

		at := time.Now().Add(time.Hour).Truncate(time.Second)
		l.Publish("app", "2", size)
		l.DistributeHeld("app@2", at, "canary=tag:canary", "rest=rest")
		time.Sleep(10 * time.Minute)
		for _, e := range canary.Endpoints {
			e.WantDelivered("app", "2", size)
		}
		off := canary.Endpoints[1]
		off.Stop()
		one := operator.One{ID: 2}
		if err := (operator.RolloutHalt{Remote: l.Remote(io.Discard), One: one, Reason: "wrong prices"}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		off.Start()
		time.Sleep(time.Until(at.Add(10 * time.Minute)))
		wantActive(t, canary, "1")
		if f := l.Flow("app", canary); f.Version != "2" || !f.Held {
			t.Errorf("at the halted site the flow is %s, held: %v", f.Version, f.Held)
		}
		if err := (operator.RolloutContinue{Remote: l.Remote(io.Discard), One: one}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		wantActive(t, canary, "2")
	})
}
