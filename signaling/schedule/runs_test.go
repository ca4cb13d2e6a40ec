package schedule_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

func TestARunTakesItsRestAlong(t *testing.T) {
	lengths := make([]uint32, 15)
	for i := range lengths {
		lengths[i] = 100 << 10
	}
	s := schedule.NewSupply(packed(1, 0, lengths...))
	if run, _ := s.Next(schedule.FirstLeaseBytes, nil); len(run.Parts) != 15 {
		t.Errorf("run of %d chunks, want all 15: the rest would be a small request", len(run.Parts))
	}
	s = schedule.NewSupply(packed(1, 0, append(lengths, 100<<10)...))
	if run, _ := s.Next(schedule.FirstLeaseBytes, nil); len(run.Parts) != 10 {
		t.Errorf("run of %d chunks, want the 10 within the limit", len(run.Parts))
	}
}

func TestARunReachesOverLittleThatIsNotNeeded(t *testing.T) {
	const chunk = 10 << 10
	lengths := slices.Repeat([]uint32{chunk}, 300)
	places := slices.Concat(packed(1, 0, lengths[:150]...), packed(1, 150*chunk+chunk, lengths[150:]...)) // a chunk of another version between
	s := schedule.NewSupply(places)
	s.Change(200, 0, 1) // held
	run, ok := s.Next(schedule.MaxLeaseBytes, nil)
	if !ok || len(run.Parts) != 300 || run.Parts[150].Skip != chunk || run.To != 301*chunk {
		t.Errorf("run of %d chunks to %d, want one of all 300", len(run.Parts), run.To)
	}
	s.Change(208, 0, 1) // too much is held
	if run, _ := s.Next(schedule.MaxLeaseBytes, nil); len(run.Parts) != 200 {
		t.Errorf("run of %d chunks, want those before the first that is held", len(run.Parts))
	}
}

// TestRunsBringEverythingOnceAndLittleElse leases all that is open, whatever lies
// where and is held by whom.
func TestRunsBringEverythingOnceAndLittleElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 400).Draw(t, "chunks")
		places, ends := make([]schedule.Place, n), map[byte]int64{}
		pack := byte(0)
		for i := range places {
			if rapid.IntRange(0, 19).Draw(t, "other") == 0 {
				pack = rapid.ByteRange(0, 2).Draw(t, "pack")
			}
			if rapid.IntRange(0, 29).Draw(t, "hole") == 0 {
				ends[pack] += rapid.Int64Range(1, 100<<10).Draw(t, "gap")
			}
			length := rapid.Uint32Range(1, 256<<10).Draw(t, "length")
			places[i] = schedule.Place{Pack: content.Digest{pack}, Offset: ends[pack], Length: length}
			ends[pack] += int64(length)
		}
		for range rapid.IntRange(0, 3).Draw(t, "moves") { // moved files: another order than in their pack
			i, j := rapid.IntRange(0, n-1).Draw(t, "i"), rapid.IntRange(0, n-1).Draw(t, "j")
			places[i], places[j] = places[j], places[i]
		}
		s := schedule.NewSupply(places)
		needed := int64(0)
		held := make([]bool, n)
		for i := range n {
			if held[i] = rapid.IntRange(0, 29).Draw(t, "held") == 0; held[i] {
				s.Change(uint32(i)&^7, 0, 1<<(i%8))
			} else {
				needed += int64(places[i].Length)
			}
		}
		limit := rapid.SampledFrom([]int64{1, schedule.MinLeaseBytes, schedule.FirstLeaseBytes, schedule.UnknownLeaseBytes, schedule.MaxLeaseBytes}).Draw(t, "limit")
		taken, fetched := make([]bool, n), int64(0)
		for {
			run, ok := s.Next(limit, nil)
			if !ok {
				break
			}
			checkRun(t, run, places, limit)
			if found, ok := s.Find(run.Pack, run.From, run.To); !ok || !reflect.DeepEqual(found.Parts, run.Parts) {
				t.Fatalf("found %+v, want %+v", found, run)
			}
			for _, p := range run.Parts {
				if !held[p.Chunk] && taken[p.Chunk] {
					t.Fatalf("chunk %d is leased twice", p.Chunk)
				}
				taken[p.Chunk] = true
			}
			s.Lease(run.Parts)
			fetched += run.To - run.From
		}
		if s.Open() != 0 || fetched < needed || fetched-needed > needed/100 {
			t.Fatalf("%d left open; fetched %d of %d needed", s.Open(), fetched, needed)
		}
	})
}

// checkRun checks that the parts of a run lie where it says, and are no more than
// asked for.
func checkRun(t *rapid.T, run schedule.Run, places []schedule.Place, limit int64) {
	at := run.From
	for _, p := range run.Parts {
		at += int64(p.Skip)
		if want := places[p.Chunk]; want.Pack != run.Pack || want.Offset != at || want.Length != p.Length {
			t.Fatalf("chunk %d at %d of pack %s, want %+v", p.Chunk, at, run.Pack, want)
		}
		at += int64(p.Length)
	}
	if at != run.To || len(run.Parts) == 0 || len(run.Parts) > wire.MaxLeaseParts || run.Parts[0].Skip != 0 {
		t.Fatalf("run %+v does not end where its parts do", run)
	}
	if size := run.To - run.From; len(run.Parts) > 1 && size > limit+schedule.MinLeaseBytes {
		t.Fatalf("run of %d bytes, limit %d", size, limit)
	}
}
