package operator_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/operator"
)

func TestTheReasonOfABlockIsOneLine(t *testing.T) {
	for reason, good := range map[string]bool{"": true, "wrong receipts": true, "one\ntwo": false, strings.Repeat("x", 161): false} {
		if err := (operator.Block{Kept: operator.Kept{Content: "app"}, Reason: reason}).Validate(); (err == nil) != good {
			t.Errorf("%.20q: %v, want good %v", reason, err, good)
		}
	}
}

func TestVersionsAreHeldActivatedAndBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-1"})
		s.published("app", "1")
		s.published("app", "2")
		key := filepath.Join(t.TempDir(), "nothing.key")
		s.run(operator.Distribute{Remote: s.remote, Ref: "app@1", All: true, Priority: "normal"})
		hold := operator.Distribute{Remote: s.remote, Ref: "app@2", All: true, Priority: "normal"}
		activate := operator.Activate{Remote: s.remote, Ref: "app@2", All: true}
		if err := activate.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "sitecast distribute app@2") {
			t.Errorf("what is not distributed was activated: %v", err)
		}
		hold.Activate = "hold"
		if got, want := s.run(hold), "Ordered app@2 to all sites, held until it is activated.\n"; got != want {
			t.Errorf("distribute printed %q, want %q", got, want)
		}
		s.wantFlows("shop-1 app@1 waiting normal", "shop-1 app@2 waiting normal")
		if err := activate.At.UnmarshalText([]byte("24h")); err != nil {
			t.Fatal(err)
		}
		activate.Key = key
		if err := activate.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "--key") {
			t.Errorf("an instant was signed without a key: %v", err)
		}
		activate.Key = filepath.Join(s.data, "keys", "publisher.key")
		if got := s.run(activate); !strings.HasPrefix(got, "app@2 is used from ") || !strings.Contains(got, " on at all sites that have it (generation ") {
			t.Errorf("activate printed %q", got)
		}
		s.run(activate) // again: a newer instant takes its place
		s.wantFlows("shop-1 app@1 waiting normal", "shop-1 app@2 waiting normal")
		time.Sleep(25 * time.Hour)
		s.wantFlows("shop-1 app@2 waiting normal")
		if got := s.run(operator.Activate{Remote: s.remote, Ref: "app@2", All: true, Hold: true}); !strings.HasPrefix(got, "Held app@2 at all sites") {
			t.Errorf("activate --hold printed %q", got)
		}
		if got := s.run(operator.Activate{Remote: s.remote, Ref: "app@2", Site: []string{"shop-1"}}); !strings.HasPrefix(got, "Activated app@2 at shop-1 (") {
			t.Errorf("activate printed %q", got)
		}
		s.wantFlows("shop-1 app@2 waiting normal")
		s.run(operator.FourEyes{Remote: s.remote, State: "on"})
		wantLines(t, "activate", s.run(operator.Activate{Remote: s.remote, Ref: "app@2", All: true}),
			"Proposed that app@2 is used wherever it is distributed. Somebody else approves it with: sitecast approve 1")
		wantLines(t, "distribute", s.run(operator.Distribute{Remote: s.remote, Ref: "app@2", Priority: "normal", Aiming: operator.Aiming{Query: "name:shop-*"}}),
			"Proposed app@2 to the sites that name:shop-* means. Somebody else approves it with: sitecast approve 2")
		if got := lines(s.run(operator.Proposals{Remote: s.remote})); len(got) != 3 || !strings.HasSuffix(got[1], " activate app@2 wherever it is") ||
			!strings.HasSuffix(got[2], " distribute app@2 to the sites that name:shop-* means") {
			t.Errorf("proposals printed %q", got)
		}
		s.run(operator.FourEyes{Remote: s.remote, State: "off"})
		s.run(operator.Reject{Remote: s.remote, ID: 2})

		bad := operator.Kept{Content: "app@2"}
		if got := s.run(operator.Block{Remote: s.remote, Kept: bad, Reason: "wrong receipts", Wait: true}); !strings.HasPrefix(got, "Blocked app@2 everywhere (generation ") ||
			!strings.Contains(got, "0 endpoints hold nothing of it, 0 have yet to delete it") {
			t.Errorf("block printed %q", got)
		}
		s.wantFlows("shop-1 app@1 waiting normal")
		if err := hold.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "sitecast unblock") {
			t.Errorf("what is blocked was ordered: %v", err)
		}
		got := decode[map[string]any](t, s.run(operator.Block{Remote: s.remote, Kept: bad, Reason: "wrong receipts", JSON: true}))
		if got["kind"] != "block" || got["reason"] != "wrong receipts" || got["holding"] != 0.0 {
			t.Errorf("block --json printed %v", got)
		}
		if got, want := s.run(operator.Unblock{Remote: s.remote, Kept: operator.Kept{Content: "app"}}), "Unblocked app everywhere.\n"; got != want {
			t.Errorf("unblock printed %q, want %q", got, want)
		}
		s.wantFlows("shop-1 app@2 waiting normal")
		if got := s.run(operator.Unblock{Remote: s.remote, Kept: bad}); !strings.HasPrefix(got, "Nothing was blocked") {
			t.Errorf("unblock printed %q", got)
		}
		s.end()
	})
}
