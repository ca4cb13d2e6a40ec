package lab_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/signaling/site"
)

// named returns an endpoint of a site as operators see it there; false where it is not.
func named(l *lab.Lab, s *lab.Site, e *lab.Endpoint) (site.EndpointView, bool) {
	list := l.Endpoints(s)
	i := slices.IndexFunc(list, func(v site.EndpointView) bool { return v.Name == e.Name })
	if i < 0 {
		return site.EndpointView{}, false
	}
	return list[i], true
}

// A laptop is at the site where its networks are: in one that nobody knows it gets
// nothing until an operator says where that is, and then it takes from who is there.
func TestARoamingLaptopIsWhereItsNetworkIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 2 * mib
		l := lab.New(t, lab.Plan{Sites: []int{2, 2}, Path: wan, LAN: time.Millisecond, Roaming: true})
		defer l.Close()
		a, b := l.Sites[0], l.Sites[1]
		laptop, colleague := a.Endpoints[1], a.Endpoints[0]
		if names, told := l.Quarantine(); len(names) != 2 || !strings.Contains(told, "10.1.0.0/24") || !strings.Contains(told, "sitecast network set 10.1.0.0/24 --site NAME") {
			t.Fatalf("in quarantine are %v, and the operator is told:\n%s", names, told)
		}
		l.SetNetwork("10.1.0.0/24", "lan", a)
		l.Settle()
		if names, _ := l.Quarantine(); len(names) != 0 {
			t.Fatalf("in quarantine are %v still", names)
		}
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		for _, s := range l.Sites {
			if f := l.AwaitComplete("app", s, time.Minute); f.BytesOrigin != size || f.BytesPeer != size {
				t.Errorf("%s: %d bytes from the origin, %d from peers", s.Name, f.BytesOrigin, f.BytesPeer)
			}
		}

		laptop.Stop()
		laptop.Carry(a, b, "10.2.0.50")
		l.Publish("app", "2", size)
		l.Distribute("app@2")
		for l.Flow("app", a).Complete < 1 || l.Flow("app", b).Complete < 2 {
			time.Sleep(100 * time.Millisecond)
		}
		served, since := l.Served(), map[string]time.Time{}
		for _, e := range l.Endpoints(b) {
			since[e.Name] = e.Since
		}
		laptop.Start()
		time.Sleep(time.Minute)
		if names, told := l.Quarantine(); !slices.Equal(names, []string{laptop.Name}) || !strings.Contains(told, "10.2.0.0/24 behind 10.2.0.50/32") {
			t.Fatalf("in quarantine are %v, and the operator is told:\n%s", names, told)
		}
		if _, err := os.Stat(filepath.Join(laptop.Data, "content", "app", "2")); err == nil || l.Served() != served {
			t.Errorf("in quarantine it got version 2 (%v), and %d bytes crossed the WAN", err, l.Served()-served)
		}
		laptop.WantDelivered("app", "1", size) // what was held stays held
		for _, e := range l.Endpoints(b) {
			if e.Links > 1 {
				t.Errorf("%s has %d links, one to who is in quarantine", e.Name, e.Links)
			}
		}

		l.SetNetwork("10.2.0.0/24", "lan", b)
		f := l.AwaitComplete("app", b, time.Minute)
		laptop.WantDelivered("app", "2", size)
		if l.Served() != served || f.BytesOrigin != size {
			t.Errorf("%d bytes crossed the WAN for it, want none: who is there has them", l.Served()-served)
		}
		time.Sleep(5 * time.Second)
		if at, there := named(l, b, laptop); !there || at.Site != b.Name || at.Enrolled != a.Name || at.Links != 2 {
			t.Errorf("at %s it is %+v, want it linked with both that are there", b.Name, at)
		}
		if at, there := named(l, a, laptop); there {
			t.Errorf("at %s it is %+v, want that it is not", a.Name, at)
		}
		if at, _ := named(l, a, colleague); at.Links != 0 {
			t.Errorf("%d links are left where it was", at.Links)
		}
		for _, e := range l.Endpoints(b) {
			if was, there := since[e.Name]; there && !e.Since.Equal(was) {
				t.Errorf("%s had to connect again", e.Name)
			}
		}
	})
}

// Endpoints of one LAN whom the map puts to different sites never meet there, also when
// it puts them so while they are linked: no link crosses sites.
func TestNoLinkOutlivesThatItsEndsAreOfOneSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 2 * mib
		l := lab.New(t, lab.Plan{Sites: []int{4, 1}, Path: wan, LAN: time.Millisecond, Roaming: true})
		defer l.Close()
		a, b := l.Sites[0], l.Sites[1]
		l.SetNetwork("10.1.0.0/24", "egress", a) // all are seen under it
		l.Settle()
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		l.AwaitComplete("app", a, time.Minute)
		for _, e := range l.Endpoints(a) {
			if e.Links != 3 {
				t.Fatalf("%s has %d links, want one to each of the others", e.Name, e.Links)
			}
		}
		moved := a.Endpoints[3]
		l.SetNetwork(moved.Host, "egress", b) // the longer range counts
		l.Settle()
		if at, there := named(l, b, moved); !there || at.Site != b.Name {
			t.Fatalf("at %s it is %+v", b.Name, at)
		}
		for i, e := range l.Endpoints(a) {
			if e.Links != 2 {
				t.Errorf("%d: %s has %d links, want none to who is at %s", i, e.Name, e.Links, b.Name)
			}
		}
		// What it heard on the LAN it shares with the others, from now on: no content.
		heard := watch(a, moved)
		served := l.Served()
		l.Publish("app", "2", size)
		l.Distribute("app@2")
		for l.Flow("app", a).Complete < 3 || l.Flow("app", b).Complete < 2 {
			time.Sleep(100 * time.Millisecond)
		}
		moved.WantDelivered("app", "2", size)
		if bytes, _ := heard.take(); bytes != 0 {
			t.Errorf("%d bytes of content came to it from endpoints of another site", bytes)
		}
		if got := l.Served() - served; got < 2*size {
			t.Errorf("%d bytes crossed the WAN, want one copy for each site", got)
		}
		l.RemoveNetwork(moved.Host, "egress", b) // and back
		l.Settle()
		l.AwaitComplete("app", a, time.Minute)
		time.Sleep(5 * time.Second)
		if at, there := named(l, a, moved); !there || at.Links != 3 {
			t.Errorf("back at %s it is %+v", a.Name, at)
		}
	})
}
