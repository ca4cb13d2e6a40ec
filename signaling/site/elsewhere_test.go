package site_test

import (
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// Who only lost its socket keeps its links: it may be back, or the server away. Who is
// elsewhere does not.
func TestLinksToWhoIsElsewhereEnd(t *testing.T) {
	for name, elsewhere := range map[string]bool{"lost": false, "elsewhere": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t)
				defer s.close()
				s.order(version("app", 3))
				laptop, till, other := s.join("laptop"), s.join("till"), s.join("zoo")
				laptop.say(&wire.Linked{Peer: till.id, Up: true})
				till.say(&wire.Linked{Peer: other.id, Up: true})
				take[wire.HangUp](till)
				s.send(site.Left{ID: laptop.id, Conn: laptop, Elsewhere: elsewhere})
				got := take[wire.HangUp](till)
				if elsewhere != (len(got) == 1 && got[0].Peer == laptop.id) || !elsewhere && len(got) != 0 {
					t.Errorf("the till is told to hang up %v", got)
				}
				for _, h := range take[wire.HangUp](other) {
					if h.Peer != laptop.id {
						t.Errorf("another is told to hang up %v", h)
					}
				}
			})
		})
	}
}
