package site_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/external"
)

const vendorURL = "https://vendor.example/app.msi"

// outside is a flow whose chunks lie at a vendor's URL.
func outside(spec site.FlowSpec, changed string) site.FlowSpec {
	return with(spec, func(f *site.FlowSpec) {
		f.External = &site.External{Object: f.Places[0].Pack, Changed: changed,
			File: external.File{URL: vendorURL, ETag: `"v1"`, Bytes: int64(len(f.Places)) * chunkBytes}}
	})
}

// beside brings another member online in the reach group of one.
func (f *fake) beside(spec site.FlowSpec, name string) *fake {
	f.s.t.Helper()
	other := f.s.join(name)
	f.say(&wire.Linked{Peer: other.id, Up: true})
	other.say(&wire.Linked{Peer: f.id, Up: true})
	other.report(spec, nil)
	return other
}

// onSuspicious is onStand with a server that notes what it should look at.
func onSuspicious(t *testing.T, do func(s *stand, suspects *[]string)) {
	t.Helper()
	var suspects []string
	cfg := config("shop-1")
	cfg.Suspect = func(object content.Digest, chunk uint32) { suspects = append(suspects, fmt.Sprint(object, " ", chunk)) }
	onStandOf(t, cfg, func(s *stand) { do(s, &suspects) })
}

func refused(l wire.Lease, code string, verified uint32) wire.LeaseState {
	st := failed(l)
	st.Code, st.Verified = code, verified
	return st
}

func TestLeasesNameTheVendorsURL(t *testing.T) {
	onStand(t, func(s *stand) {
		a := outside(version("a", 100), "")
		s.order(a)
		till := s.join("till")
		till.report(a, nil)
		if body := take[wire.Lease](till)[0]; body.External != nil || !body.Body || !strings.HasPrefix(body.URL, "/bodies/") {
			t.Errorf("lease of the body %+v, want it from the server", body)
		}
	})
	onStand(t, func(s *stand) {
		a := outside(version("a", 100), "")
		s.order(a)
		lease, next := begin(s, a, s.join("till"))
		for _, l := range []wire.Lease{lease, next} {
			if l.URL != vendorURL || l.External == nil || *l.External != (wire.External{ETag: `"v1"`, Bytes: 100 * chunkBytes}) {
				t.Errorf("lease at %s of %+v, want the vendor's file", l.URL, l.External)
			}
		}
		if v := s.flow(a).External; v == nil || v.URL != vendorURL || v.Code != "" {
			t.Errorf("shown as %+v", v)
		}
	})
}

func TestWhoFindsAnotherFileStopsAllUntilItWasLookedAt(t *testing.T) {
	for _, code := range []string{wire.CodeExternal, wire.CodeBadChunk} {
		onSuspicious(t, func(s *stand, suspects *[]string) {
			a := outside(version("a", 100), "")
			s.order(a)
			till := s.join("till")
			lease, _ := begin(s, a, till)
			other := till.beside(a, "other")
			till.report(a, chunks(0, 3), refused(lease, code, 3))
			if want := fmt.Sprint(a.External.Object, " 3"); len(*suspects) != 1 || (*suspects)[0] != want {
				t.Errorf("%s: suspects %v, want %s", code, *suspects, want)
			}
			one[wire.Revoke](till) // of its next lease
			s.pass(9 * time.Second)
			none[wire.Lease](other)
			none[wire.Lease](till)
			if f := s.flow(a); f.External.Code != site.CodeExternalChecking || !strings.Contains(f.Reason, "checks whether") || f.State != site.StateRunning {
				t.Errorf("%s: %s with %q, %+v", code, f.State, f.Reason, f.External)
			}
			s.pass(2 * time.Second)
			if len(take[wire.Lease](other))+len(take[wire.Lease](till)) == 0 {
				t.Errorf("%s: nobody fetches though the server did not find it changed", code)
			}
		})
	}
}

func TestNobodyFetchesAFileThatChanged(t *testing.T) {
	onStand(t, func(s *stand) {
		a := outside(version("a", 100), "")
		s.order(a)
		till := s.join("till")
		lease, _ := begin(s, a, till)
		till.report(a, chunks(0, 5), state(lease))
		s.order(outside(a, "its ETag is another"))
		if got := take[wire.Revoke](till); len(got) != 2 {
			t.Errorf("%d leases were revoked, want both", len(got))
		}
		other := till.beside(a, "other")
		s.pass(time.Minute)
		none[wire.Lease](till)
		none[wire.Lease](other)
		f := s.flow(a)
		if f.State != site.StateFailed || f.External.Code != "external_changed" || !strings.Contains(f.Reason, "publish it again (its ETag is another)") {
			t.Errorf("%s with %q, %+v", f.State, f.Reason, f.External)
		}
		s.order(outside(a, ""))
		s.pass(time.Second)
		if len(take[wire.Lease](till))+len(take[wire.Lease](other)) == 0 {
			t.Error("nobody fetches though the file is back")
		}
	})
}

func TestWhatTheSiteHoldsOfAFileThatChangedGoesRound(t *testing.T) {
	onStand(t, func(s *stand) {
		a := outside(version("a", 20), "it is gone")
		s.order(a)
		till := s.join("till")
		till.report(a, chunks(0, 20))
		other := till.beside(a, "other")
		s.pass(time.Minute)
		if f := s.flow(a); f.State != site.StateRunning || f.External.Code != "" {
			t.Errorf("%s with %q, %+v, want that peers have it", f.State, f.Reason, f.External)
		}
		other.report(a, chunks(0, 20))
		if f := s.flow(a); f.State != site.StateComplete {
			t.Errorf("%s with %q", f.State, f.Reason)
		}
	})
}

func TestAVendorThatCanNotBeReachedIsSaid(t *testing.T) {
	onSuspicious(t, func(s *stand, suspects *[]string) {
		a := outside(version("a", 100), "")
		s.order(a)
		till := s.join("till")
		lease, _ := begin(s, a, till)
		till.report(a, chunks(0, 3), refused(lease, wire.CodeOrigin, 3))
		if f := s.flow(a); len(*suspects) != 0 || f.External.Code != site.CodeExternalFailing || !strings.Contains(f.Reason, "no route to the origin") {
			t.Errorf("%q, %+v, suspects %v", f.Reason, f.External, *suspects)
		}
		s.pass(5 * time.Second)
		next := last[wire.Lease](till)
		have := chunks(0, 3)
		for _, p := range next.Parts {
			have = append(have, p.Chunk)
		}
		till.report(a, have, done(next))
		if f := s.flow(a); f.External.Code != "" {
			t.Errorf("%+v though a lease came since", f.External)
		}
	})
}

func TestNoPageFetchesFromAVendor(t *testing.T) {
	onStand(t, func(s *stand) {
		a := outside(version("a", 100), "")
		a.OnDemand = true
		s.found("a", a)
		s.order(a)
		tab := s.visit("tab", "a")
		tab.report(a, nil)
		s.pass(3 * time.Second)
		for _, l := range take[wire.Lease](tab) {
			if !l.Body {
				t.Fatalf("a page was granted %+v", l)
			}
			st := done(l)
			tab.say(&wire.Progress{Flow: a.ID, Body: true, Leases: []wire.LeaseState{st}})
		}
		s.pass(time.Minute)
		none[wire.Lease](tab)
		if f := s.flow(a); f.External.Code != site.CodeExternalNoAgent || !strings.Contains(f.Reason, "no page may") {
			t.Errorf("%q, %+v", f.Reason, f.External)
		}
	})
}
