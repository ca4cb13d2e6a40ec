package site_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// visit brings a browser online that names contents.
func (s *stand) visit(name string, contents ...string) *fake {
	s.t.Helper()
	return s.visitFrom(name, "192.0.2.1", contents...)
}

func (s *stand) visitFrom(name, address string, contents ...string) *fake {
	s.t.Helper()
	f := &fake{s: s, id: idOf(name)}
	s.send(site.Joined{Conn: f, Member: site.Member{ID: f.id, Hello: wire.Hello{Version: 1, Name: name, Device: wire.DeviceBrowser},
		Address: address, Contents: names(contents...)}})
	time.Sleep(time.Millisecond)
	return f
}

func names(contents ...string) []wire.Named {
	out := []wire.Named{}
	for _, c := range contents {
		name, version, _ := strings.Cut(c, "@")
		out = append(out, wire.Named{Name: name, Version: version})
	}
	return out
}

// found makes what browsers name that version.
func (s *stand) found(name string, spec site.FlowSpec) {
	if s.want.Demands == nil {
		s.want.Demands = map[wire.Named]content.VersionID{}
	}
	s.want.Demands[names(name)[0]] = spec.ID
}

// asked returns what the site wants to have looked up, if that changed.
func (s *stand) asked() string {
	s.t.Helper()
	select {
	case named := <-s.site.Demands():
		var out []string
		for _, n := range named {
			out = append(out, n.String())
		}
		return strings.Join(out, " ")
	default:
		return "nothing new"
	}
}

func onDemand(spec site.FlowSpec) site.FlowSpec {
	return with(spec, func(f *site.FlowSpec) { f.OnDemand = true })
}

// TestABrowserIsToldWhatItNamedAndNothingElse is what the token promises to whoever
// did not make it.
func TestABrowserIsToldWhatItNamedAndNothingElse(t *testing.T) {
	onStand(t, func(s *stand) {
		named, secret := paused(version("named", 3)), version("secret", 3)
		s.want.Pins = []wire.Pin{{Content: "secret"}}
		s.want.Purges = []wire.Purge{{Content: "secret", Serial: 3, Why: "ann purged secret at shop-1"}}
		s.found("named", named)
		s.order(named, secret, with(version("kept", 3), func(f *site.FlowSpec) { f.PreStage = 2 }))
		tab := s.visit("tab", "named")
		till := s.join("till")
		want := []wire.Flow{{Generation: 1, ID: named.ID, Head: named.Envelope, Priority: wire.Normal, Paused: true}}
		if got := take[wire.Flow](tab); !reflect.DeepEqual(got, want) {
			t.Errorf("told %+v, want %+v, and not who paused it", got, want)
		}
		if got, want := one[wire.Flows](tab), (wire.Flows{Generation: 1, IDs: []content.VersionID{named.ID}}); !reflect.DeepEqual(got, want) {
			t.Errorf("told %+v, want %+v", got, want)
		}
		tab.say(&wire.Stock{Room: 1000, Spare: []wire.Spare{{Content: "secret", Version: "1", Serial: 3}}})
		tab.report(secret, chunks(0, 3))
		s.want.Flows[1] = paused(secret)
		s.again()
		s.pass(time.Minute)
		for _, flows := range take[wire.Flows](tab) {
			if len(flows.IDs) != 1 || flows.Pins != nil || flows.Purges != nil || flows.Copies != nil {
				t.Errorf("told %+v", flows)
			}
		}
		for _, f := range take[wire.Flow](tab) {
			if f.ID != named.ID || f.PausedBy != "" {
				t.Errorf("told %+v", f)
			}
		}
		if v := s.flow(secret); v.Complete != 0 || v.Endpoints != 1 {
			t.Errorf("the other flow is %+v, want it without the browser", v)
		}
		if got := len(take[wire.Flow](till)); got < 2 {
			t.Errorf("the agent was told of %d flows", got)
		}
		if tab.closed() != "" {
			t.Error("the browser was thrown out")
		}
	})
}

func TestWhatBrowsersNameIsLookedUp(t *testing.T) {
	onStand(t, func(s *stand) {
		s.again()
		tab := s.visit("tab", "b@2", "a")
		if got := s.asked(); got != "a b@2" {
			t.Errorf("asked for %q", got)
		}
		other := s.visit("other", "a")
		if got := s.asked(); got != "nothing new" {
			t.Errorf("asked for %q", got)
		}
		tab.leave()
		s.pass(59 * time.Second)
		if got := s.asked(); got != "nothing new" {
			t.Errorf("a moment after it left: asked for %q", got)
		}
		s.pass(2 * time.Second)
		if got := s.asked(); got != "a" {
			t.Errorf("a minute after it left: asked for %q", got)
		}
		other.leave()
		s.pass(30 * time.Second)
		other = s.visit("other", "a")
		s.pass(2 * time.Minute)
		if got := s.asked(); got != "nothing new" {
			t.Errorf("a page that was loaded again: asked for %q", got)
		}
		other.leave()
		s.pass(2 * time.Minute)
		if got := s.asked(); got != "" {
			t.Errorf("with nobody there: asked for %q", got)
		}
	})
}

// A browser that was told of no flow before it is known which ones there are would
// drop what it holds, and what it says meanwhile is of flows that are about to be.
func TestABrowserIsToldNothingBeforeItsContentsAreKnown(t *testing.T) {
	onStand(t, func(s *stand) {
		a := onDemand(version("a", 20))
		s.again()
		tab := s.visit("tab", "a", "gone")
		tab.report(a, chunks(0, 7))
		if got := tab.kinds(); len(got) != 0 {
			t.Errorf("told %v", got)
		}
		s.found("gone", site.FlowSpec{})
		s.again() // somebody else changed something
		if got := tab.kinds(); len(got) != 0 {
			t.Errorf("told %v", got)
		}
		s.found("a", a)
		s.order(a)
		if got := one[wire.Flows](tab); !slices.Equal(got.IDs, []content.VersionID{a.ID}) {
			t.Errorf("told %+v", got)
		}
		if got := s.view().Endpoints[0].Flows; len(got) != 1 || got[0].Held != 7 {
			t.Errorf("it holds %+v, want what it said before", got)
		}
	})
}

func TestAFlowOnDemandIsForBrowsersThatNamedIt(t *testing.T) {
	onStand(t, func(s *stand) {
		a := onDemand(version("a", 20))
		s.want.HoldOff = time.Hour
		s.found("a", a)
		s.found("b", site.FlowSpec{})
		s.order(a)
		till, other := s.join("till"), s.visit("other", "b")
		tab := s.visit("tab", "a")
		none[wire.Flow](till)
		none[wire.Flow](other)
		tab.report(a, nil)
		s.pass(3 * time.Second)
		leases := take[wire.Lease](tab)
		if len(leases) != 2 || !leases[0].Body || strings.Contains(leases[0].URL, "part=") {
			t.Fatalf("leased %+v, want the body and a range", leases)
		}
		l := leases[1]
		if want := fmt.Sprintf("&part=%d-%d", l.From, l.To); !strings.HasSuffix(l.URL, want) {
			t.Errorf("the lease's address is %s, want it for its bytes alone", l.URL)
		}
		if v := s.flow(a); !v.OnDemand || v.Endpoints != 1 || v.State != site.StateRunning {
			t.Errorf("the flow is %+v", v)
		}
		none[wire.Lease](till)
		s.want.Demands = nil
		s.order()
		if got := take[wire.Revoke](tab); len(got) != 2 {
			t.Errorf("revoked %+v", got)
		}
	})
}

// TestASupersededVersionThatIsNamedIsFetched: its copies alone would not be.
func TestASupersededVersionThatIsNamedIsFetched(t *testing.T) {
	onStand(t, func(s *stand) {
		old := onDemand(with(version("a", 20), func(f *site.FlowSpec) { f.PreStage, f.Superseded = 2, true }))
		s.found("a@1", old)
		s.order(old)
		tab := s.visit("tab", "a@1")
		if got := one[wire.Flow](tab); got.Superseded {
			t.Errorf("told %+v, want it as any other", got)
		}
		tab.report(old, nil)
		s.pass(3 * time.Second)
		if got := take[wire.Lease](tab); len(got) == 0 {
			t.Error("nothing is fetched")
		}
		if v := s.flow(old); v.Superseded || !v.OnDemand {
			t.Errorf("shown as %+v", v)
		}
	})
}

// TestABrowserFollowsWhatItsNameStandsFor: the name stays, the version is another.
func TestABrowserFollowsWhatItsNameStandsFor(t *testing.T) {
	onStand(t, func(s *stand) {
		one1, two := version("a", 20), onDemand(version("b", 20))
		s.found("a", one1)
		s.order(one1, two)
		tab, till := s.visit("tab", "a"), s.join("till")
		till.report(one1, nil)
		tab.report(one1, chunks(0, 20))
		s.pass(3 * time.Second)
		none[wire.Lease](till)
		take[wire.Dial](till)
		take[wire.Visiting](till)
		s.found("a", two)
		s.again()
		if got := last[wire.Flows](tab); !slices.Equal(got.IDs, []content.VersionID{two.ID}) {
			t.Errorf("told %+v", got)
		}
		if got := last[wire.Visiting](till); got.Peer != tab.id || !slices.Equal(got.Flows, []content.VersionID{two.ID}) {
			t.Errorf("its peer was told %+v", got)
		}
		s.pass(3 * time.Second)
		if faults := s.site.Faults(); len(faults) > 0 {
			t.Error(faults)
		}
		if got := take[wire.Lease](till); len(got) == 0 {
			t.Error("what the browser held is not fetched though it is no holder any more")
		}
	})
}

// TestPeersAreToldWhatAVisitorTakesPartIn with whatever makes a link, and whatever the
// visitor says itself.
func TestPeersAreToldWhatAVisitorTakesPartIn(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 3)
		s.found("a", a)
		s.order(a, version("b", 3))
		till, tab, kiosk := s.join("atill"), s.visit("btab", "a"), s.join("ckiosk")
		s.pass(time.Second)
		want := &wire.Visitor{Flows: []content.VersionID{a.ID}}
		for _, d := range take[wire.Dial](till) {
			if (d.Peer == tab.id) != (d.Visitor != nil) || d.Visitor != nil && !reflect.DeepEqual(d.Visitor, want) {
				t.Errorf("dial %+v with %+v", d, d.Visitor)
			}
		}
		for _, d := range take[wire.Dial](tab) {
			if d.Visitor != nil {
				t.Errorf("dial %+v with %+v", d, d.Visitor)
			}
		}
		offer := &wire.Description{SDP: "v=0"}
		tab.say(&wire.Signal{To: kiosk.id, Link: "x", Offer: offer})
		tab.say(&wire.Signal{To: kiosk.id, Link: "x", Answer: offer, Visitor: &wire.Visitor{}})
		for _, got := range take[wire.Signal](kiosk) {
			if !reflect.DeepEqual(got.Visitor, want) {
				t.Errorf("forwarded %+v with %+v", got, got.Visitor)
			}
		}
		till.say(&wire.Signal{To: kiosk.id, Link: "y", Offer: offer, Visitor: &wire.Visitor{}})
		if got := one[wire.Signal](kiosk); got.Visitor != nil {
			t.Errorf("an agent calls itself a visitor, and is passed on as %+v", got.Visitor)
		}
	})
}

// TestBrowsersFetchOnlyWhereNobodyElseCan covers a device that is worse in every way.
func TestBrowsersFetchOnlyWhereNobodyElseCan(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 40)
		s.found("a", a)
		s.order(a)
		tab := s.visit("tab", "a")
		phone := s.join("phone", wire.Hello{Version: 1, Device: wire.DeviceAgent, Battery: true, Wireless: true})
		tab.report(a, nil)
		phone.report(a, nil)
		s.pass(3 * time.Second)
		none[wire.Lease](tab)
		leases := take[wire.Lease](phone)
		if len(leases) != 2 {
			t.Fatalf("leased %+v", leases)
		}
		phone.report(a, nil, failed(leases[0]), failed(leases[1]))
		if got := take[wire.Lease](tab); len(got) == 0 { // the phone can't for now
			t.Error("nobody fetches")
		}
	})
}

// TestGroupsDoNotHangTogetherByABrowser that does not hand on what they need.
func TestGroupsDoNotHangTogetherByABrowser(t *testing.T) {
	onStand(t, func(s *stand) {
		a, b := version("a", 3), version("b", 3)
		s.found("a", a)
		s.order(a, b)
		left, tab, right := s.join("aleft"), s.visit("btab", "a"), s.join("cright")
		for i := range 3 {
			for _, f := range []*fake{left, right} {
				f.report(a, nil)
				f.report(b, nil)
			}
			left.say(&wire.Linked{Peer: tab.id, Up: true})
			tab.say(&wire.Linked{Peer: right.id, Up: true})
			left.say(&wire.Linked{Peer: right.id, Attempt: i + 1})
			s.pass(20 * time.Second)
		}
		if v := s.flow(b); v.Groups != 2 {
			t.Errorf("the flow that the browser does not know is in %d groups, want a copy for each side", v.Groups)
		}
	})
}

func TestBrowsersAreBounded(t *testing.T) {
	onStand(t, func(s *stand) {
		s.again()
		var tabs []*fake
		for i := range site.MaxMembers/2 + 1 {
			tabs = append(tabs, s.visit(fmt.Sprintf("tab%04d", i), "a"))
		}
		if tabs[0].closed() != "" || tabs[len(tabs)-1].closed() != wire.CodeOverloaded {
			t.Errorf("the first was closed with %q, the last with %q", tabs[0].closed(), tabs[len(tabs)-1].closed())
		}
		if till := s.join("till"); till.closed() != "" {
			t.Error("tabs have crowded out a till")
		}
		for _, tab := range tabs[1:] {
			tab.leave()
		}
		for i := range 16 {
			var contents []string
			for j := range 16 - i/15 { // and a
				contents = append(contents, fmt.Sprintf("c%d-%d", i, j))
			}
			s.visit(fmt.Sprintf("wide%d", i), contents...)
		}
		if got := s.visit("last", "a").closed(); got != "" {
			t.Errorf("who names nothing new was closed with %q", got)
		}
		if got := s.visit("one-more", "z").closed(); got != wire.CodeOverloaded {
			t.Errorf("more contents than the site looks up: closed with %q", got)
		}
	})
}

// TestTheHubLooksUpWhatBrowsersName brings site and source together.
func TestTheHubLooksUpWhatBrowsersName(t *testing.T) {
	onHub(t, func(h *site.Hub, from *source) {
		a := onDemand(version("a", 3))
		from.set(map[string]site.Desired{"shop-1": {Generation: 1, Cap: wire.Unlimited, Flows: []site.FlowSpec{a}, Demands: map[wire.Named]content.VersionID{{Name: "a"}: a.ID}}}, nil)
		one := h.Site("shop-1")
		synctest.Wait()
		s := &stand{t: t, site: one}
		tab := s.visit("tab", "a")
		if got := from.lookedUp(); len(got) != 1 || got[0].Name != "a" {
			t.Errorf("looked up %v", got)
		}
		if got := last[wire.Flows](tab); len(got.IDs) != 1 {
			t.Errorf("told %+v", got)
		}
	})
}

// TestAPageIsCountedApart so that who waits for a distribution does not wait for pages.
func TestAPageIsCountedApart(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 20)
		s.found("a", a)
		s.order(a)
		till, tab := s.join("till"), s.visit("tab", "a")
		till.report(a, chunks(0, 10))
		tab.say(&wire.Progress{Flow: a.ID, Code: wire.CodeDiskFull, Error: "no room"})
		v := s.flow(a)
		if v.Endpoints != 2 || v.Browsers != 1 || v.State != site.StateRunning {
			t.Errorf("%d endpoints, %d of them pages, and %s: want 2, 1 and running as the till goes on", v.Endpoints, v.Browsers, v.State)
		}
		till.report(a, chunks(0, 20))
		if v = s.flow(a); v.Complete != 1 || v.BrowsersComplete != 0 || v.State != site.StateFailed {
			t.Errorf("%d complete, %d of them pages, and %s: want 1, 0 and failed", v.Complete, v.BrowsersComplete, v.State)
		}
		tab.report(a, chunks(0, 20))
		if v = s.flow(a); v.Complete != 2 || v.BrowsersComplete != 1 {
			t.Errorf("%d complete, %d of them pages", v.Complete, v.BrowsersComplete)
		}
	})
}
