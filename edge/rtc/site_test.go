package rtc_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// A link stands on statements that name a site. Who is at another ends it, without being
// told to by anybody, and makes and takes none but of its new site.
func TestAtAnotherSiteLinksEndAndNoneIsMadeWithTheOldOne(t *testing.T) {
	for _, next := range []string{"another", ""} {
		t.Run("at "+next, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, a, b, la, lb := linked(t)
				a.SetSite(site) // again: nothing happens
				a.SetSite(next)
				if f := down(t, a, time.Second); f.link != la || f.reason != "at another site" {
					t.Errorf("a heard %+v, want that its link ended", f)
				}
				if f := down(t, b, time.Second); f.link != lb {
					t.Errorf("b heard %+v, want that its link ended", f)
				}
				b.Dial(a.id, 1)
				down(t, b, soon)
				if next != "" {
					a.Dial(b.id, 1)
					down(t, a, soon)
				} else {
					a.Dial(b.id, 1)
					time.Sleep(time.Minute)
				}
				if len(a.ups)+len(b.ups) > 0 {
					t.Error("a link crosses sites")
				}
				a.SetSite(site)
				b.Dial(a.id, 2)
				up(t, a, soon)
				up(t, b, soon)
			})
		})
	}
}

// Two who are at no site are not of one.
func TestAtNoSiteNobodyIsMet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pair(t)
		a.SetSite("")
		b.SetSite("")
		a.Dial(b.id, 1)
		time.Sleep(time.Minute)
		if offered := n.server.sent(offers); len(offered)+len(a.ups)+len(b.ups) > 0 {
			t.Errorf("offered %d times", len(offered))
		}
		b.SetSite(site)
		b.Dial(a.id, 1)
		down(t, b, soon)
		if refused := n.server.sent(func(s wire.Signal) bool { return s.Refused != "" }); len(refused) != 1 {
			t.Errorf("refused %d times, want once", len(refused))
		}
	})
}
