package lab_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/edge/host"
	"github.com/sitecast/sitecast/edge/polite"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/site"
)

// battery has an endpoint run on one, or on mains again.
func battery(t *testing.T, root, status string) {
	t.Helper()
	dir := filepath.Join(root, "sys/class/power_supply/BAT0")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"type": "Battery", "status": status, "capacity": "20"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// One that runs on a low battery is served by the others and serves nobody; what only it
// holds is there again when it is plugged in. Meanwhile the flow says who holds it up.
func TestEndpointOnALowBatteryLeavesTheWorkToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 4 << 20
		l := lab.New(t, lab.Plan{Sites: []int{2}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		low, root := s.Endpoints[0], t.TempDir()
		battery(t, root, "Discharging")
		low.Stop()
		low.Limits, low.Senses = polite.DefaultLimits(), host.NewSenses(root, "unix:path="+filepath.Join(root, "none"))
		low.Start()
		l.Settle()
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		f := l.AwaitComplete("app", s, time.Minute)
		if f.BytesOrigin != size || f.BytesPeer != size {
			t.Errorf("%d bytes from the origin and %d from peers, want %d each", f.BytesOrigin, f.BytesPeer, size)
		}
		seen, _ := named(l, s, low) // endpoints are listed by their ids
		if got := seen.Restraints; len(got) != 1 || got[0] != "battery: runs on a battery with less than 40 %" {
			t.Errorf("operators see that %s does without %q", low.Name, got)
		}
		// The other one's disk goes, and nobody else may fetch: the low one holds all, and serves nothing.
		other := s.Endpoints[1]
		other.Stop()
		if err := os.RemoveAll(filepath.Join(other.Data, "content")); err != nil {
			t.Fatal(err)
		}
		other.Limits = polite.Limits{Allowance: 1}
		other.Start()
		l.Settle()
		time.Sleep(30 * time.Second)
		if f := l.Flow("app", s); f.State != site.StateRunning || !strings.Contains(f.Reason, low.Name+": runs on a battery") {
			t.Errorf("the flow is %s because %q", f.State, f.Reason)
		}
		battery(t, root, "Charging")
		f = l.AwaitComplete("app", s, time.Minute)
		if f.BytesOrigin != size {
			t.Errorf("%d bytes from the origin in the end, want %d", f.BytesOrigin, size)
		}
		other.WantDelivered("app", "1", size)
	})
}

// What an endpoint may take over the WAN in a month ends its fetching, also after a
// restart and for urgent flows, and the flow says so.
func TestAllowanceThatIsUsedUpEndsFetching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 3 << 20
		l := lab.New(t, lab.Plan{Sites: []int{1}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		e := s.Endpoints[0]
		e.Stop()
		e.Limits = polite.Limits{Allowance: 2_000_000}
		e.Start()
		l.Settle()
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		time.Sleep(time.Minute)
		e.Stop()
		e.Start()
		l.Publish("fix", "1", size)
		l.Distribute("fix@1")
		raise := operator.Prioritize{Remote: l.Remote(io.Discard), Content: "fix", Priority: "high"}
		if err := raise.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		f := l.Flow("fix", s)
		if f.BytesOrigin > 0 || f.State != site.StateRunning || f.Reason != e.Name+": took the 2.0 MB that it may over the WAN in 2000-01" {
			t.Errorf("the flow is %s because %q, with %d bytes", f.State, f.Reason, f.BytesOrigin)
		}
		e.Stop()
		e.Limits = polite.Limits{}
		e.Start()
		l.AwaitComplete("fix", s, time.Minute)
	})
}
