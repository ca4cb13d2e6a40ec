package lab_test

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/pair"
	"github.com/sitecast/sitecast/signaling/wire/finding"
)

// explain asks the server about two endpoints of a site, as an operator does.
func explain(t *testing.T, l *lab.Lab, a, b *lab.Endpoint) (r pair.Report, err error) {
	t.Helper()
	var out bytes.Buffer
	err = operator.Pair{Remote: l.Remote(&out), Site: l.Sites[0].Name, A: a.Name, B: b.Name, JSON: true}.Run(t.Context())
	if jsonErr := json.Unmarshal(out.Bytes(), &r); jsonErr != nil {
		t.Fatalf("%v: %v\n%s", jsonErr, err, out.String())
	}
	return r, err
}

// wantPair checks what is said of two endpoints. Faults are listed in order.
func wantPair(t *testing.T, r pair.Report, path string, faults ...finding.Fault) {
	t.Helper()
	if got := finding.Faults(r.Findings); !strings.Contains(r.Path, path) || !slices.Equal(got, faults) {
		t.Errorf("%q with faults %v, want %q and %v\n%+v", r.Path, got, path, faults, r.Findings)
	}
}

// Both ends tell what they saw, and the operator reads it in words.
func TestTheServerSaysWhyTwoEndpointsAreLinkedOrNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lab.New(t, lab.Plan{Sites: []int{2}, Path: wan, LAN: 5 * time.Millisecond, NATs: []lab.NAT{lab.NATs[0], lab.NATs[0]}})
		defer l.Close()
		s := l.Sites[0]
		a, b := s.Endpoints[0], s.Endpoints[1]
		l.Publish("app", "1", 1000)
		l.Distribute("app@1")
		l.AwaitComplete("app", s, time.Minute)
		r, err := explain(t, l, a, b)
		if err != nil || !r.Linked {
			t.Errorf("linked %v, %v, want a link", r.Linked, err)
		}
		wantPair(t, r, "linked directly")

		s.Isolate(true) // an operator of the network saw fit to
		l.Publish("app", "2", 1000)
		l.Distribute("app@2")
		time.Sleep(45 * time.Second)
		r, err = explain(t, l, a, b)
		if err != nil || !r.Linked {
			t.Errorf("linked %v, %v, want a link through the relay", r.Linked, err)
		}
		wantPair(t, r, "relay beyond the WAN", pair.FaultIsolation)
		var text bytes.Buffer
		if err := (operator.Pair{Remote: l.Remote(&text), Site: s.Name, A: a.Name, B: b.Name}).Run(t.Context()); err != nil ||
			!strings.Contains(text.String(), "Which way: ") || !strings.Contains(text.String(), "What to do: client isolation: ") {
			t.Errorf("%v, and printed\n%s", err, text.String())
		}

		b.Stop()
		l.Settle()
		r, err = explain(t, l, a, b)
		if err == nil || r.Linked {
			t.Errorf("linked %v, %v, want to hear that one is off", r.Linked, err)
		}
		wantPair(t, r, "not linked", pair.FaultOffline)

		if err := (operator.Pair{Remote: l.Remote(io.Discard), Site: s.Name, A: a.Name, B: "nobody"}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "nobody") {
			t.Errorf("asked about nobody: %v, want to hear that there is no such endpoint", err)
		}
	})
}
