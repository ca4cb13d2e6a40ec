package lab_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/signaling/operator"
)

// A site that shall keep two copies of what was distributed there makes the second one
// again when its holder stays away, also of a version that a newer one superseded: out
// of the first, and not over the WAN.
func TestSiteKeepsCopiesOfWhatWasSuperseded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 4 << 20
		l := lab.New(t, lab.Plan{Sites: []int{3}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		set := operator.SiteSet{Remote: l.Remote(io.Discard), Name: s.Name, Replicas: new(2)}
		if err := set.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		late := s.Endpoints[2]
		late.Stop()
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		l.AwaitComplete("app", s, time.Minute)
		l.Publish("app", "2", size)
		l.Distribute("app@2")
		l.Settle()
		l.AwaitComplete("app", s, time.Minute)
		late.Start()
		l.Settle()
		l.AwaitComplete("app", s, time.Minute)
		served := l.Served()
		s.Endpoints[1].Stop()
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		late.WantDelivered("app", "1", size)
		if got := l.Served(); got != served {
			t.Errorf("%d bytes were served for a copy of what nobody wants", got-served)
		}
	})
}
