package site_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/reason"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

func TestStateOfAFlowSaysWhatItWaitsFor(t *testing.T) {
	a := version("a", 3)
	broken := func(code, why string) *wire.Progress {
		p := progress(a, nil)
		p.Code, p.Error = code, why
		return p
	}
	for _, test := range []struct {
		name          string
		order         site.FlowSpec
		said          []*wire.Progress // by one member each; nil: it says nothing yet
		state, reason string
		complete      int
	}{
		{"nobody", a, nil, site.StateWaiting, "no endpoint of the site is online", 0},
		{"silent", a, []*wire.Progress{nil}, site.StateRunning, "", 0},
		{"some have it", a, []*wire.Progress{progress(a, chunks(0, 3)), progress(a, chunks(0, 2))}, site.StateRunning, "", 1},
		{"all have it", a, []*wire.Progress{progress(a, chunks(0, 3)), progress(a, chunks(0, 3))}, site.StateComplete, "", 2},
		{"complete is said, not so", a, []*wire.Progress{{Flow: a.ID, Complete: true}}, site.StateRunning, "", 0},
		{"paused", paused(a), []*wire.Progress{progress(a, nil)}, site.StatePaused, "closing time", 0},
		{"paused with nobody", paused(a), nil, site.StatePaused, "closing time", 0},
		{"one failed", a, []*wire.Progress{progress(a, nil), broken(wire.CodeDiskFull, "no room")}, site.StateFailed, "mab: no room", 0},
		{"two failed", a, []*wire.Progress{broken(wire.CodeStore, "bad disk"), broken(wire.CodeDiskFull, "no room")}, site.StateFailed, "maa: bad disk; mab: no room", 0},
		{"many failed", a, slices.Repeat([]*wire.Progress{broken(wire.CodeStore, "bad disk")}, 5), site.StateFailed,
			"maa: bad disk; mab: bad disk; mac: bad disk; and 2 more", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			onStand(t, func(s *stand) {
				s.order(test.order)
				members := joinMany(s, len(test.said))
				for i, p := range test.said {
					if p != nil {
						members[i].say(p)
					}
				}
				for range 10 { // whatever order members are looked at in
					got := s.flow(a)
					if got.State != test.state || got.Reason != test.reason || got.Complete != test.complete || got.Endpoints != len(members) {
						t.Errorf("got %s (%s), %d of %d complete, want %s (%s), %d of %d", got.State, got.Reason, got.Complete,
							got.Endpoints, test.state, test.reason, test.complete, len(members))
					}
				}
			})
		})
	}
}

// got says what a member received of a flow.
func got(f *fake, spec site.FlowSpec, have []uint32, bytes wire.Sources, wan int64) {
	f.s.t.Helper()
	p := progress(spec, have)
	p.Bytes, p.WAN = bytes, wan
	f.say(p)
}

func TestBytesAreSummedOverEverybodyWhoWasThere(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		one, two := s.join("one"), s.join("two")
		got(one, a, chunks(0, 4), wire.Sources{Origin: 300, Reused: 100}, 250)
		got(two, a, chunks(0, 3), wire.Sources{Origin: 1, Peer: 200, Relay: 99}, 2)
		one.leave()
		three := s.join("three")
		v := s.flow(a)
		if v.BytesOrigin != 301 || v.BytesPeer != 200 || v.BytesRelay != 99 || v.BytesReused != 100 || v.WANBytes != 252 {
			t.Errorf("got %d, %d, %d, %d and %d over the WAN, want 301, 200, 99, 100 and 252",
				v.BytesOrigin, v.BytesPeer, v.BytesRelay, v.BytesReused, v.WANBytes)
		}
		if want := 3 * a.Head.UniqueBytes; v.UniqueBytes != a.Head.UniqueBytes || v.BytesTotal != want {
			t.Errorf("all need %d of %d each, want %d: one that left, two that are here", v.BytesTotal, v.UniqueBytes, want)
		}
		got(three, a, nil, wire.Sources{Peer: 50}, 0)
		back := s.join("one")
		got(back, a, chunks(0, 4), wire.Sources{Origin: 310, Reused: 100}, 260)
		if v := s.flow(a); v.BytesOrigin != 311 || v.BytesPeer != 250 || v.WANBytes != 262 || v.BytesTotal != 3*a.Head.UniqueBytes {
			t.Errorf("after one came back: %+v, want it counted once", v)
		}
	})
}

// An endpoint that opens its store or stopped a flow says nothing of its bytes.
func TestBytesCountedAreNeverFewerThanBefore(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		till := s.join("till")
		got(till, a, chunks(0, 4), wire.Sources{Origin: 300, Peer: 20, Relay: 10, Reused: 100}, 250)
		till.say(&wire.Progress{Flow: a.ID, Code: wire.CodeStore, Error: "bad disk"})
		v := s.flow(a)
		if v.BytesOrigin != 300 || v.BytesPeer != 20 || v.BytesRelay != 10 || v.BytesReused != 100 || v.WANBytes != 250 {
			t.Errorf("counted %+v, want what was received before", v)
		}
		if v.WANBPS < 0 || v.PeerBPS < 0 {
			t.Errorf("rates %d and %d, want none below zero", v.WANBPS, v.PeerBPS)
		}
	})
}

func TestRatesAndETAFollowTheLastSeconds(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 100) // 10 MB
		s.order(a)
		one, two, gone := s.join("one"), s.join("two"), s.join("gone")
		got(gone, a, chunks(0, 1), wire.Sources{Peer: 100_000}, 0)
		gone.leave()
		near := func(what string, got, want float64) {
			t.Helper()
			if math.Abs(got-want) > want/10 {
				t.Errorf("%s %.0f, want about %.0f", what, got, want)
			}
		}
		var n int64
		for range 40 { // 200 kB/s of content from the origin, half of it on the wire; 100 kB/s from peers
			s.pass(250 * time.Millisecond)
			n += 50_000
			got(one, a, chunks(0, uint32(n/chunkBytes)), wire.Sources{Origin: n}, n/2)
			got(two, a, chunks(0, uint32(n/2/chunkBytes)), wire.Sources{Peer: n / 4, Relay: n / 4}, 0)
		}
		v := s.flow(a)
		near("WAN", float64(v.WANBPS), 800_000)
		near("peers", float64(v.PeerBPS), 800_000)
		// 8 MB and 9 MB are missing at those who are here.
		near("ETA", v.ETASeconds, 17_000_000/300_000.)
		s.pass(10 * time.Second)
		if v := s.flow(a); v.WANBPS != 0 || v.PeerBPS != 0 || v.ETASeconds != 0 {
			t.Errorf("when nothing moves: rates %d and %d, ETA %.0f, want 0", v.WANBPS, v.PeerBPS, v.ETASeconds)
		}
		got(one, a, chunks(0, 100), wire.Sources{Origin: 10_000_000}, 5_000_000)
		got(two, a, chunks(0, 100), wire.Sources{Peer: 10_000_000}, 0)
		if v := s.flow(a); v.State != site.StateComplete || v.WANBPS != 0 || v.ETASeconds != 0 {
			t.Errorf("when complete: %s, rate %d, ETA %.0f, want 0", v.State, v.WANBPS, v.ETASeconds)
		}
	})
}

func TestSecondsCountUntilEverybodyHasIt(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 3)
		s.order(a)
		one, two := s.join("one"), s.join("two")
		check := func(when string, want float64) {
			t.Helper()
			if got := s.flow(a).Seconds; math.Abs(got-want) > 0.1 {
				t.Errorf("%s: %.1f s, want %.1f", when, got, want)
			}
		}
		s.pass(10 * time.Second)
		check("before anything", 10)
		one.report(a, chunks(0, 3))
		two.report(a, chunks(0, 1))
		s.pass(10 * time.Second)
		check("when one has it", 20)
		two.leave() // what is left is complete
		s.pass(10 * time.Second)
		check("when who lacked it left", 20)
		two = s.join("two")
		two.report(a, chunks(0, 1))
		s.pass(10 * time.Second)
		check("when it is back", 40)
		two.report(a, chunks(0, 3))
		s.pass(10 * time.Second)
		check("when all have it", 40)
		one.leave()
		two.leave()
		s.pass(time.Hour)
		check("when all left", 40)
		two, one = s.join("two"), s.join("one")
		two.report(a, nil) // it still opens its store
		s.pass(time.Minute)
		two.report(a, chunks(0, 3))
		one.report(a, chunks(0, 3))
		check("when all came back with it", 40)
	})
}

func TestEndpointsAreShownWithWhatTheyHold(t *testing.T) {
	onStand(t, func(s *stand) {
		a, b, c := version("a", 10), version("b", 4), version("c", 4)
		s.order(a, b, c)
		since := time.Now()
		till := s.join("till", wire.Hello{Version: 1, Device: wire.DeviceKiosk, Software: "sitecast 1"})
		s.join("aisle")
		p := progress(a, chunks(0, 4))
		p.Code, p.Error = wire.CodeStore, "bad disk"
		till.say(p)
		till.report(b, chunks(0, 4))
		s.pass(time.Second)
		v := s.view()
		if len(v.Endpoints) != 2 || v.Endpoints[0].Name != "aisle" {
			t.Fatalf("got %+v, want aisle and till", v.Endpoints)
		}
		want := site.EndpointView{ID: till.id, Name: "till", Site: "shop-1", Kind: wire.DeviceKiosk, Online: true, Since: since,
			LastSeen: time.Now(), Version: "sitecast 1", Address: "192.0.2.1", Holds: []string{"b@1"},
			Flows: []site.EndpointInFlow{
				{Flow: "a@1", Chunks: 10, Held: 4, Code: wire.CodeStore, Error: "bad disk"},
				{Flow: "b@1", Chunks: 4, Held: 4, Complete: true},
			}}
		got := v.Endpoints[1]
		for i, code := range []reason.Code{reason.StoreFailing, reason.Complete} {
			if why := got.Flows[i].Why; why == nil || why.Code != code {
				t.Errorf("%s is %+v, want %s", got.Flows[i].Flow, why, code)
			}
			got.Flows[i].Why = nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestWhatAMemberHoldsIsPatchedAndBounded(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 20)
		s.order(paused(a))
		till := s.join("till")
		held := func() uint32 { return s.view().Endpoints[0].Flows[0].Held }
		for _, step := range []struct {
			have []wire.Bits
			want uint32
		}{
			{[]wire.Bits{{Bits: []byte{0xff, 0, 0}}}, 8},
			{[]wire.Bits{{From: 16, Bits: []byte{0xff}}}, 12}, // bits past the last chunk are none
			{[]wire.Bits{{From: 0, Bits: []byte{0x0f}}, {From: 8, Bits: []byte{1}}}, 9},
			{nil, 9},
		} {
			till.say(&wire.Progress{Flow: a.ID, Body: true, Have: step.have})
			if got := held(); got != step.want {
				t.Errorf("after %v: %d chunks held, want %d", step.have, got, step.want)
			}
		}
		till.say(&wire.Progress{Flow: content.VersionID{9}}) // one that ended
		if till.closed() != "" || len(s.view().Endpoints[0].Flows) != 1 {
			t.Error("progress of a flow that ended had an effect")
		}
	})
}

func TestAStoppedSiteSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.close()
		if _, err := s.site.View(context.Background()); !errors.Is(err, site.ErrStopped) {
			t.Errorf("got %v, want %v", err, site.ErrStopped)
		}
	})
}

// An empty answer from a server that just started would say that nothing is wanted.
func TestTheViewWaitsUntilItIsKnownWhatIsWanted(t *testing.T) {
	onStand(t, func(s *stand) {
		ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
		defer stop()
		if v, err := s.site.View(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %+v, %v, want no answer", v, err)
		}
		answer := make(chan site.View, 1)
		go func() {
			v, err := s.site.View(context.Background())
			if err != nil {
				t.Error(err)
			}
			answer <- v
		}()
		synctest.Wait()
		s.order(version("a", 3))
		if v := <-answer; len(v.Flows) != 1 {
			t.Errorf("got flows %+v, want the one that was ordered", v.Flows)
		}
	})
}
