package schedule_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

// patchesOf makes patches of these chunks, each of so many bytes, that lie back to back.
func patchesOf(length uint32, chunks ...uint32) *schedule.Patches {
	read, at := pack.Patches{Base: content.VersionID{7}}, int64(4)
	for _, c := range chunks {
		read.Entries = append(read.Entries, pack.PatchEntry{Chunk: c, Offset: at, Length: length, Encoding: pack.Patch, First: c, Count: 2})
		at += int64(length)
	}
	return schedule.PatchesOf(content.Sum([]byte("patches")), read)
}

func TestPatchesStandForARun(t *testing.T) {
	run, _ := schedule.NewSupply(packed(1, 0, 100, 100, 100, 100)).Next(1000, nil)
	for name, c := range map[string]struct {
		patches  *schedule.Patches
		from, to int64 // 0: they don't stand for it
		skips    []uint32
	}{
		"all of it":              {patchesOf(10, 0, 1, 2, 3), 4, 44, []uint32{0, 0, 0, 0}},
		"among others":           {patchesOf(10, 0, 1, 2, 3, 4, 5), 4, 44, []uint32{0, 0, 0, 0}},
		"one is not there":       {patchesOf(10, 0, 1, 3), 0, 0, nil},
		"the first is not there": {patchesOf(10, 1, 2, 3), 0, 0, nil},
		"the last is not there":  {patchesOf(10, 0, 1, 2), 0, 0, nil},
		"little is saved":        {patchesOf(88, 0, 1, 2, 3), 0, 0, nil},
		"an eighth is saved":     {patchesOf(87, 0, 1, 2, 3), 4, 352, []uint32{0, 0, 0, 0}},
	} {
		p, ok := c.patches.For(run)
		if ok != (c.to > 0) {
			t.Errorf("%s: they stand for the run: %v", name, ok)
		}
		if !ok {
			continue
		}
		var skips []uint32
		for i, part := range p.Parts {
			skips = append(skips, part.Skip)
			if part.First != run.Parts[i].Chunk || part.Count != 2 || part.Encoding != uint8(pack.Patch) {
				t.Errorf("%s: part %d is %+v, want a patch of chunk %d", name, i, part, run.Parts[i].Chunk)
			}
		}
		if p.From != c.from || p.To != c.to || !reflect.DeepEqual(skips, c.skips) || p.Base != c.patches.Base || p.Pack != c.patches.Object {
			t.Errorf("%s: %+v, want bytes %d to %d", name, p, c.from, c.to)
		}
	}
	run.Parts = append(run.Parts[:1:1], run.Parts[3]) // what lies between is in another pack
	if p, ok := patchesOf(10, 0, 1, 2, 3).For(run); !ok || p.To-p.From != 40 || p.Parts[1].Skip != 20 {
		t.Errorf("around what is not in the run: %+v, %v", p, ok)
	}
}

func TestSupplyKnowsWhatPatchesSave(t *testing.T) {
	s := schedule.NewSupply(packed(1, 0, 100, 100, 100, 5))
	s.Change(0, 0, 1<<1)
	s.Patch(patchesOf(10, 0, 1, 3, 9))
	check := func(what string, missing, saved int64) {
		t.Helper()
		if s.Missing() != missing || s.Saved() != saved {
			t.Errorf("%s: %d bytes missing and %d of them saved, want %d and %d", what, s.Missing(), s.Saved(), missing, saved)
		}
	}
	check("one is held", 205, 90) // the last is larger as a patch, and saves nothing
	s.Change(0, 1<<1, 0)
	check("nothing is held", 305, 180)
	s.Change(0, 0, 15)
	check("all is held", 0, 0)
}

func TestFullLeaseWithPatchesFitsAMessage(t *testing.T) {
	l := wire.Lease{Epoch: wire.MaxNumber, Lease: wire.MaxNumber, URL: string(make([]byte, 200)), TTLMs: wire.MaxNumber,
		Patch: &wire.Patch{URL: string(make([]byte, 200))}}
	for i := range uint32(wire.MaxLeaseParts) {
		part := wire.Part{Chunk: content.MaxChunks - 1 - i, Length: content.MaxChunkBytes, Encoding: 1, Skip: content.MaxChunkBytes}
		of := wire.PatchPart{Length: content.MaxChunkBytes, Encoding: uint8(pack.Patch), Skip: content.MaxChunkBytes, First: content.MaxChunks - 1, Count: pack.MaxDictionaryChunks}
		l.Parts, l.Patch.Parts = append(l.Parts, part), append(l.Patch.Parts, of)
		l.To, l.Patch.To = l.To+part.Span(), l.Patch.To+of.Span()
	}
	text, err := wire.Encode(wire.KindLease, wire.MaxNumber, wire.MaxNumber, l)
	if err != nil || len(text) > wire.MaxMessageBytes {
		t.Errorf("%d bytes (%v), limit %d", len(text), err, wire.MaxMessageBytes)
	}
}

func TestPatchesAreAwaitedWhereTheyComeInTime(t *testing.T) {
	for _, c := range []struct {
		bytes int64
		rate  float64
		want  time.Duration
	}{
		{25_000_000, 0, 5 * time.Second}, // a line of 20 Mbit/s is thought of
		{25_000_000, 12.5e6, time.Second},
		{25_000_000, 250_000, 30 * time.Second},
		{0, 250_000, 0},
	} {
		if got := schedule.PatchPatience(c.bytes, c.rate); got != c.want {
			t.Errorf("for %d bytes at %.0f a second: %v, want %v", c.bytes, c.rate, got, c.want)
		}
	}
}

func TestWhoTakesPatchesFetches(t *testing.T) {
	candidates := []schedule.Candidate{
		{Member: schedule.Member{ID: "plain", Since: 1}, Whole: true},
		{Member: schedule.Member{ID: "patched", Since: 2, Wireless: true}},
		{Member: schedule.Member{ID: "slow", Since: 3}, Slow: true},
	}
	want := []wire.EndpointID{"patched", "plain", "slow"}
	if got := schedule.Fetchers(candidates, 3); !reflect.DeepEqual(got, want) {
		t.Errorf("fetchers %v, want %v", got, want)
	}
}
