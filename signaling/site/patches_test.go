package site_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

// patchBytes is what each chunk of a test has as a patch.
const patchBytes = 10_000

var (
	before = version("before", 1).ID
	able   = wire.Hello{Version: 1, Device: wire.DeviceAgent, Patches: true}
)

// patched is a flow whose chunks may come as patches to what was before.
func patched(spec site.FlowSpec) site.FlowSpec {
	read := pack.Patches{Base: before}
	for i := range spec.Head.Chunks {
		read.Entries = append(read.Entries, pack.PatchEntry{Chunk: i, Offset: 4 + int64(i)*patchBytes, Length: patchBytes, Encoding: pack.Patch, First: i, Count: 1})
	}
	return with(spec, func(f *site.FlowSpec) {
		f.PatchesOf, f.Patches = before, schedule.PatchesOf(content.Sum([]byte("patches")), read)
	})
}

func (f *fake) holdsBefore() {
	f.s.t.Helper()
	f.say(&wire.Stock{Room: 1 << 40, Holds: []content.VersionID{before}})
}

func asPatches(l wire.Lease) wire.LeaseState {
	st := done(l)
	st.Patched = st.Verified
	return st
}

func TestWhoHoldsTheVersionBeforeMayFetchPatches(t *testing.T) {
	onStand(t, func(s *stand) {
		a := patched(version("a", 100))
		s.order(a)
		till := s.join("till", able)
		till.holdsBefore()
		lease, _ := begin(s, a, till)
		checkRun(s, a, lease, 0, 10) // its own range is what it would be
		p := lease.Patch
		if p == nil {
			t.Fatalf("lease %+v names no patches", lease)
		}
		if p.Base != before || p.Pack != a.Patches.Object || p.From != 4 || p.To != 4+10*patchBytes || len(p.Parts) != 10 ||
			!strings.HasPrefix(p.URL, "/patches/"+p.Pack.String()) {
			t.Errorf("patches %+v, want ten of the object from its beginning on", p)
		}
	})
}

func TestPatchesAreForThoseWhoCanUseThem(t *testing.T) {
	for name, join := range map[string]func(s *stand) *fake{
		"an older agent": func(s *stand) *fake {
			m := s.join("till")
			m.holdsBefore()
			return m
		},
		"one without the version before": func(s *stand) *fake { return s.join("till", able) },
	} {
		onStand(t, func(s *stand) {
			a := patched(version("a", 100))
			s.order(a)
			if lease, next := begin(s, a, join(s)); lease.Patch != nil || next.Patch != nil {
				t.Errorf("%s: its leases name patches", name)
			}
		})
	}
}

func TestWhoCanUsePatchesFetches(t *testing.T) {
	onStand(t, func(s *stand) {
		a := patched(version("a", 100))
		s.order(a)
		first, second := s.join("first", able), s.join("second", able)
		second.holdsBefore()
		for _, m := range []*fake{first, second} {
			p := progress(a, nil)
			p.Body = true
			m.say(p)
		}
		if got := take[wire.Lease](second); len(got) != 2 || got[0].Patch == nil {
			t.Errorf("who holds the version before got leases %+v, want two with patches", got)
		}
		none[wire.Lease](first)
	})
}

func TestFlowIsWatchedByWhatPatchesTake(t *testing.T) {
	for name, c := range map[string]struct {
		say    func(wire.Lease) wire.LeaseState
		halted bool
	}{"as patches": {asPatches, true}, "whole": {done, false}} {
		onStand(t, func(s *stand) {
			a := patched(version("a", 100)) // 10 MB
			s.order(a)
			till := s.join("till", able)
			till.holdsBefore()
			lease, next := begin(s, a, till)
			held := uint32(len(lease.Parts))
			took(till, a, chunks(0, held), 1000, c.say(lease))
			held += uint32(len(next.Parts))
			took(till, a, chunks(0, held), 1000, c.say(next))
			// What these leases bring as patches is less by far than all of it whole.
			took(till, a, chunks(0, held), int64(100-held)*chunkBytes+int64(held)*patchBytes+guardSlack+300_000)
			if got := s.flow(a).State == site.StateHalted; got != c.halted {
				t.Errorf("%s: halted %v, want %v", name, got, c.halted)
			}
		})
	}
}

// guardSlack is how much more than it needs a flow may take.
const guardSlack = 4 << 20

func TestForecastCountsPatches(t *testing.T) {
	due := func(spec site.FlowSpec) (seconds int64) {
		onStand(t, func(s *stand) {
			s.want.Cap = 100_000
			spec = with(spec, func(f *site.FlowSpec) { f.ReadyBy = time.Now().Add(time.Second) })
			s.order(spec)
			till := s.join("till", able)
			till.holdsBefore()
			begin(s, spec, till)
			seconds = int64(time.Until(s.flow(spec).Forecast).Seconds())
		})
		return seconds
	}
	// 10 MB at 100 kB/s, or a tenth of it.
	whole, fewer := due(version("a", 100)), due(patched(version("a", 100)))
	if whole < 80 || whole > 120 || fewer < 8 || fewer > 12 {
		t.Errorf("complete in %d s with patches and %d s without, want 10 and 100", fewer, whole)
	}
}

func TestFlowWaitsForPatchesThatAreMade(t *testing.T) {
	onStand(t, func(s *stand) {
		a := patched(version("a", 100)) // 10 MB, two seconds' worth of waiting
		making := with(a, func(f *site.FlowSpec) { f.Patches = nil })
		s.order(making)
		till := s.join("till", able)
		till.holdsBefore()
		till.report(a, nil)
		body := one[wire.Lease](till)
		if !body.Body {
			t.Fatalf("got %+v while patches are made, want the body's lease", body)
		}
		p := progress(a, nil, done(body))
		p.Body = true
		till.say(p)
		none[wire.Lease](till)
		if got := s.flow(a).Reason; !strings.Contains(got, "waiting up to 2s for patches") {
			t.Errorf("the flow says %q, want that it waits for patches", got)
		}
		s.order(a) // they are made
		if got := take[wire.Lease](till); len(got) != 2 || got[0].Patch == nil {
			t.Errorf("got %+v, want two leases with patches", got)
		}
	})
}

func TestFlowWaitsNoLongerThanPatchesAreWorth(t *testing.T) {
	for name, c := range map[string]struct {
		hello  wire.Hello
		waits  bool
		before bool
	}{
		"who can use them":     {able, true, true},
		"an older agent":       {wire.Hello{Version: 1, Device: wire.DeviceAgent}, false, true},
		"who lacks what it is": {able, false, false},
	} {
		onStand(t, func(s *stand) {
			a := with(patched(version("a", 100)), func(f *site.FlowSpec) { f.Patches = nil })
			s.order(a)
			till := s.join("till", c.hello)
			if c.before {
				till.holdsBefore()
			}
			p := progress(a, nil)
			p.Body = true
			till.say(p)
			if got := take[wire.Lease](till); (len(got) == 0) != c.waits {
				t.Errorf("%s: leases at once: %+v", name, got)
			}
			if s.pass(3 * time.Second); c.waits {
				if got := take[wire.Lease](till); len(got) != 2 || got[0].Patch != nil {
					t.Errorf("%s: after a while it got %+v, want two leases without patches", name, got)
				}
			}
		})
	}
}

func TestLeaseOfPatchesIsTakenOver(t *testing.T) {
	onStand(t, func(s *stand) {
		a := patched(version("a", 100))
		s.order(a)
		till := s.join("till", able)
		till.holdsBefore()
		lease, _ := begin(s, a, till)
		till.leave()
		till = s.join("till", able)
		st := state(lease)
		st.Verified, st.Patched = 2, 2
		st.Range = &wire.LeaseRange{Pack: lease.Pack, From: lease.From, To: lease.To}
		p := progress(a, chunks(0, 2), st)
		till.say(p)
		none[wire.Revoke](till)
		if got := s.flow(a).Fetchers; len(got) != 1 {
			t.Errorf("fetchers %v, want the one that went on", got)
		}
	})
}
