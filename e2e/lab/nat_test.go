package lab_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
)

// way is how a link came about between two endpoints behind these NATs, and after
// how long.
func way(t *testing.T, a, b lab.NAT, isolated bool) (path string, took time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		l := lab.New(t, lab.Plan{Sites: []int{2}, Path: wan, LAN: 5 * time.Millisecond, NATs: []lab.NAT{a, b}, Isolated: isolated})
		defer l.Close()
		s := l.Sites[0]
		l.Publish("app", "1", 1000)
		l.Distribute("app@1")
		begin := time.Now()
		for time.Since(begin) < time.Minute {
			if ends := l.Endpoints(s); ends[0].Links == 1 && ends[1].Links == 1 {
				// What can't be reached but through the relay counts as a group of its own.
				path = map[int]string{1: "direct", 2: "relayed"}[l.Flow("app", s).Groups]
				took = time.Since(begin)
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		l.AwaitComplete("app", s, time.Minute)
		for _, e := range s.Endpoints {
			e.WantDelivered("app", "1", 1000)
		}
	})
	return path, took
}

// networksFile holds the table that this test checks.
const networksFile = "../../edge/rtc/NETWORKS.md"

// Each kind of NAT meets each: a link comes up, and through the relay only where no
// way leads past it. Both mappings of a pair have to be guessed right: a symmetric NAT
// shows the peer another port than the STUN server, which a NAT that looks at ports
// does not let in.
func TestLinksComeUpBetweenAllKindsOfNATs(t *testing.T) {
	long(t)
	table := &strings.Builder{}
	row := func(cells ...string) { fmt.Fprintf(table, "| %s |\n", strings.Join(cells, " | ")) }
	head, rule := []string{"from \\ to"}, []string{"---"}
	for _, n := range lab.NATs {
		head, rule = append(head, n.Name), append(rule, "---")
	}
	row(head...)
	row(rule...)
	hard := func(a, b string) bool { return a == "symmetric" && (b == "symmetric" || b == "port-restricted") }
	seen := map[[2]string]string{}
	for i, a := range lab.NATs {
		cells := []string{a.Name}
		for k, b := range lab.NATs {
			if k >= i { // who of them offers is chance, so below the diagonal are the same cells
				want := "direct"
				if hard(b.Name, a.Name) {
					want = "relayed"
				}
				got, took := way(t, a, b, false)
				if got != want {
					t.Errorf("%s to %s: %q after %v, want %s", a.Name, b.Name, got, took, want)
				}
				t.Logf("%s to %s: %s after %v", a.Name, b.Name, got, took)
				seen[[2]string{a.Name, b.Name}], seen[[2]string{b.Name, a.Name}] = got, got
			}
			cells = append(cells, seen[[2]string{a.Name, b.Name}])
		}
		row(cells...)
	}
	got, took := way(t, lab.NATs[0], lab.NATs[0], true)
	if got != "relayed" {
		t.Errorf("with client isolation: %q, want relayed", got)
	}
	t.Logf("client isolation: %s after %v", got, took)
	row("client isolation", got+" whatever else there is", "", "", "", "")
	page, err := os.ReadFile(networksFile)
	if err != nil || !strings.Contains(string(page), table.String()) {
		t.Errorf("%s does not hold this table (%v):\n%s", networksFile, err, table)
	}
}

// The name of a relay tells no address that candidates could be held against: what the
// relay itself answered does.
func TestARelayThatIsKnownByNameLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lab.New(t, lab.Plan{Sites: []int{2}, Path: wan, LAN: 5 * time.Millisecond, NATs: []lab.NAT{lab.NATs[0], lab.NATs[0]},
			Isolated: true, RelayName: "relay.lab"})
		defer l.Close()
		s := l.Sites[0]
		l.Publish("app", "1", 1000)
		l.Distribute("app@1")
		time.Sleep(30 * time.Second)
		for _, e := range l.Endpoints(s) {
			if e.Links != 1 {
				t.Errorf("%s has %d links, want one through the relay", e.Name, e.Links)
			}
		}
	})
}
