package engine

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// desk is turns with jobs of known sizes, and what was sent of each version.
type desk struct {
	turns
	priorities map[content.VersionID]wire.Priority
	sizes      map[content.VersionID]int
	sent       map[content.VersionID]int
	order      []content.VersionID
}

func newDesk() *desk {
	return &desk{priorities: map[content.VersionID]wire.Priority{}, sizes: map[content.VersionID]int{}, sent: map[content.VersionID]int{}}
}

func version(n int) content.VersionID { return content.VersionID{byte(n), 1} }

func (d *desk) flow(n int, p wire.Priority, size int) content.VersionID {
	v := version(n)
	d.priorities[v], d.sizes[v] = p, size
	return v
}

func (d *desk) wait(v content.VersionID, jobs int) {
	for range jobs {
		d.add(job{version: v})
	}
}

// serve sends one job and reports whose it was.
func (d *desk) serve() (content.VersionID, bool) {
	j, ok := d.next(func(v content.VersionID) int32 { return int32(d.priorities[v].Class()) })
	if ok {
		d.spent(j, d.sizes[j.version])
		d.sent[j.version] += d.sizes[j.version]
		d.order = append(d.order, j.version)
	}
	return j.version, ok
}

func TestClassesAreServedStrictlyWithAFloor(t *testing.T) {
	for _, c := range []struct {
		name string
		wait []wire.Priority
		want []float64 // shares
	}{
		{"high and low", []wire.Priority{wire.High, wire.Low}, []float64{0.95, 0.05}},
		{"high and normal", []wire.Priority{wire.High, wire.Normal}, []float64{0.95, 0.05}},
		{"normal and low", []wire.Priority{wire.Low, wire.Normal}, []float64{0.05, 0.95}},
		{"all three", []wire.Priority{wire.High, wire.Normal, wire.Low}, []float64{0.90, 0.05, 0.05}},
		{"low alone", []wire.Priority{wire.Low}, []float64{1}},
		{"two of a class above one", []wire.Priority{wire.High, wire.High, wire.Low}, []float64{0.475, 0.475, 0.05}},
		{"one above two of a class", []wire.Priority{wire.High, wire.Low, wire.Low}, []float64{0.95, 0.025, 0.025}},
		{"no priority is normal", []wire.Priority{"", wire.Normal, wire.Low}, []float64{0.475, 0.475, 0.05}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, total := newDesk(), 0
			for i, p := range c.wait {
				d.wait(d.flow(i, p, 50_000+10_000*i), 4000)
			}
			for range 3000 {
				v, _ := d.serve()
				total += d.sizes[v]
			}
			for i, want := range c.want {
				if got := float64(d.sent[version(i)]) / float64(total); got < want-0.003 || got > want+0.003 {
					t.Errorf("%s got %.3f of the bytes, want %.3f", c.wait[i], got, want)
				}
			}
		})
	}
}

func TestUrgentFlowOvertakesAtTheNextChunk(t *testing.T) {
	d := newDesk()
	low, high := d.flow(1, wire.Low, 64<<10), d.flow(2, wire.High, 64<<10)
	d.wait(low, 1000)
	for range 100 {
		d.serve()
	}
	d.wait(high, 19)
	d.order = nil
	for range 20 {
		d.serve()
	}
	if d.order[0] != high || d.sent[high] != 19*64<<10 {
		t.Errorf("of 20 chunks %d bytes were urgent and the first was %x, want all 19 of them with one between",
			d.sent[high], d.order[0][:1])
	}
}

func TestPriorityMayChangeWhileJobsWait(t *testing.T) {
	d := newDesk()
	a, b := d.flow(1, wire.Normal, 1000), d.flow(2, wire.Low, 1000)
	d.wait(a, 1000)
	d.wait(b, 1000)
	for range 200 {
		d.serve()
	}
	d.priorities[b] = wire.High
	before := d.sent[b]
	for range 200 {
		d.serve()
	}
	if got := d.sent[b] - before; got < 188_000 || got > 192_000 {
		t.Errorf("a flow made urgent got %d of 200000 bytes, want 19 parts of 20", got)
	}
	d.priorities[a] = wire.High
	before = d.sent[b]
	for range 200 {
		d.serve()
	}
	if got := d.sent[b] - before; got < 98_000 || got > 102_000 {
		t.Errorf("beside another urgent flow it got %d of 200000 bytes, want half", got)
	}
}

// A flow that asks for one chunk at a time is never waiting when its turn ends.
func TestFlowThatAsksOneByOneGetsItsShareAndNoMore(t *testing.T) {
	for _, p := range []wire.Priority{wire.Low, wire.Normal} {
		d := newDesk()
		deep, single := d.flow(1, wire.Normal, 64<<10), d.flow(2, p, 64<<10)
		d.wait(deep, 2000)
		d.wait(single, 1)
		for range 1000 {
			if v, _ := d.serve(); v == single {
				d.wait(single, 1)
			}
		}
		want := 0.5
		if p == wire.Low {
			want = 0.05
		}
		got := float64(d.sent[single]) / float64(d.sent[single]+d.sent[deep])
		if got < want-0.01 || got > want+0.01 {
			t.Errorf("a %s flow that asks one by one got %.3f of the bytes, want %.2f", p, got, want)
		}
	}
}

func TestBodyGoesOutInParts(t *testing.T) {
	d := newDesk()
	low, high := d.flow(1, wire.Low, bodyTurn), d.flow(2, wire.High, 1000)
	const size = 3*bodyTurn + 100
	d.add(job{version: low, body: true, length: size})
	var parts []job
	for {
		j, ok := d.next(func(v content.VersionID) int32 { return int32(d.priorities[v].Class()) })
		if !ok {
			break
		}
		d.spent(j, int(j.length))
		d.order = append(d.order, j.version)
		if j.version == low {
			parts = append(parts, j)
			d.wait(high, 1) // goes before the next part
		}
	}
	if want := []content.VersionID{low, high, low, high, low, high, low, high}; !slices.Equal(d.order, want) {
		t.Errorf("served %x, want an urgent chunk after each part", d.order)
	}
	at := uint32(0)
	for _, j := range parts {
		if j.offset != at || j.offset%wire.MaxDataBytes != 0 {
			t.Errorf("part begins at %d, want %d", j.offset, at)
		}
		at += j.length
	}
	if at != size || len(parts) != 4 {
		t.Errorf("%d parts of %d bytes, want 4 of %d", len(parts), at, size)
	}
	if d.count != 0 {
		t.Errorf("%d jobs are left", d.count)
	}
}

// fairness is what the property test keeps of a desk, from outside.
type fairness struct {
	*desk
	flows int
	// By class: bytes sent while a higher class waited, and its own among them;
	// the same of the time since it began to wait.
	sent, own           [classes]int64
	waitedSent, waitOwn [classes]int64
	// lead is, by pair of flows of a class, how much more the first had since both
	// have waited.
	lead map[[2]int]int64
}

func (f *fairness) waits(i int) bool { l := f.lane(version(i)); return l != nil && len(l.jobs) > 0 }
func (f *fairness) classOf(i int) int32 {
	return int32(f.priorities[version(i)].Class())
}

// step serves a job and reports what is unfair.
func (f *fairness) step() string {
	var waited [classes]bool
	top := int32(classes)
	for i := range f.flows {
		if f.waits(i) {
			waited[f.classOf(i)] = true
			top = min(top, f.classOf(i))
		}
	}
	v, ok := f.serve()
	if !ok {
		if top < classes {
			return "nothing was served while jobs wait"
		}
		return ""
	}
	served, n := int(v[0]), int64(f.sizes[v])
	for c := top + 1; c < classes; c++ {
		f.sent[c] += n
		f.waitedSent[c] += n
		if c == f.classOf(served) {
			f.own[c] += n
			f.waitOwn[c] += n
		}
		if !waited[c] {
			f.waitedSent[c], f.waitOwn[c] = 0, 0
		}
		if f.own[c] > f.sent[c]/floorPart+bodyTurn {
			return "a lower class had more than one byte in twenty and a turn"
		}
		// It may begin with a turn too much to pay back, and end a turn behind.
		if f.waitOwn[c] < f.waitedSent[c]/floorPart-2*bodyTurn {
			return "a lower class that waits had less than one byte in twenty"
		}
	}
	for i := range f.flows {
		if i == served || f.classOf(i) != f.classOf(served) {
			continue
		}
		pair, sign := [2]int{min(i, served), max(i, served)}, n
		if served > i {
			sign = -n
		}
		f.lead[pair] += sign
		if !f.waits(i) || !f.waits(served) {
			f.lead[pair] = 0
		}
		if f.lead[pair] > 2*bodyTurn || f.lead[pair] < -2*bodyTurn {
			return "a flow got ahead of another of its class by more than two turns"
		}
	}
	return ""
}

func TestTurnsAreFairInAnyOrderOfEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := &fairness{desk: newDesk(), flows: rapid.IntRange(1, 8).Draw(t, "flows"), lead: map[[2]int]int64{}}
		for i := range f.flows {
			f.flow(i, rapid.SampledFrom([]wire.Priority{wire.High, wire.Normal, wire.Low}).Draw(t, "priority"),
				rapid.IntRange(1000, bodyTurn).Draw(t, "size"))
		}
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			i := rapid.IntRange(0, f.flows-1).Draw(t, "flow")
			switch event := rapid.IntRange(0, 40).Draw(t, "event"); {
			case event == 0:
				f.drop(version(i), func(job) bool { return true })
				for pair := range f.lead {
					if pair[0] == i || pair[1] == i {
						f.lead[pair] = 0
					}
				}
			case event < 20:
				f.wait(version(i), rapid.IntRange(1, 5).Draw(t, "jobs"))
			default:
				for range event / 5 {
					if unfair := f.step(); unfair != "" {
						t.Fatal(unfair)
					}
				}
			}
			if len(f.lanes) > f.flows {
				t.Fatalf("%d lanes for %d flows", len(f.lanes), f.flows)
			}
		}
		for f.count > 0 {
			if unfair := f.step(); unfair != "" {
				t.Fatal(unfair)
			}
		}
		if _, ok := f.serve(); ok || len(f.lanes) != 0 {
			t.Fatalf("%d lanes are left when nothing waits", len(f.lanes))
		}
	})
}
