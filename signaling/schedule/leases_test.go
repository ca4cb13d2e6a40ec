package schedule_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

func packed(pack byte, offset int64, lengths ...uint32) []schedule.Place {
	var out []schedule.Place
	for _, n := range lengths {
		out = append(out, schedule.Place{Pack: content.Digest{pack}, Offset: offset, Length: n})
		offset += int64(n)
	}
	return out
}

func chunks(r schedule.Run) []uint32 {
	var out []uint32
	for _, p := range r.Parts {
		out = append(out, p.Chunk)
	}
	return out
}

func TestRunFollowsOnePackWithoutGaps(t *testing.T) {
	one := packed(1, 100, 10, 10, 10, 10)
	gap := slices.Concat(packed(1, 0, 10, 10), packed(1, 25, 10))
	mixed := slices.Concat(packed(1, 0, 10, 10), packed(2, 70, 5), packed(1, 20, 10), packed(2, 75, 5))
	for _, c := range []struct {
		name   string
		places []schedule.Place
		held   byte
		leased []uint32
		limit  int64
		want   []uint32
		from   int64
	}{
		{name: "everything", places: one, limit: 100, want: []uint32{0, 1, 2, 3}, from: 100},
		{name: "up to the limit", places: one, limit: 25, want: []uint32{0, 1}, from: 100},
		{name: "one chunk above the limit", places: one, limit: 1, want: []uint32{0}, from: 100},
		{name: "not what is held", places: one, held: 0b0001, limit: 100, want: []uint32{1, 2, 3}, from: 110},
		{name: "up to what is held", places: one, held: 0b0100, limit: 100, want: []uint32{0, 1}, from: 100},
		{name: "not what is leased", places: one, leased: []uint32{0, 1}, limit: 100, want: []uint32{2, 3}, from: 120},
		{name: "up to a gap", places: gap, limit: 100, want: []uint32{0, 1}},
		{name: "over chunks of another pack", places: mixed, limit: 100, want: []uint32{0, 1, 3}},
		{name: "then the other pack", places: mixed, held: 0b01011, limit: 100, want: []uint32{2, 4}, from: 70},
		{name: "nothing", places: one, held: 0b1111, limit: 100},
		{name: "of nothing", limit: 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := schedule.NewSupply(c.places)
			s.Change(0, 0, c.held)
			for _, i := range c.leased {
				s.Lease([]wire.Part{{Chunk: i}})
			}
			run, ok := s.Next(c.limit, nil)
			if got := chunks(run); !slices.Equal(got, c.want) || ok != (len(c.want) > 0) || run.From != c.from {
				t.Errorf("run is %v from %d (%v), want %v from %d", got, run.From, ok, c.want, c.from)
			}
		})
	}
}

func TestRunIsBounded(t *testing.T) {
	lengths := make([]uint32, 3*wire.MaxLeaseParts)
	for i := range lengths {
		lengths[i] = 1
	}
	run, _ := schedule.NewSupply(packed(1, 0, lengths...)).Next(schedule.MaxLeaseBytes, nil)
	if len(run.Parts) != wire.MaxLeaseParts {
		t.Errorf("run of %d parts, limit %d", len(run.Parts), wire.MaxLeaseParts)
	}
}

// TestSupplyAgreesWithItsDefinition compares the running count with one made from
// scratch, whatever endpoints come to hold, lose and lease.
func TestSupplyAgreesWithItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 43
		s := schedule.NewSupply(packed(1, 0, make([]uint32, n)...))
		holds := make([]content.Bitmap, 3)
		for i := range holds {
			holds[i] = content.NewBitmap(n)
		}
		leased := content.NewBitmap(n)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			i := rapid.Uint32Range(0, n-1).Draw(t, "chunk")
			part := []wire.Part{{Chunk: i}}
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				h := holds[rapid.IntRange(0, 2).Draw(t, "who")]
				is := rapid.Byte().Draw(t, "bits")
				s.Change(i/8*8, h[i/8], is)
				h[i/8] = is
				h.Trim(n)
			case 1:
				s.Lease(part)
				leased.Set(i)
			case 2:
				s.Free(part)
				leased.Clear(i)
			}
			var open []uint32
			for c := range uint32(n) {
				if !leased.Has(c) && !slices.ContainsFunc(holds, func(b content.Bitmap) bool { return b.Has(c) }) {
					open = append(open, c)
				}
			}
			if s.Open() != uint32(len(open)) {
				t.Fatalf("%d open, want %v", s.Open(), open)
			}
			if run, ok := s.Next(1, nil); ok != (len(open) > 0) || ok && run.Parts[0].Chunk != open[0] {
				t.Fatalf("next is %v, want the first of %v", run.Parts, open)
			}
		}
	})
}

func TestLeasesStartSmallAndFollowTheRate(t *testing.T) {
	for _, c := range []struct {
		granted int
		rate    float64
		want    int64
	}{
		{0, 0, schedule.FirstLeaseBytes}, {0, 1e9, schedule.FirstLeaseBytes}, {1, 0, schedule.UnknownLeaseBytes},
		{1, 1e9, schedule.MaxLeaseBytes}, {5, 250_000, 1_000_000}, {5, 1000, schedule.MinLeaseBytes},
	} {
		if got := schedule.LeaseBytes(c.granted, c.rate); got != c.want {
			t.Errorf("lease %d at %.0f B/s covers %d, want %d", c.granted, c.rate, got, c.want)
		}
	}
}

func TestFetcherIsTheSteadiest(t *testing.T) {
	agent := func(n int, since int64) schedule.Candidate {
		return schedule.Candidate{Member: schedule.Member{ID: id(n), Device: wire.DeviceAgent, Since: since}}
	}
	browser, battery, wireless, old, young := agent(1, 1), agent(2, 2), agent(3, 3), agent(4, 4), agent(5, 5)
	browser.Device, battery.Battery, wireless.Wireless = wire.DeviceBrowser, true, true
	all := []schedule.Candidate{browser, battery, wireless, young, old}
	if got, want := schedule.Fetchers(all, 5), []wire.EndpointID{id(4), id(5), id(3), id(2), id(1)}; !slices.Equal(got, want) {
		t.Errorf("order is %v, want %v", got, want)
	}
	young.Fetcher = true
	if got := schedule.Fetchers([]schedule.Candidate{old, young, browser}, 1); !slices.Equal(got, []wire.EndpointID{id(5)}) {
		t.Errorf("fetcher is %v, want to keep %v", got, id(5))
	}
	young.HeldOff = true
	if got := schedule.Fetchers([]schedule.Candidate{old, young, browser}, 1); !slices.Equal(got, []wire.EndpointID{id(4)}) {
		t.Errorf("fetcher is %v, want another than the one held off", got)
	}
	if got := schedule.Fetchers(nil, 2); len(got) != 0 {
		t.Errorf("fetchers of nobody are %v", got)
	}
}

func TestHigherClassesComeFirstAndEqualsTakeTurns(t *testing.T) {
	a, b := []wire.EndpointID{id(1)}, []wire.EndpointID{id(2)}
	flow := func(p wire.Priority, turn uint64, who []wire.EndpointID) schedule.Waiting {
		return schedule.Waiting{Priority: p, Turn: turn, Fetchers: who}
	}
	room := func(n, class int) map[schedule.Slot]int {
		return map[schedule.Slot]int{{Member: id(n), Class: class}: 1}
	}
	for _, c := range []struct {
		name  string
		flows []schedule.Waiting
		room  map[schedule.Slot]int
		want  int
		to    wire.EndpointID
		ok    bool
	}{
		{name: "nothing"},
		{name: "high before normal", flows: []schedule.Waiting{flow(wire.Normal, 0, a), flow(wire.High, 9, a)},
			room: map[schedule.Slot]int{{Member: id(1), Class: 0}: 1, {Member: id(1), Class: 1}: 1}, want: 1, to: id(1), ok: true},
		{name: "the one that waited longest", flows: []schedule.Waiting{flow(wire.Low, 7, a), flow(wire.Low, 3, a)},
			room: room(1, 2), want: 1, to: id(1), ok: true},
		{name: "a full fetcher", flows: []schedule.Waiting{flow(wire.Low, 7, a)}, room: map[schedule.Slot]int{{Member: id(1), Class: 2}: 0}},
		{name: "room in another class", flows: []schedule.Waiting{flow(wire.Low, 7, a)}, room: room(1, 0)},
		{name: "a full higher class holds up no other", flows: []schedule.Waiting{flow(wire.High, 0, a), flow(wire.Low, 0, a)},
			room: room(1, 2), want: 1, to: id(1), ok: true},
		{name: "nobody can fetch the higher one", flows: []schedule.Waiting{flow(wire.High, 0, nil), flow(wire.Low, 0, b)},
			room: room(2, 2), want: 1, to: id(2), ok: true},
		{name: "an equal one with room", flows: []schedule.Waiting{flow(wire.High, 0, a), flow(wire.High, 4, b)},
			room: room(2, 0), want: 1, to: id(2), ok: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, to, ok := schedule.NextLease(c.flows, func(s schedule.Slot) int { return c.room[s] })
			if got != c.want || to != c.to || ok != c.ok {
				t.Errorf("flow %d to %q (%v), want %d to %q (%v)", got, to, ok, c.want, c.to, c.ok)
			}
		})
	}
}

func TestSharesSumToTheCap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Int64Range(0, 1<<40).Draw(t, "cap")
		shares := schedule.Shares(limit, rapid.IntRange(1, 20).Draw(t, "fetchers"))
		sum := int64(0)
		for _, s := range shares {
			sum += s
		}
		if sum != limit || slices.Max(shares)-slices.Min(shares) > 1 {
			t.Fatalf("cap of %d became %v", limit, shares)
		}
	})
	if got := schedule.Shares(wire.Unlimited, 2); !slices.Equal(got, []int64{wire.Unlimited, wire.Unlimited}) {
		t.Errorf("no cap became %v", got)
	}
}
