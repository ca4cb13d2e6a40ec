package schedule_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestEgressIsWhatEndpointsShareOfTheirAddress(t *testing.T) {
	for address, want := range map[string]string{
		"203.0.113.7": "203.0.113.7", "203.0.113.7:4711": "203.0.113.7", "::ffff:203.0.113.7": "203.0.113.7",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "[2001:db8:1:2::9]:80": "2001:db8:1:2::/64",
		"10.1.2.3": "", "192.168.1.4:9": "", "127.0.0.1": "", "[::1]:80": "", "fd00::7": "", "fe80::1%eth0": "",
		"memory": "memory", "": "",
	} {
		if got := schedule.Egress(address); got != want {
			t.Errorf("the egress of %q is %q, want %q", address, got, want)
		}
	}
}

func TestGovernorIsHeldByWhoFetchesAndStays(t *testing.T) {
	fetcher := schedule.Steward{ID: "fetcher", Fetcher: true, Near: true, Since: 9}
	second := schedule.Steward{ID: "second", Fetcher: true, Near: true, Since: 10}
	near := schedule.Steward{ID: "near", Near: true, Rested: time.Hour, Since: 2}
	frail := schedule.Steward{ID: "frail", Near: true, Frail: true, Rested: time.Hour, Since: 1}
	far := schedule.Steward{ID: "far", Rested: time.Hour}
	browser := schedule.Steward{ID: "browser", Browser: true, Fetcher: true, Near: true}
	rested := func(s schedule.Steward, d time.Duration) schedule.Steward { s.Fetcher, s.Rested = false, d; return s }
	type is = []schedule.Steward
	for _, c := range []struct {
		name            string
		there           is
		holder, standBy wire.EndpointID
		want, wantNext  wire.EndpointID
	}{
		{name: "nobody"},
		{name: "browsers only", there: is{browser}},
		{name: "one", there: is{far}, want: "far"},
		{name: "the fetcher", there: is{far, frail, near, browser, fetcher}, want: "fetcher", wantNext: "near"},
		{name: "by battery before by way of the server", there: is{far, frail, fetcher}, want: "fetcher", wantNext: "frail"},
		{name: "another fetcher stands by", there: is{near, second, fetcher}, want: "fetcher", wantNext: "second"},
		{name: "who holds it stays", there: is{fetcher, second}, holder: "second", standBy: "fetcher", want: "second", wantNext: "fetcher"},
		{name: "also between two leases", there: is{rested(fetcher, 10*time.Second), second}, holder: "fetcher", standBy: "second",
			want: "fetcher", wantNext: "second"},
		{name: "until it rested for long", there: is{rested(fetcher, 11*time.Second), second}, holder: "fetcher", standBy: "second",
			want: "second", wantNext: "fetcher"},
		{name: "while nobody fetches, too", there: is{rested(fetcher, time.Hour), near}, holder: "fetcher", standBy: "near",
			want: "fetcher", wantNext: "near"},
		{name: "who stood by follows", there: is{second, rested(near, 0)}, holder: "fetcher", standBy: "near", want: "near", wantNext: "second"},
		{name: "both left", there: is{far, second}, holder: "fetcher", standBy: "near", want: "second", wantNext: "far"},
		{name: "who stands by gives way to a fetcher", there: is{fetcher, near, second}, holder: "fetcher", standBy: "near",
			want: "fetcher", wantNext: "second"},
		{name: "and stays among equals", there: is{fetcher, rested(near, time.Hour), {ID: "old", Near: true, Rested: time.Hour}},
			holder: "fetcher", standBy: "near", want: "fetcher", wantNext: "near"},
		{name: "a browser holds nothing", there: is{browser, near}, holder: "browser", standBy: "near", want: "near"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, next := schedule.Appoint(c.there, c.holder, c.standBy); got != c.want || next != c.wantNext {
				t.Errorf("appointed %q and %q, want %q and %q", got, next, c.want, c.wantNext)
			}
		})
	}
}

func TestWhoeverIsThereAnAppointmentHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var there []schedule.Steward
		for i := range rapid.IntRange(0, 5).Draw(t, "members") {
			there = append(there, schedule.Steward{ID: wire.EndpointID(fmt.Sprint("e", i)), Browser: rapid.Bool().Draw(t, "browser"),
				Frail: rapid.Bool().Draw(t, "frail"), Fetcher: rapid.Bool().Draw(t, "fetcher"), Near: rapid.Bool().Draw(t, "near"),
				Rested: time.Duration(rapid.IntRange(0, 20).Draw(t, "rested")) * time.Second, Since: int64(i)})
		}
		who := rapid.SampledFrom([]wire.EndpointID{"", "e0", "e1", "e4", "gone"})
		holder, standBy := schedule.Appoint(there, who.Draw(t, "holder"), who.Draw(t, "stand-by"))
		agents := 0
		for _, s := range there {
			if !s.Browser {
				agents++
			} else if s.ID == holder || s.ID == standBy {
				t.Fatalf("appointed the browser %q", s.ID)
			}
		}
		if (holder == "") != (agents == 0) || (standBy == "") != (agents < 2) || holder == standBy && holder != "" {
			t.Fatalf("appointed %q and %q of %d", holder, standBy, agents)
		}
		// Nothing changes while nothing changes.
		slices.Reverse(there)
		if again, next := schedule.Appoint(there, holder, standBy); again != holder || next != standBy {
			t.Fatalf("appointed %q and %q, then %q and %q", holder, standBy, again, next)
		}
	})
}
