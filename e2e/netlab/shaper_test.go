//go:build linux

package netlab

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// These tests look inside: the shaper is the arithmetic behind every emulated link.

func TestShaperSendsAtItsRate(t *testing.T) {
	tr := newTrial(t, Link{Rate: 8e6, Queue: 1 << 20, Delay: 20 * time.Millisecond})
	for range 500 { // 500 frames of 1000 bytes at 1 MB/s, all at once
		tr.send(0, 1, 1000)
	}
	tr.drain()
	if len(tr.gone) > 0 || len(tr.out) != 500 {
		t.Fatalf("%d of 500 frames came out, %d were dropped", len(tr.out), len(tr.gone))
	}
	for i, a := range tr.out {
		if want := time.Duration(i+1+20) * time.Millisecond; a.id != i || a.at != want {
			t.Fatalf("frame %d came out at %v, as the %dth, want %v", a.id, a.at, i, want)
		}
	}
}

func TestShaperDropsTheTailOfAFullQueue(t *testing.T) {
	tr := newTrial(t, Link{Rate: 8e6, Queue: 10_000})
	for range 100 {
		tr.send(0, 1, 1000)
	}
	if admitted := 100 - len(tr.gone); admitted != 10 {
		t.Errorf("queue of 10 frames took %d at once", admitted)
	}
	if tr.send(time.Millisecond, 1, 1000); len(tr.gone) != 90 {
		t.Error("queue took no frame after it had sent one")
	}
	if tr.send(time.Millisecond, 1, 1000); len(tr.gone) != 91 {
		t.Error("queue took two frames after it had sent one")
	}
}

func TestShaperWithoutARateOnlyDelays(t *testing.T) {
	tr := newTrial(t, Link{Delay: time.Millisecond})
	for now := range time.Duration(1000) {
		tr.send(now, 1, 1514)
	}
	tr.drain()
	for i, a := range tr.out {
		if a.id != i || a.at != a.came+time.Millisecond {
			t.Fatalf("frame of %v came out at %v", a.came, a.at)
		}
	}
	if len(tr.out) != 1000 {
		t.Errorf("%d of 1000 frames came out", len(tr.out))
	}
}

// arithmetic is what a drop-tail queue comes to, worked out when a packet arrives:
// the queue is not kept, only the instant at which its last byte will be sent.
type arithmetic struct{ nsPerByte, queue, freeAt float64 }

func (a *arithmetic) admit(now int64, size int) (due int64, ok bool) {
	begin := max(a.freeAt, float64(now))
	if (begin-float64(now))/a.nsPerByte+float64(size) > a.queue {
		return 0, false
	}
	a.freeAt = begin + float64(size)*a.nsPerByte
	return int64(a.freeAt), true
}

func TestDropTailIsWhatArithmeticSays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const nsPerByte = 125 // whole, so that both round nothing
		queue := rapid.IntRange(2*maxFrame, 40_000).Draw(rt, "queue")
		tr := newTrial(t, Link{Rate: 8e9 / nsPerByte, Queue: queue})
		model := arithmetic{nsPerByte: nsPerByte, queue: float64(queue)}
		var due []int64
		now := time.Duration(0)
		for range rapid.IntRange(1, 200).Draw(rt, "packets") {
			now += time.Duration(rapid.SampledFrom([]int{0, 0, 1, 1000, 100_000, 1_000_000}).Draw(rt, "pause"))
			size := rapid.IntRange(60, maxFrame).Draw(rt, "size")
			gone := len(tr.gone)
			tr.send(now, 1, size)
			at, ok := model.admit(int64(now), size)
			if ok == (len(tr.gone) > gone) {
				rt.Fatalf("frame of %d bytes at %v: arithmetic takes it: %v", size, now, ok)
			}
			if ok {
				due = append(due, at)
			}
		}
		tr.drain()
		for i, a := range tr.out {
			if int64(a.at) != due[i] {
				rt.Fatalf("frame %d came out at %v, arithmetic says %v", a.id, a.at, time.Duration(due[i]))
			}
		}
		if len(tr.out) != len(due) {
			rt.Fatalf("%d frames came out, arithmetic says %d", len(tr.out), len(due))
		}
	})
}

// anyLink draws a link with whatever it may have.
func anyLink(rt *rapid.T) Link {
	l := Link{Delay: time.Duration(rapid.IntRange(0, 30).Draw(rt, "delay")) * time.Millisecond}
	maybe := func(name string, with func()) {
		if rapid.Bool().Draw(rt, name) {
			with()
		}
	}
	maybe("shaped", func() {
		l.Rate = rapid.Int64Range(1e6, 1e8).Draw(rt, "rate")
		l.AQM = rapid.SampledFrom([]AQM{DropTail, CoDel, FairQueue, FQCoDel}).Draw(rt, "aqm")
		l.Queue = rapid.SampledFrom([]int{0, 2 * maxFrame, 20_000, 1_000_000}).Draw(rt, "queue")
	})
	maybe("jittery", func() { l.Jitter = time.Duration(rapid.IntRange(1, 20).Draw(rt, "jitter")) * time.Millisecond })
	maybe("lossy", func() { l.Loss, l.LossRun = 0.1, rapid.SampledFrom([]float64{0, 1, 5}).Draw(rt, "run") })
	maybe("policed", func() { l.Policer = Policer{Rate: 4e6, Burst: 10_000} })
	maybe("reordering", func() { l.Reorder = Reorder{Share: 0.1, By: 5 * time.Millisecond} })
	maybe("flapping", func() { l.Flap = Flap{Up: 20 * time.Millisecond, Down: 7 * time.Millisecond} })
	return l
}

func TestEveryPacketHasOneFateOnAnyLink(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := anyLink(rt)
		tr := newTrial(t, l)
		now := time.Duration(0)
		for range rapid.IntRange(1, 300).Draw(rt, "packets") {
			now += time.Duration(rapid.SampledFrom([]int{0, 0, 0, 100_000, 1_000_000, 10_000_000}).Draw(rt, "pause"))
			tr.send(now, rapid.IntRange(1, 3).Draw(rt, "from"), rapid.IntRange(60, maxFrame).Draw(rt, "size"))
			if _, bytes := tr.shaper.queue.waiting(); float64(bytes) > tr.shaper.limit {
				rt.Fatalf("%d bytes wait in a queue of %g", bytes, tr.shaper.limit)
			}
		}
		tr.drain()
		fates := make([]int, tr.sent)
		last, bytes := map[int]int{}, 0
		for _, a := range tr.out {
			fates[a.id]++
			bytes += a.size
			if a.at < a.came+l.Delay {
				rt.Fatalf("frame %d took %v of a delay of %v", a.id, a.at-a.came, l.Delay)
			}
			if before, ok := last[a.from]; ok && before > a.id && l.Reorder.Share == 0 {
				rt.Fatalf("frame %d came out after %d of the same conversation", a.id, before)
			}
			last[a.from] = a.id
		}
		for _, g := range tr.gone {
			fates[g.id]++
		}
		for id, n := range fates {
			if n != 1 {
				rt.Fatalf("frame %d has %d fates", id, n)
			}
		}
		if end := tr.out; l.Rate > 0 && len(end) > 0 {
			// The first frame came at the earliest at 0, and the wire never hurries.
			if least := time.Duration(float64(bytes)*8e9/float64(l.Rate)) - time.Microsecond; end[len(end)-1].at < least {
				rt.Fatalf("%d bytes came through in %v", bytes, end[len(end)-1].at)
			}
		}
	})
}

func TestLookingLateChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := anyLink(rt)
		exact := newTrial(t, l)
		var late []arrival
		var gone []int
		lazy := newShaper(0, l, 1, func(p packet, _ fate) { id, _ := marked(p.bytes); gone = append(gone, id) })
		now := time.Duration(0)
		for range rapid.IntRange(1, 200).Draw(rt, "packets") {
			now += time.Duration(rapid.SampledFrom([]int{0, 100_000, 10_000_000}).Draw(rt, "pause"))
			from := rapid.IntRange(1, 3).Draw(rt, "from")
			id := exact.send(now, from, 1000)
			b := udpPacket(1000-frameHeader, from)
			binary.BigEndian.PutUint32(b[28:], uint32(id))
			lazy.admit(int64(now), b) // and nobody looks until the next one comes
		}
		exact.drain()
		end := now + time.Hour
		lazy.serve(int64(end))
		for p, ok := lazy.emit(int64(end)); ok; p, ok = lazy.emit(int64(end)) {
			id, from := marked(p.bytes)
			late = append(late, arrival{at: time.Duration(p.due), id: id, from: from, size: p.size(), came: time.Duration(p.came)})
		}
		if !slices.Equal(exact.out, late) {
			rt.Fatalf("%d frames came out, %d where nobody looked, or at other instants", len(exact.out), len(late))
		}
		if len(gone) != len(exact.gone) {
			rt.Fatalf("%d frames gone, %d where nobody looked", len(exact.gone), len(gone))
		}
	})
}

func TestChangeOfRateTakesEffectOnWhatWaits(t *testing.T) {
	l := Link{Rate: 8e6, Queue: 1 << 20, Delay: 10 * time.Millisecond}
	tr := newTrial(t, l)
	for range 20 { // a millisecond each
		tr.send(0, 1, 1000)
	}
	tr.now = int64(9500 * time.Microsecond) // nine are sent, the tenth is half sent, and nobody looked
	l.Rate /= 2
	tr.shaper.set(tr.now, l)
	tr.drain()
	for i, a := range tr.out {
		want := time.Duration(i+1+10) * time.Millisecond
		if i >= 10 {
			want += time.Duration(i-9) * time.Millisecond
		}
		if a.id != i || a.at != want {
			t.Errorf("frame %d came out at %v, want %v", a.id, a.at, want)
		}
	}
	if len(tr.out) != 20 {
		t.Errorf("%d of 20 frames came out", len(tr.out))
	}
}

func TestShorterWayReordersNothing(t *testing.T) {
	tr := newTrial(t, Link{Delay: 20 * time.Millisecond})
	tr.send(0, 1, 1000)
	tr.shaper.set(tr.now, Link{Delay: time.Millisecond})
	tr.send(0, 1, 1000)
	tr.drain()
	if len(tr.out) != 2 || tr.out[0].id != 0 || tr.out[1].at != 20*time.Millisecond {
		t.Errorf("packets came out as %+v", tr.out)
	}
}

func TestCountersAreReadFromTheKernelsTable(t *testing.T) {
	text := "Inter-|   Receive  |  Transmit\n face |bytes    packets errs\n" +
		"    lo:       1 2 0 0 0 0 0 0 1 2 0 0 0 0 0 0\n" +
		"   wan:123456789 4242 0 7 0 0 0 0 987 65 0 0 0 0 0 0\n"
	got, err := parseCounters(text, "wan")
	if want := (Counters{123456789, 4242, 987, 65}); err != nil || got != want {
		t.Errorf("counters are %+v (%v), want %+v", got, err, want)
	}
	if _, err := parseCounters(text, "wan0"); err == nil {
		t.Error("a device that is not there was read")
	}
}

func TestPlanRefusesWhatCannotBeBuilt(t *testing.T) {
	for name, plan := range map[string]Plan{
		"negative rate":   {Sites: []SitePlan{{WAN: Both(Link{Rate: -1})}}},
		"loss above one":  {Sites: []SitePlan{{WAN: Both(Link{Loss: 1.1})}}},
		"tiny queue":      {Sites: []SitePlan{{WAN: Both(Link{Rate: 1e6, Queue: 100})}}},
		"delay on a LAN":  {Sites: []SitePlan{{LAN: Link{Delay: time.Millisecond}}}},
		"CoDel on a LAN":  {Sites: []SitePlan{{LAN: Link{Rate: 1e6, AQM: CoDel}}}},
		"too many":        {Sites: []SitePlan{{Endpoints: maxEndpoints + 1}}},
		"too many places": {Sites: make([]SitePlan, maxSites+1)},
	} {
		if plan.check() == nil {
			t.Errorf("a plan with %s was accepted", name)
		}
	}
}

func TestLinkRefusesWhatMakesNoSense(t *testing.T) {
	for name, l := range map[string]Link{
		"loss that is no number":    {Loss: math.NaN()},
		"loss in runs of half":      {Loss: 0.1, LossRun: 0.5},
		"loss beyond its runs":      {Loss: 0.9, LossRun: 2},
		"negative jitter":           {Jitter: -1},
		"jitter of minutes":         {Jitter: time.Minute},
		"unknown AQM":               {Rate: 1e6, AQM: FQCoDel + 1},
		"AQM without a rate":        {AQM: CoDel},
		"policer without a burst":   {Policer: Policer{Rate: 1e6}},
		"policer without a rate":    {Policer: Policer{Burst: 10_000}},
		"policer that passes none":  {Policer: Policer{Rate: 1e6, Burst: 1000}},
		"reordering by nothing":     {Reorder: Reorder{Share: 0.1}},
		"reordering of nothing":     {Reorder: Reorder{By: time.Millisecond}},
		"reordering above one":      {Reorder: Reorder{Share: 2, By: time.Millisecond}},
		"flapping that never works": {Flap: Flap{Down: time.Second}},
		"flapping without a pause":  {Flap: Flap{Up: time.Second}},
		"flapping for ever":         {Flap: Flap{Up: time.Second, Down: time.Hour}},
	} {
		if l.check() == nil {
			t.Errorf("a link with %s was accepted", name)
		}
	}
}

func TestOnlyARateAndAQueueAreLeftToTheKernel(t *testing.T) {
	if Both(Link{Rate: 1e6, Queue: 10_000}).emulated() {
		t.Error("a rate and a queue need the emulator")
	}
	for _, l := range []Link{
		{Rate: 1e6, AQM: CoDel}, {Delay: 1}, {Loss: 0.1}, {Jitter: 1}, {Policer: Policer{Rate: 1e6, Burst: 10_000}},
		{Reorder: Reorder{Share: 0.1, By: 1}}, {Flap: Flap{Up: time.Second, Down: time.Second}},
	} {
		if !(WAN{Up: l}).emulated() {
			t.Errorf("%+v is left to the kernel", l)
		}
	}
}

// BenchmarkShaper is what deciding about one full packet of a busy link costs, beside
// the system calls that move it.
func BenchmarkShaper(b *testing.B) {
	for _, aqm := range []AQM{DropTail, CoDel, FairQueue, FQCoDel} {
		b.Run(aqm.String(), func(b *testing.B) {
			var spare [][]byte
			s := newShaper(0, Link{Rate: 8e9, Delay: time.Millisecond, AQM: aqm}, 1, func(p packet, _ fate) { spare = append(spare, p.bytes) })
			for range 4000 {
				spare = append(spare, udpPacket(mtu, 1))
			}
			now := int64(0)
			for b.Loop() {
				last := len(spare) - 1
				pkt := spare[last]
				spare = spare[:last]
				s.admit(now, pkt)
				now += maxFrame
				s.serve(now)
				for p, ok := s.emit(now); ok; p, ok = s.emit(now) {
					spare = append(spare, p.bytes)
				}
			}
		})
	}
}
